"""Records that are not known here are asked for one by one, many at once, and the answers are remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from startdeliver.common import clock
from startdeliver.intercom import BadAnswer, Gone, NotFound, wire
from startdeliver.storage import bulk
from startdeliver.sync import matching
from startdeliver.sync.intercom_records.companies import CompanyRow, store_companies
from startdeliver.sync.intercom_records.contacts import NewContact, store_contacts
from startdeliver.sync.intercom_records.shared import KEY
from startdeliver.sync.models import IntercomCompany, IntercomContact
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import key


def ask_contacts(pull: Pull, refs: Iterable[str]) -> None:
    """Asks Intercom for contacts one by one and remembers the answers, also that there is none, so that each is asked
    once. Follows merges. Must run outside of a transaction."""
    asked: set[str] = set()
    waiting = {ref for ref in refs if ref}
    for _ in range(matching.MAX_HOPS + 1):
        waiting -= asked
        if not waiting:
            return
        asked |= waiting
        found: list[wire.Contact] = []
        gone: list[str] = []
        merged: dict[str, str] = {}
        for ref, answer in pull.fetcher.map_unordered(pull.client.contact, sorted(waiting)):
            if isinstance(answer, NotFound) or (isinstance(answer, Gone) and not answer.merged_into):
                gone.append(ref)
            elif isinstance(answer, Gone):
                merged[ref] = key(answer.merged_into, 128)
            elif isinstance(answer, wire.Contact):
                found.append(answer)
            elif isinstance(answer, BadAnswer) and pull.run is not None:
                pull.warn(
                    "Some contacts could not be read from Intercom's answer; their tickets are matched without them."
                )
            else:
                raise answer
        companies = all_companies(pull, found)
        ask_companies(pull, found, companies)
        pull.commit(_store_answers, pull, found, gone, merged, companies)
        waiting = pull.people.load_contacts(merged.values())


def _store_answers(
    pull: Pull, found: list[wire.Contact], gone: list[str], merged: dict[str, str], companies: dict[str, list[str]]
) -> None:
    store_contacts(pull, found, companies=companies)
    mark_contacts(pull, gone, merged)


def mark_contacts(pull: Pull, gone: Sequence[str], merged: dict[str, str]) -> None:
    """Remembers contacts that Intercom does not give any more. What was known of them stays, for
    matching."""
    now = int(clock.now().timestamp())
    state = {
        **dict.fromkeys(gone, IntercomContact.State.ARCHIVED.value),
        **dict.fromkeys(merged, IntercomContact.State.MERGED.value),
    }
    rows = [
        NewContact(
            workspace=pull.workspace,
            ref=ref,
            state=value,
            merged_into=merged.get(ref, ""),
            changed_at=now,
            seen_at=now,
        )
        for ref, value in state.items()
    ]
    update = ("state", "merged_into", "changed_at", "seen_at")
    bulk.upsert(IntercomContact, pull.organization_id, rows, key=KEY, update=update)
    if merged:
        # The survivor has the other's events now, from before its own were read too.
        heirs = IntercomContact.objects.filter(workspace=pull.workspace, ref__in=set(merged.values()))
        heirs.update(events_read_at=None)
    for ref in state:
        pull.people.contacts.pop(ref, None)


def all_companies(pull: Pull, contacts: Iterable[wire.Contact]) -> dict[str, list[str]]:
    """All company ids of the contacts whose inline list is cut at ten (OpenAPI 2.16, contact_companies)."""
    cut = [contact.id for contact in contacts if contact.has_more_companies]
    result: dict[str, list[str]] = {}
    for ref, answer in pull.fetcher.map_unordered(pull.client.contact_companies, cut):
        if isinstance(answer, NotFound | Gone):
            continue
        if not isinstance(answer, list):
            raise answer
        result[ref] = [company.id for company in answer]
    return result


def ask_companies(pull: Pull, contacts: Iterable[wire.Contact], companies: dict[str, list[str]] | None = None) -> None:
    """Asks Intercom for the contacts' companies that are not known here and stores them; outside of a transaction."""
    given = companies or {}
    refs = {key(ref, 128) for contact in contacts for ref in given.get(contact.id, contact.company_ids)}
    unknown = pull.people.load_companies(refs)
    if not unknown:
        return
    found: list[wire.Company] = []
    gone: list[str] = []
    for ref, answer in pull.fetcher.map_unordered(pull.client.company, sorted(unknown)):
        if isinstance(answer, NotFound | Gone):
            gone.append(ref)
        elif isinstance(answer, wire.Company):
            found.append(answer)
        else:
            raise answer

    def write() -> None:
        store_companies(pull, found)
        now = int(clock.now().timestamp())
        rows = [CompanyRow(workspace=pull.workspace, ref=ref, changed_at=now, seen_at=now, gone_at=now) for ref in gone]
        bulk.upsert(IntercomCompany, pull.organization_id, rows, key=KEY)

    pull.commit(write)
