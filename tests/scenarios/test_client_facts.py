"""Facts of Intercom's API that break naive integrations, each told as a story against the simulated workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.simulator.api import companies
from startdeliver.simulator.model.records import Author
from startdeliver.support.models import Ticket
from startdeliver.support.threads import thread_entries
from startdeliver.sync.models import IntercomContact, SyncRun

from .story import Story

DAY = 86_400
Many = tuple[str, str | None]


def known(story: Story, name: str = "ann") -> str:
    """A contact who is a user here."""
    story.user(f"{name}@acme.example", story.customer(name))
    return story.workspace.add_contact(name, f"{name}@acme.example").id


def test_contact_search_counts_whole_days_in_the_workspaces_time_zone(story: Story) -> None:
    # 23:30 in Los Angeles is the next day in UTC: a plain "updated_at > watermark" would miss the rest of that day.
    late = int(datetime(2026, 10, 7, 6, 30, tzinfo=UTC).timestamp())
    story.workspace.now.freeze(late)  # type: ignore[attr-defined]
    ann = known(story)
    story.sync(messages=False)
    story.intercom.clock.advance(20 * 60)
    story.workspace.set_contact(ann, name="Ann Renamed")
    story.intercom.clock.advance(40 * 60)
    story.sync(messages=False)
    assert IntercomContact.objects.get().name == "Ann Renamed"


def test_only_changed_contacts_are_read_again(story: Story) -> None:
    now = int(story.workspace.now())
    for n in range(400):
        story.workspace.add_contact(
            f"C{n}", f"c{n}@x.example", created_at=now - 10 * DAY, updated_at=now - 10 * DAY + n
        )
    story.sync(messages=False)
    story.intercom.log.clear()
    story.sync(messages=False)
    assert story.intercom.log.count("POST /contacts/search") == 1
    assert story.intercom.log.count("GET /contacts") == 1, "one question for the number of contacts"


def test_no_ticket_waits_for_a_scroll_that_another_program_holds(story: Story, naps: list[float]) -> None:
    story.set(create_customers=True)
    company = story.workspace.add_company("Acme Ltd", "acme")
    contact = story.workspace.add_contact("Ann", "ann@acme.example", companies=[company])
    story.user("ann@acme.example")
    asked = story.workspace.add_conversation([contact], company=company)
    story.intercom.scroll.start(["held by another program"])
    run = story.sync(messages=False)
    assert naps == [], "the list is complete, so nothing is waited for"
    assert story.intercom.log.count("POST /companies/list") == 1
    customer = story.ticket(asked).customer
    assert customer is not None
    assert customer.name == "Acme Ltd"
    assert (run.warnings, run.customers_created) == ([], 1)


@pytest.fixture
def many(story: Story, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> Many:
    """More companies than the list gives, and a scroll that another program holds. Ann is of the last one listed."""
    monkeypatch.setattr(companies, "COMPANIES_CAP", 120)
    story.set(create_customers=True)
    story.user("ann@x.example")
    made = [story.workspace.add_company(f"Company {n}", f"co-{n}", last_request_at=1000 - n) for n in range(200)]
    people = [story.workspace.add_contact(f"P{n}", f"p{n}@x.example", companies=made[n::4]) for n in range(4)]
    ann = story.workspace.add_contact("Ann", "ann@x.example", companies=[made[-1]])
    asked = story.workspace.add_conversation([ann])
    story.intercom.scroll.start(["held by another program"])
    assert len(people) == 4
    return asked.id, made[-1].name


def test_what_the_list_withholds_is_read_after_the_conversations(story: Story, many: Many, naps: list[float]) -> None:
    asked, company = many
    story.intercom.faults.before_page("/conversations/search", 1, lambda: waited.append(list(naps)))
    waited: list[list[float]] = []
    run = story.sync(messages=False)
    assert waited == [[]], "conversations came before any waiting"
    assert len(naps) == 1
    assert run.customers_created == 200
    customer = story.ticket(asked).customer
    assert customer is not None
    assert customer.name == company
    assert story.connection.swept_at is not None


def test_a_run_that_could_not_read_all_companies_is_not_complete(story: Story, many: Many, naps: list[float]) -> None:
    asked, _ = many
    taken = {"type": "error.list", "errors": [{"code": "scroll_exists", "message": "scroll already exists"}]}
    story.intercom.faults.fail_next("answer", "/companies/scroll", times=4, status=400, body=taken)
    run = story.sync(expect=SyncRun.Status.FAILED)
    assert (run.error_code, run.messages) == ("incomplete", 1), "all else was done"
    assert "Another program was reading the companies" in run.error
    assert story.tickets() == {asked}
    assert story.connection.problem == "", "nobody has to do anything"
    assert story.connection.next_sync_at is not None
    assert story.connection.next_sync_at <= clock.now() + timedelta(minutes=15)
    story.intercom.clock.advance(61)
    story.sync()
    assert Customer.objects.count() == 200, "and the next run reads them"


def test_a_scroll_that_stays_taken_is_replaced_by_the_list(story: Story, naps: list[float]) -> None:
    contact = known(story)
    company = story.workspace.add_company("Acme Ltd", "acme")
    story.workspace.attach(contact, company.id)
    story.set(create_customers=True)
    taken = {"type": "error.list", "errors": [{"code": "scroll_exists", "message": "scroll already exists"}]}
    story.intercom.faults.fail_next("answer", "/companies/scroll", times=9, status=400, body=taken)
    run = story.sync(messages=False)
    assert run.customers_created == 1
    assert story.intercom.log.count("POST /companies/list") == 1


def test_a_scroll_that_breaks_begins_anew(story: Story) -> None:
    contact = known(story)
    for n in range(250):
        company = story.workspace.add_company(f"Company {n}", f"co-{n}")
        story.workspace.attach(contact, company.id)
    story.set(create_customers=True)
    story.intercom.faults.fail_next("scroll_restart", "/companies/scroll", after=1)
    run = story.sync(messages=False)
    assert run.customers_created == 250


def test_conversations_that_move_while_they_are_paged_are_not_lost(story: Story) -> None:
    ann = known(story)
    now = int(story.workspace.now())
    ids = [story.workspace.add_conversation([ann], created_at=now - 50_000 + n).id for n in range(400)]

    def shuffle() -> None:
        story.workspace.bulk_touch(ids[::3])

    story.intercom.faults.before_page("/conversations/search", 2, shuffle)
    story.sync(messages=False)
    assert story.tickets() == set(ids)


def test_many_conversations_in_one_second(story: Story) -> None:
    ann = known(story)
    at = int(story.workspace.now()) - DAY
    ids = [story.workspace.add_conversation([ann], created_at=at).id for _ in range(500)]
    run = story.sync(messages=False)
    assert (run.listed, run.imported) == (500, 500)
    assert story.tickets() == set(ids)
    story.workspace.bulk_touch(ids, at=at + 5)
    run = story.sync(messages=False)
    assert run.updated == 500
    assert story.connection.conversations_until == at + 5


def test_an_expired_position_begins_again_at_the_last_second(story: Story) -> None:
    ann = known(story)
    at = int(story.workspace.now()) - DAY
    ids = [story.workspace.add_conversation([ann], created_at=at + n // 10).id for n in range(450)]
    gone = {"type": "error.list", "errors": [{"code": "bad_request", "message": "Invalid starting_after cursor"}]}
    story.intercom.faults.fail_next("answer", "/conversations/search", after=2, status=400, body=gone)
    story.sync(messages=False)
    assert story.tickets() == set(ids)


def test_429_is_waited_for(story: Story, naps: list[float]) -> None:
    ann = known(story)
    asked = story.workspace.add_conversation([ann])
    story.sync(messages=False)
    later = story.workspace.add_conversation([ann])
    story.intercom.faults.fail_next("429", "/conversations/search")
    story.intercom.log.clear()
    naps.clear()
    story.sync(messages=False)
    assert story.tickets() == {asked.id, later.id}
    assert story.intercom.log.refused == 1, "asked again in the next window, not before"
    assert 0 < sum(naps) <= 12, "a window is ten seconds"


def test_the_index_lags_behind(story: Story) -> None:
    ann = known(story)
    story.sync(messages=False)
    story.workspace.index_lag = 120
    asked = story.workspace.add_conversation([ann])
    story.intercom.clock.advance(30)
    later = story.workspace.now()
    story.sync(messages=False)
    assert story.tickets() == set()
    story.intercom.clock.advance(300)
    story.workspace.index_lag = 0
    assert story.workspace.now() > later
    story.sync(messages=False)
    assert story.tickets() == {asked.id}


def test_a_stale_answer_of_the_index_does_not_undo_what_is_known(story: Story) -> None:
    ann = known(story)
    asked = story.workspace.add_conversation([ann])
    story.sync()
    story.workspace.close(asked.id, at=int(story.workspace.now()) + 1)
    story.sync()
    newest = story.ticket(asked)
    assert newest.status == "resolved"
    Ticket.objects.filter(pk=newest.pk).update(updated_at=datetime(2090, 1, 1, tzinfo=UTC), title="Newer")
    story.workspace.touch(asked.id)
    story.sync()
    assert story.ticket(asked).title == "Newer"


def test_contacts_that_answer_404_and_410_cost_nothing(story: Story) -> None:
    ann = known(story)
    archived = story.workspace.add_contact("Old", "old@x.example").id
    merged = story.workspace.add_contact("Twin", "twin@x.example", role="lead").id
    asked = [story.workspace.add_conversation([who]).id for who in (ann, archived, merged)]
    story.workspace.archive_contact(archived)
    story.workspace.merge_contacts(merged, ann, move_conversations=False)
    story.sync(messages=False)
    assert story.tickets() == {asked[0], asked[2]}, "the merged one is Ann's"
    assert story.skips() == {asked[1]: "no_user"}


def test_null_statistics_assignee_zero_and_unknown_values(story: Story) -> None:
    ann = known(story)
    asked = story.workspace.add_conversation([ann])
    story.workspace.set_conversation(
        asked.id,
        extra={
            "statistics": None,
            "admin_assignee_id": 0,
            "team_assignee_id": None,
            "priority": "astronomic",
            "state": "pondering",
            "open": False,
            "something_new": {"deep": [1, 2, 3]},
            "sla_applied": None,
            "tags": None,
            "teammates": None,
        },
    )
    part = story.workspace.add_part(asked.id, "quantum_entanglement", "<p>New kind</p>")
    story.sync()
    ticket = story.ticket(asked)
    assert part is not None
    assert (ticket.assignee_ref, ticket.team_ref, ticket.priority) == ("", "", "astronomic")
    assert ticket.status == "resolved", "an unknown state is judged by the open flag"
    assert ticket.resolved_at is not None
    assert [entry.kind for entry in thread_entries(ticket)] == ["message", "message"]


def test_names_of_teammates_and_teams(story: Story) -> None:
    ann = known(story)
    team = story.workspace.add_team("Tier 2")
    asked = story.workspace.add_conversation([ann])
    story.workspace.assign(asked.id, admin_id=story.workspace.me.id, team_id=team.id)
    story.sync(messages=False)
    ticket = story.ticket(asked)
    assert (ticket.assignee_name, ticket.team_name) == ("Robin Sand", "Tier 2")


def test_hostile_html_is_harmless(story: Story) -> None:
    ann = known(story)
    body = (
        "<p onclick=alert(1)>Hi<script>alert(1)</script><img src=x onerror=alert(1)></p><a href='javascript:x()'>y</a>"
    )
    asked = story.workspace.add_conversation([ann], body, title="<script>alert(1)</script>", subject="<p>Sub</p>")
    story.workspace.reply(asked.id, body, by=ann)
    story.sync()
    for entry in thread_entries(story.ticket(asked)):
        assert "alert" not in entry.html
        assert "javascript" not in entry.html
        assert "Image in Intercom" in entry.html
    assert story.ticket(asked).preview.startswith("Hi")


def test_values_that_no_column_holds(story: Story) -> None:
    ann = known(story)
    author = Author("admin", "1", "N\x00ul" * 200, "x" * 400)
    asked = story.workspace.add_conversation([ann], "<p>a\x00b &amp; c</p>", title="T" * 2000)
    story.workspace.set_conversation(
        asked.id,
        extra={"waiting_since": 10**12, "snoozed_until": -5, "priority": "p" * 100, "title": "T\x00" * 900},
    )
    conversation = story.workspace.conversation(asked.id)
    story.workspace.set_conversation(
        asked.id, parts=[*conversation.parts, story.workspace.part("comment", author, "<p>\x00</p>")]
    )
    story.sync()
    ticket = story.ticket(asked)
    assert len(ticket.title) == 500
    assert ticket.waiting_since is None


def test_tickets_of_intercom_show_their_type_and_state(story: Story) -> None:
    ann = known(story)
    asked = story.workspace.add_conversation([ann])
    zoe = story.workspace.add_contact("Zoe", "zoe@x.example")
    skipped = story.workspace.add_conversation([zoe])
    for one in (asked, skipped):
        story.workspace.make_ticket(one.id, title="Printer on fire", type_name="Incident")
    story.sync(messages=False)
    assert story.ticket(asked).ticket_type == "Incident"
    before = story.ticket(asked).ticket_state
    assert before
    story.workspace.set_ticket_state(asked.id, "resolved")
    story.sync(messages=False)
    assert story.ticket(asked).ticket_state not in ("", before)
    story.user("zoe@x.example", story.customer("Zoe's"))
    story.sync(messages=False)
    assert story.ticket(skipped).ticket_type == "Incident", "known from when it was skipped"
    assert Ticket.objects.count() == 2


def test_state_that_changes_without_a_sign_is_found_by_the_daily_comparison(story: Story) -> None:
    ann = known(story)
    at = int(story.workspace.now()) - 10 * DAY
    asked = [story.workspace.add_conversation([ann], created_at=at + n).id for n in range(3)]
    story.sync()
    story.workspace.set_conversation(asked[0], touch=False, state="closed")
    story.sync()
    assert story.ticket(asked[0]).status == "open", "no listing of changes tells"
    story.connection.swept_at = None
    story.connection.save()
    story.intercom.scroll.drop()
    run = story.sync()
    assert story.ticket(asked[0]).status == "resolved"
    assert run.sweep_requests > 0
