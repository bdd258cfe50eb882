"""Contacts: all of them the first time and once a day (for Has left), else only those that changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from startdeliver.common import clock
from startdeliver.intercom import CursorExpired, IntercomError, Page, wire
from startdeliver.sync import intercom_records
from startdeliver.sync.models import IntercomContact
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import moment

STAGE = "contacts"
SWEEP = "sweep_contacts"
_COUNTED = 50_000


def run(pull: Pull) -> None:
    """Everything when nothing was read yet, which then is this day's sweep too; else what changed."""
    state = pull.stage_cursor(STAGE)
    if "whole" not in state:
        state["whole"] = pull.connection.contacts_until is None
        state["began"] = clock.now().timestamp()
    if state["whole"]:
        _read_whole(pull, STAGE)
    else:
        _read_changed(pull)
    _finish(pull, STAGE)


def sweep(pull: Pull) -> None:
    """Every contact once more, unless the first reading in this very run did that already."""
    state = pull.stage_cursor(SWEEP)
    state.setdefault("began", clock.now().timestamp())
    _read_whole(pull, SWEEP)
    _finish(pull, SWEEP)


def are_missing(pull: Pull) -> bool:
    """Whether Intercom has fewer contacts than are stored: archived, deleted and merged ones are in no listing of
    changes (OpenAPI 2.16, /contacts/search), so counting is the only cheap way to notice them. One request. In large
    workspaces the daily sweep has to do, since reading all contacts is what follows."""
    if pull.stage_cursor(STAGE).get("whole"):
        return False
    known = IntercomContact.objects.filter(workspace=pull.workspace, state=IntercomContact.State.ACTIVE).count()
    if not 0 < known <= _COUNTED:
        return False
    first = next(pull.fetcher.iter_pages(pull.client.contacts_list(per_page=1), prefetch=1), None)
    return first is not None and first.total_count is not None and first.total_count < known


def _finish(pull: Pull, stage: str) -> None:
    state = pull.stage_cursor(stage)

    def finish() -> None:
        newest = min(state.get("newest", 0), pull.started_at)
        pull.connection.contacts_until = max(newest, pull.connection.contacts_until or 0)
        pull.connection.save(update_fields=["contacts_until"])

    pull.commit(finish)


def _read_whole(pull: Pull, stage: str) -> None:
    state = pull.stage_cursor(stage)
    try:
        _store(pull, pull.client.contacts_list(cursor=state.get("cursor")), stage, whole=True)
    except CursorExpired:
        state["cursor"] = None
        _store(pull, pull.client.contacts_list(), stage, whole=True)


def _read_changed(pull: Pull) -> None:
    state = pull.stage_cursor(STAGE)
    # The watermark moves only at the end: newest first, a contact that changes meanwhile comes with the next run.
    since = pull.since(pull.connection.contacts_until) or 0
    try:
        _store(pull, pull.client.contacts_changed(since, cursor=state.get("cursor")), STAGE, whole=False)
    except CursorExpired:
        state["cursor"] = None
        _store(pull, pull.client.contacts_changed(since), STAGE, whole=False)


def _store(pull: Pull, pages: AsyncIterator[Page[wire.Contact]], stage: str, *, whole: bool) -> None:
    state = pull.stage_cursor(stage)
    for page in pull.fetcher.iter_pages(pages):
        if page.failures:
            pull.warn("Some contacts could not be read from Intercom's answer; their tickets are matched without them.")
        tag_names = names_of_tags(pull, page.items)
        companies = intercom_records.all_companies(pull, page.items)
        intercom_records.ask_companies(pull, page.items, companies)
        state["cursor"] = page.next_cursor
        done = state["done"] = state.get("done", 0) + len(page.items)
        state["newest"] = max([state.get("newest", 0), *(moment(item.updated_at) or 0 for item in page.items)])
        pull.progress(done, page.total_count)

        changed = pull.commit(_write, pull, page.items, tag_names, companies, whole)
        if not whole and not changed and pull.is_settled(pull.connection.contacts_until or 0):
            # Newest first, and nothing new on this page: what follows is older still. (An import gives thousands of
            # contacts one second, which would otherwise be read in every run.)
            return


def _write(
    pull: Pull, items: list[wire.Contact], tag_names: dict[str, str], companies: dict[str, list[str]], whole: bool
) -> int:
    changed = intercom_records.store_contacts(pull, items, tag_names=tag_names, companies=companies, swept=whole)
    pull.cursor["contacts_changed"] = pull.cursor.get("contacts_changed", 0) + changed
    return changed


def names_of_tags(pull: Pull, contacts: list[wire.Contact]) -> dict[str, str]:
    """Names by tag id, since contacts name their tags by id only; asked once, when first needed."""
    wanted = {tag.id for contact in contacts if contact.tags for tag in contact.tags.data if not tag.name}
    if wanted - pull.tag_names.keys() and not pull.tags_asked:
        pull.tags_asked = True
        try:
            pull.tag_names.update((tag.id, tag.name or "") for tag in pull.fetcher.call(pull.client.tags()))
        except IntercomError as error:
            pull.warn(f"The tags of contacts could not be read: {error.sentence}")
    return pull.tag_names
