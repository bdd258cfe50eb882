"""Previews for the page: asked for, worked out by a worker, kept, and accepted as they were shown.

An organization has one preview, the latest. Asking while one is being worked out gives that one. A preview knows what
it was asked about (`choices.chosen`); when somebody has chosen otherwise since, it cannot be accepted any more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import msgspec

from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.engine import jobs
from startdeliver.sync.models import Connection, PushPreview
from startdeliver.sync.push import choices
from startdeliver.sync.push.preview import Preview, Progress, loaded, preview, stored
from startdeliver.tenancy.models import Organization

log = logging.getLogger(__name__)

KIND = "push-preview"
FRESH = timedelta(hours=24)
"""A preview older than this is to be made anew before it is accepted: values have moved on."""
_LIVE = (PushPreview.Status.QUEUED, PushPreview.Status.RUNNING)
_ATTEMPTS = 3


class Stale(Exception):
    """What was shown is no longer what would happen; the message says what to do."""


def ask(organization: Organization, by: str) -> PushPreview:
    """The preview that is being worked out, or a new one for a worker to work out. Inside the organization's scope."""
    found, _ = PushPreview.objects.get_or_create(organization=organization, defaults={"asked_by": by})
    ended = PushPreview.objects.filter(pk=found.pk).exclude(status__in=_LIVE)
    ended.update(status=PushPreview.Status.QUEUED, asked_at=clock.now(), asked_by=by, progress={}, error="")
    _enqueue(organization)
    return PushPreview.objects.get(pk=found.pk)


def latest(organization: Organization) -> PushPreview | None:
    """The organization's preview as it stands. One whose job is gone is handed to a worker again."""
    found = PushPreview.objects.filter(organization=organization).first()
    if found is not None and found.status in _LIVE:
        _enqueue(organization)
    return found


def result_of(found: PushPreview) -> Preview | None:
    """What was worked out; None while nothing is, or when another version of the program did."""
    if found.status != PushPreview.Status.DONE:
        return None
    try:
        return loaded(found.result)
    except msgspec.ValidationError:
        return None


def is_current(found: PushPreview, organization: Organization, link: Connection) -> bool:
    """Whether it shows what would happen: nothing was chosen otherwise since, and it is not from yesterday."""
    recent = found.finished_at is not None and found.finished_at > clock.now() - FRESH
    return found.status == PushPreview.Status.DONE and recent and found.chosen == choices.chosen(organization, link)


def accept(organization: Organization, link: Connection, number: str, by: str) -> None:
    """Accepts what this preview (see `number_of`) has shown, and nothing else. Raises Stale."""
    found = PushPreview.objects.filter(organization=organization).first()
    shown = result_of(found) if found is not None else None
    if shown is not None and shown.problem:
        raise Stale("Intercom could not be asked when this preview was made, so nothing was accepted. Make it anew.")
    if found is None or shown is None or number_of(found) != number:
        raise Stale("There is a newer preview than the one that you accepted, so nothing was changed. Look at it.")
    if not is_current(found, organization, link):
        raise Stale("What goes out was changed since this preview was made, so nothing was accepted. Look at it anew.")
    choices.accept(organization, by, shown.keys)


def number_of(found: PushPreview) -> str:
    """Tells this preview from those before and after it in the same row."""
    return found.finished_at.isoformat() if found.finished_at else ""


def _enqueue(organization: Organization) -> None:
    jobs.enqueue(KIND, f"{KIND}:{organization.pk}", {}, organization)


# ----------------------------------------------------------------------------------------------------------- the worker


def work(organization: Organization, on_progress: Progress) -> None:
    """Works out the preview that was asked for, again if it was asked for anew or something else was chosen meanwhile.
    What goes wrong is noted in it. `on_progress` may raise to end it."""
    for attempt in range(_ATTEMPTS):
        asked = PushPreview.objects.filter(organization=organization, status__in=_LIVE).first()
        if asked is None or _once(asked, on_progress, last=attempt == _ATTEMPTS - 1):
            return


def _once(asked: PushPreview, on_progress: Progress, *, last: bool) -> bool:
    """One try. False: it must be done again."""
    mine = PushPreview.objects.filter(pk=asked.pk, asked_at=asked.asked_at)
    organization = Organization.objects.get(pk=asked.organization_id)
    link = Connection.objects.filter(organization=organization).first()
    if link is None or not link.is_ready:
        return _failed(asked, "Intercom is not connected, so there is nothing to preview.")
    wanted = choices.chosen(organization, link)
    mine.update(status=PushPreview.Status.RUNNING, chosen=wanted)

    def tell(progress: dict[str, Any]) -> None:
        on_progress(progress)
        mine.update(progress=progress)

    try:
        found = preview(organization, link, tell)
    except DecryptionError:
        return _failed(asked, "The stored access token cannot be read, so Intercom could not be asked.")
    except (jobs.Requeue, jobs.LeaseLost):
        raise
    except Exception as error:
        # Without the message: a database's error quotes the row.
        log.exception("the preview of organization %s failed", organization.pk)
        return _failed(asked, f"The preview met an internal error ({type(error).__name__}). Ask for it again.")
    now_wanted = choices.chosen(Organization.objects.get(pk=organization.pk), link)
    if now_wanted != wanted and not last:
        return False
    done = {"status": PushPreview.Status.DONE, "finished_at": clock.now(), "progress": {}, "error": ""}
    return bool(mine.update(**done, result=stored(found)))


def _failed(asked: PushPreview, sentence: str) -> bool:
    PushPreview.objects.filter(pk=asked.pk, asked_at=asked.asked_at).update(
        status=PushPreview.Status.FAILED, finished_at=clock.now(), progress={}, error=sentence[:500]
    )
    return True
