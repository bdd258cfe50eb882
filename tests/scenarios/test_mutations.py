"""Records full of nonsense: whatever stands in the fields of Intercom's answers, the run ends in order, each
conversation is a ticket or a skip with its reason, the untouched ones are right, and the pages that show them come up.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from startdeliver.intercom.decode import ESSENTIAL
from startdeliver.simulator.testing import Handle
from startdeliver.support.models import Ticket
from startdeliver.sync.models import OutboundMessage, SyncRun
from startdeliver.tenancy.models import Member

from .hostile import Meddler
from .story import Story

MISSING = object()
ONE = "/conversations/1*"
LISTS = {
    "/me": None,
    "/admins": "admins",
    "/teams": "teams",
    "/tags": "data",
    "/companies/scroll": "data",
    "/contacts": "data",
    "/conversations/search": "conversations",
    ONE: None,
    "/tickets/search": "tickets",
    "/conversations/deleted": "conversations",
}
# What says which record it is, and what kind of thing.
KEYS = frozenset({"id", "type", "app", "id_code"})
VALUES: list[Any] = [
    MISSING,
    None,
    "",
    " ",
    "x" * 70_000,
    "unheard_of",
    "half a pair \ud83d",
    "\udc00\ud800",
    "nul \x00",
    "<p onclick='x()'>&lt;<b",
    "2026-11-23T10:00:00Z",
    "0000-00-00",
    "not a number",
    True,
    False,
    0,
    -1,
    -(10**12),
    2**31,
    2**63,
    2**64,
    10**40,
    4_102_444_799,
    253_402_300_800,
    1_790_000_000_000,
    1.5,
    -0.0,
    1e308,
    [],
    [None],
    [[]],
    [1, "a", None, {}],
    {},
    {"a": {"b": [1]}},
    {"id": {"id": 1}},
]


@dataclass(frozen=True)
class Mutation:
    """In answers of `path`: field number `place` of record number `record` becomes `value`."""

    path: str
    record: int
    place: int
    value: int


mutations = st.lists(
    st.builds(
        Mutation,
        path=st.sampled_from(list(LISTS)),
        record=st.integers(0, 7),
        place=st.integers(0, 199),
        value=st.integers(0, len(VALUES) - 1),
    ),
    min_size=1,
    max_size=8,
)


def places(record: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every field of a record that is no key, also those inside of others."""
    inner = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    for name, value in inner:
        if name not in KEYS:
            yield (*at, name)
            yield from places(value, (*at, name))


def spoil(record: Any, mutation: Mutation) -> tuple[Any, ...] | None:
    """Puts the value there; gives the place."""
    every = list(places(record))
    if mutation.path == ONE:
        # Without these a conversation that is read by itself is no answer, and the run says that it is not complete.
        every = [way for way in every if way[0] not in ESSENTIAL or len(way) > 1]
    if not every:
        return None
    way = every[mutation.place % len(every)]
    holder = record
    for name in way[:-1]:
        holder = holder[name]
    value = VALUES[mutation.value]
    if value is MISSING:
        del holder[way[-1]]
    else:
        holder[way[-1]] = copy.deepcopy(value)
    return way


@pytest.fixture
def meddler(monkeypatch: pytest.MonkeyPatch) -> Meddler:
    made = Meddler()
    made.install(monkeypatch)
    return made


@pytest.fixture
def intercom(meddler: Meddler, intercom: Handle) -> Handle:
    """The simulated workspace, with the meddler before it."""
    return intercom


@pytest.fixture
def inbox(story: Story, naps: list[float]) -> list[str]:
    """A few conversations with everything that a conversation may have."""
    workspace, at = story.workspace, int(story.workspace.now()) - 50_000
    story.user("ann@acme.example", story.customer("Acme", external_id="acme"))
    story.set(create_contacts=True)
    company = workspace.add_company("Acme Ltd", "acme", website="https://acme.example", plan="Pro", size=12)
    workspace.tag_company(company.id, "vip")
    ann = workspace.add_contact("Ann", "ann@acme.example", companies=[company], custom_attributes={"seat": 4})
    bob = workspace.add_contact("Bob", "bob@acme.example", companies=[company], role="lead")
    workspace.tag_contact(ann.id, "champion")
    team = workspace.add_team("Tier 2")
    made = []
    for n in range(6):
        one = workspace.add_conversation(
            [(ann, bob)[n % 2]], f"<p>Question {n}</p>", title=f"Title {n}", created_at=at + n, company=company
        )
        workspace.reply(one.id, "<p>Answer</p>", by=workspace.me.id, at=at + 100 + n)
        made.append(one.id)
    workspace.assign(made[0], admin_id=workspace.me.id, team_id=team.id)
    workspace.close(made[1])
    workspace.rate(made[1], 4, "Fine")
    workspace.snooze(made[2], int(workspace.now()) + 9000)
    workspace.tag(made[3], "bug")
    workspace.make_ticket(made[4], title="Printer on fire", type_name="Incident")
    gone = workspace.add_conversation([ann])
    workspace.delete_conversation(gone.id)
    return made


def run_spoilt(story: Story, meddler: Meddler, chosen: list[Mutation]) -> set[str]:
    """Runs a whole sync of answers with these mutations. Returns the changed conversations."""
    touched: set[str] = set()
    said: list[str] = []

    def spoiler(path: str, name: str | None) -> Callable[[Any], Any]:
        def rewrite(answer: Any) -> Any:
            records = [answer] if name is None else answer.get(name) or []
            for mutation in chosen:
                if mutation.path == path and records:
                    record = records[mutation.record % len(records)]
                    way = spoil(record, mutation)
                    said.append(f"{path} {record.get('id')} {way} = {str(VALUES[mutation.value])[:40]!r}")
                    if "conversations" in path:
                        touched.add(str(record.get("id")))
            return answer

        return rewrite

    meddler.clear()
    for path, name in LISTS.items():
        if any(mutation.path == path for mutation in chosen):
            meddler.rewrite(path, spoiler(path, name))
    story.connection.refresh_from_db()
    try:
        run = story.sync()
        assert run.status == SyncRun.Status.SUCCESS
    finally:
        for line in dict.fromkeys(said):
            note(line)
    return touched


@pytest.mark.django_db
@given(chosen=mutations)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_the_fields(
    story: Story, inbox: list[str], meddler: Meddler, client: Client, administrator: Member, chosen: list[Mutation]
) -> None:
    point = transaction.savepoint()
    try:
        touched = run_spoilt(story, meddler, chosen)
        stored = {row.external_id: row for row in Ticket.objects.all()}
        outbound = set(OutboundMessage.objects.values_list("external_id", flat=True))
        assert set(inbox) == set(stored) | set(story.skips()) | outbound
        assert all(story.skips().values()), "each with its reason"
        contacts_are_whole = not any(one.path in ("/contacts", "/companies/scroll") for one in chosen)
        for number, ref in enumerate(inbox):
            if ref not in touched and contacts_are_whole:
                row = stored[ref]
                assert (row.title, row.message_count, row.incomplete) == (f"Title {number}", 2, False)
                assert (row.status, row.snoozed) == ("resolved" if number == 1 else "open", number == 2)
                assert row.customer is not None
        client.force_login(administrator)
        pages = ["/", "/tickets", "/apps/intercom", "/apps/intercom/skips", "/apps/intercom/runs"]
        pages += [f"/tickets/{row.pk}" for row in stored.values() if row.external_id in touched][:2]
        for page in pages:
            assert client.get(page, follow=True).status_code == 200, page
    finally:
        transaction.savepoint_rollback(point)


def test_the_values_can_be_sent() -> None:
    for value in VALUES:
        if value is not MISSING:
            assert json.loads(json.dumps(value)) == value
