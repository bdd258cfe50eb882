"""All companies, once a day: Intercom has no way to ask for those that changed.

Only the scroll gives them all, and a workspace has one, which another program may hold. No ticket waits for that: the
plain list is read at once instead. It ends at 10,000, so where it was not whole the scroll is waited for later in the
run, after the conversations; and a run that could not read all companies is not a complete one.
"""

from __future__ import annotations

from startdeliver.common import clock
from startdeliver.intercom import Page, VersionUnsupported, wire
from startdeliver.sync import intercom_records
from startdeliver.sync.models import IntercomCompany
from startdeliver.sync.pull.work import Pull

STAGE = "companies"
LATER = "companies_again"


def run(pull: Pull) -> None:
    """Reads every company that has contacts, as far as that needs no waiting for others. A scroll cannot be continued,
    so a run that resumes starts it again. Where Intercom offers no listing of companies that is a warning; what
    conversations and contacts say of them remains."""
    try:
        pull.stage_cursor(STAGE)["short"] = _sweep(pull, STAGE, patient=False)
    except VersionUnsupported as error:
        pull.warn(f"Companies could not be read: {error.sentence}")


def shortage(pull: Pull) -> str:
    """A sentence while companies were withheld from this run, else ""."""
    return str(pull.stage_cursor(STAGE).get("short") or "")


def is_short(pull: Pull) -> bool:
    """Whether companies were withheld from this run so far."""
    return bool(shortage(pull))


def again(pull: Pull) -> None:
    """Reads all companies once more, now waiting until the scroll is free. If that fails, the run is not complete."""
    pull.stage_cursor(STAGE)["short"] = _sweep(pull, LATER, patient=True)


def _sweep(pull: Pull, stage: str, *, patient: bool) -> str:
    """Returns a sentence when companies were withheld, else ""."""
    state = pull.stage_cursor(stage)
    began = clock.now()
    done, whole, short = 0, True, ""
    for page in pull.fetcher.iter_pages(pull.client.companies_scroll(patient=patient)):
        if page.restarted:
            done, whole = 0, True
        short = page.truncated or short
        whole = whole and not page.failures
        done += len(page.items)
        pull.progress(done, page.total_count)

        def write(page: Page[wire.Company] = page) -> None:
            changed = intercom_records.store_companies(pull, page.items, swept=True)
            pull.cursor["companies_changed"] = pull.cursor.get("companies_changed", 0) + changed

        pull.commit(write)
    state["read"] = done

    def finish() -> None:
        if whole and not short:
            # Companies without contacts are in no listing (OpenAPI 2.16, /companies/list), so this is no deletion.
            unseen = IntercomCompany.objects.filter(workspace=pull.workspace, seen_at__lt=began, gone_at__isnull=True)
            unseen.update(gone_at=clock.now())

    pull.commit(finish)
    return short
