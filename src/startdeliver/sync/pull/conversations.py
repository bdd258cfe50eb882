"""The listing of changed conversations, oldest change first, 150 a page: phase one, from which health follows.

The query has no upper bound (that would have to be right about the search index's lag). Reading ends with the
listing, or in a busy workspace after the first page beyond the run's beginning once as many were read as there were
at first: an item that changes meanwhile moves to the end and comes again, so it is never skipped. Many conversations
may share one second, so a position between two pages is Intercom's cursor, or else the beginning of the last second.
The watermark is the newest change that was seen, on Intercom's own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from startdeliver.intercom import CursorExpired, search, wire
from startdeliver.sync.models import Connection
from startdeliver.sync.pull.store import store_page, with_facts
from startdeliver.sync.pull.work import Pull

STAGE = "conversations"


def run(pull: Pull) -> None:
    state = pull.stage_cursor(STAGE)
    if "since" not in state:
        state["since"] = pull.since(pull.connection.conversations_until)
    pull.people.forget()
    restarted = False
    while True:
        try:
            _read(pull)
            break
        except CursorExpired:
            if restarted or not state.get("cursor"):
                raise
            # Nothing is lost by reading the last second again: it may have been cut by the page.
            state["since"], state["cursor"], state["total"] = state.get("second", state["since"]), None, None
            restarted = True

    def finish() -> None:
        newest = min(state.get("newest", 0), pull.started_at)
        pull.connection.conversations_until = max(newest, pull.connection.conversations_until or 0)
        pull.connection.save(update_fields=["conversations_until"])

    pull.commit(finish)


def _read(pull: Pull) -> None:
    state = pull.stage_cursor(STAGE)
    query = search.conversations_changed(state["since"])
    pages = pull.client.conversations_search(query, cursor=state.get("cursor"))
    for page, facts in pull.fetcher.iter_pages(with_facts(pull, pages)):
        last = _ascending(page.items, state.get("second") or 0)
        if last is None:
            # Intercom did not sort: then only the end of the listing is an end, and no second is a position.
            state["unsorted"] = True
        if not state.get("unsorted") and last:
            state["second"] = last
        state["newest"] = max([state.get("newest", 0), *(item.updated_at or 0 for item in page.items)])
        state["cursor"] = page.next_cursor
        done = state["done"] = state.get("done", 0) + len(page.items) + len(page.failures)
        if state.get("total") is None:
            state["total"] = page.total_count
        total = state["total"]
        pull.progress(done, None if total is None else max(done, total))
        store_page(pull, facts, page.failures)
        if not state.get("unsorted") and last and last > pull.started_at and done >= (total or 0):
            return


def _ascending(items: Sequence[wire.Conversation], floor: int) -> int | None:
    """The last change of a page in ascending order, 0 for an empty page, None when the page is not in order."""
    last = floor
    for item in items:
        if item.updated_at is None or item.updated_at < last:
            return None
        last = item.updated_at
    return last if items else 0


def keep(link: Connection, cursor: dict[str, Any]) -> None:
    """When a run fails in the middle: the next one begins at the last second that was stored. `cursor` is the position
    that was committed, not the one that was being worked on."""
    state = cursor.get(STAGE, {})
    second = state.get("second")
    if second and not state.get("unsorted") and second > (link.conversations_until or 0):
        link.conversations_until = min(second, int(cursor["started_at"]))
        link.save(update_fields=["conversations_until"])
