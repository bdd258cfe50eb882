"""The client against the simulated workspace, which was written from the same documents by other hands."""

from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from startdeliver.intercom import (
    AuthError,
    Backoff,
    BadAnswer,
    Conflict,
    CursorExpired,
    Fetcher,
    Gone,
    IntercomClient,
    IntercomError,
    Limiter,
    NotFound,
    PlanRestricted,
    ScopeMissing,
    Timeouts,
    VersionUnsupported,
    oauth,
    search,
)
from startdeliver.simulator.clock import Clock
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.simulator.workspace import Workspace

NOON = 1_761_998_400  # 1 November 2025, 12:00 UTC

LISTINGS = {
    "conversations_search": lambda client: client.conversations_search(search.conversations_changed(0)),
    "conversations_deleted": lambda client: client.conversations_deleted(),
    "tickets_search": lambda client: client.tickets_search(search.conversations_changed(0)),
    "contacts_list": lambda client: client.contacts_list(),
    "contacts_search": lambda client: client.contacts_search(search.contacts_changed(0)),
    "contacts_changed": lambda client: client.contacts_changed(0),
    "companies_scroll": lambda client: client.companies_scroll(),
    "companies_list": lambda client: client.companies_list(),
}
QUESTIONS = {
    "me": lambda client, made: client.me(),
    "admins": lambda client, made: client.admins(),
    "teams": lambda client, made: client.teams(),
    "tags": lambda client, made: client.tags(),
    "contact": lambda client, made: client.contact(made.contact.id),
    "contact_companies": lambda client, made: client.contact_companies(made.contact.id),
    "contacts_count": lambda client, made: client.contacts_count(search.where("role", "=", "user")),
    "company": lambda client, made: client.company(made.company.id),
    "find_company": lambda client, made: client.find_company_by_external_id("co1"),
    "conversation": lambda client, made: client.conversation(made.conversation.id),
    "data_attributes": lambda client, made: client.data_attributes("company"),
    "audiences": lambda client, made: client.audiences(),
    "update_contact": lambda client, made: client.update_contact(made.contact.id, {"name": "Ann"}),
    "create_contact": lambda client, made: client.create_contact({"email": "new@x.example", "role": "user"}),
    "attach_contact": lambda client, made: client.attach_contact(made.contact.id, made.company.id),
    "update_company": lambda client, made: client.update_company(made.company.id, {"name": "Acme 2"}),
    "upsert_company": lambda client, made: client.upsert_company({"company_id": "co1", "name": "Acme 3"}),
    "create_data_attribute": lambda client, made: client.create_data_attribute("company", "acme_health", "string"),
    "create_audience": lambda client, made: client.create_audience("VIP", [EVERYONE]),
}
EVERYONE = {"attribute": "custom_attributes.plan", "type": "string", "comparison": "eq", "value": "pro"}


class Made:
    """A small workspace and a client for it."""

    def __init__(self, simulator: Handle, fetcher: Fetcher, naps: list[float]) -> None:
        self.simulator, self.fetcher, self.client, self.naps = simulator, fetcher, fetcher.client, naps
        workspace = self.workspace = simulator.workspace
        self.company = workspace.add_company("Acme", "co1")
        self.contact = workspace.add_contact("Ann", "ann@acme.example", external_id="u1", companies=[self.company])
        self.conversation = workspace.add_conversation([self.contact], "<p>Help</p>", created_at=NOON)

    def pages(self, listing):
        return list(self.fetcher.iter_pages(listing))

    def ids(self, listing):
        return [item.id for page in self.pages(listing) for item in page.items]

    def ask(self, coroutine):
        return self.fetcher.call(coroutine)


@contextmanager
def working(*, zone="America/Los_Angeles", version="2.16", token=None, **options):
    clock = Clock(NOON)
    naps: list[float] = []

    async def nap(seconds):
        naps.append(seconds)
        clock.advance(seconds)

    with run_in_thread(Workspace(now=clock, timezone=zone), **options) as simulator:
        client = IntercomClient(
            token or simulator.token,
            simulator.url,
            version=version,
            limiter=Limiter(),
            timeouts=Timeouts(connect=2, read=2, total=3),
            backoff=Backoff(attempts=3),
            sleep=nap,
        )
        with Fetcher(client) as fetcher:
            yield Made(simulator, fetcher, naps)


@pytest.fixture
def made():
    with working() as ready:
        yield ready


@pytest.mark.parametrize("name", LISTINGS)
def test_every_listing_is_understood(made, name):
    made.workspace.make_ticket(made.conversation.id, title="Broken")
    made.workspace.delete_conversation(made.workspace.add_conversation([made.contact]).id)
    pages = made.pages(LISTINGS[name](made.client))
    assert sum(len(page.items) for page in pages) >= 1
    assert not any(page.failures for page in pages)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_understood(made, name):
    assert made.ask(QUESTIONS[name](made.client, made)) is not None


def test_me_names_workspace_region_and_zone(made):
    me = made.ask(made.client.me())
    assert (me.workspace_id, me.region, me.app.timezone) == ("sim1work", "US", "America/Los_Angeles")


def test_a_conversation_with_everything_in_it(made):
    workspace, id_ = made.workspace, made.conversation.id
    admin = workspace.add_admin("Bo", "bo@us.example")
    workspace.reply(id_, "<p>Answer</p>", by=admin.id, at=NOON + 60)
    workspace.add_note(id_, "<p>Careful</p>", at=NOON + 70)
    workspace.assign(id_, admin_id=admin.id, at=NOON + 75)
    workspace.close(id_, by=admin.id, at=NOON + 80)
    workspace.rate(id_, 2, "slow", at=NOON + 90)
    workspace.tag(id_, "vip", at=NOON + 95)
    found = made.ask(made.client.conversation(id_))
    assert found.source.body == "<p>Help</p>"
    assert found.source.author.email == "ann@acme.example"
    assert [ref.id for ref in found.contact_refs] == [made.contact.id]
    assert {"comment", "note", "assignment", "close"} <= {part.part_type for part in found.parts}
    assert (found.state, found.admin_id, found.tag_names) == ("closed", str(admin.id), ["vip"])
    assert (found.conversation_rating.rating, found.conversation_rating.remark) == (2, "slow")
    assert found.statistics.count_conversation_parts == len(found.parts)


def test_unassigned_without_statistics(made):
    (page,) = made.pages(made.client.conversations_search(search.conversations_changed(0)))
    (found,) = page.items
    assert found.admin_id is None
    assert found.team_id is None


def test_more_than_500_parts_are_cut_and_counted(made):
    for number in range(510):
        made.workspace.reply(made.conversation.id, f"<p>{number}</p>", by=made.contact, at=NOON + number)
    found = made.ask(made.client.conversation(made.conversation.id))
    assert len(found.parts) == 500
    assert found.statistics.count_conversation_parts == 510
    assert found.parts[-1].body == "<p>509</p>"


def test_records_that_move_while_paging_are_never_lost(made):
    ids = [made.workspace.add_conversation([made.contact], created_at=NOON - 1000 + n).id for n in range(60)]
    for page in (2, 3):
        made.simulator.faults.before_page(
            "/conversations/search", page, lambda: made.workspace.bulk_touch(ids[::3], at=NOON + 5)
        )
    found = made.ids(made.client.conversations_search(search.conversations_changed(NOON - 1000), per_page=20))
    assert set(ids) <= set(found)
    assert len(found) > len(ids) + 1  # they did move


def test_many_records_in_one_second_are_all_found(made):
    ids = [made.workspace.add_conversation([made.contact], created_at=NOON).id for _ in range(75)]
    query = search.conversations_changed(NOON, NOON)
    assert set(ids) <= set(made.ids(made.client.conversations_search(query, per_page=20)))


def test_both_ends_of_the_window_are_included(made):
    at = {
        offset: made.workspace.add_conversation([made.contact], created_at=NOON + offset).id for offset in (10, 20, 30)
    }
    found = made.ids(made.client.conversations_search(search.conversations_changed(NOON + 10, NOON + 20)))
    assert {at[10], at[20]} <= set(found)
    assert at[30] not in found


def test_a_listing_continues_from_its_cursor(made):
    for number in range(50):
        made.workspace.add_conversation([made.contact], created_at=NOON + number)
    query = search.conversations_changed(0)
    first, *rest = made.pages(made.client.conversations_search(query, per_page=20))
    assert first.total_count == 51
    again = made.ids(made.client.conversations_search(query, per_page=20, cursor=first.next_cursor))
    assert again == [item.id for page in rest for item in page.items]


def test_a_cursor_that_is_no_longer_known(made):
    with pytest.raises(CursorExpired):
        made.ids(made.client.conversations_search(search.conversations_changed(0), cursor="bm90IGEgY3Vyc29y"))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Niue"])
def test_changed_contacts_despite_whole_days_in_the_workspaces_zone(zone):
    with working(zone=zone) as made:
        midnight = int(datetime(2025, 10, 30, tzinfo=ZoneInfo(zone)).timestamp())
        people = {}
        for hours in range(-80, 60, 3):
            moment = midnight + hours * 3600
            people[made.workspace.add_contact(f"P{hours}", updated_at=moment, created_at=moment).id] = moment
        for mark in (midnight, midnight - 1, midnight + 5 * 3600, midnight - 50_000):
            found = set(made.ids(made.client.contacts_changed(mark, per_page=20)))
            assert found - {made.contact.id} == {id_ for id_, moment in people.items() if moment >= mark}


def test_contact_errors(made):
    workspace, client = made.workspace, made.client
    other = workspace.add_contact("Bea", "bea@acme.example", role="lead")
    workspace.merge_contacts(other.id, made.contact.id)
    with pytest.raises(Gone) as gone:
        made.ask(client.contact(other.id))
    assert gone.value.merged_into == made.contact.id
    with pytest.raises(Conflict) as conflict:
        made.ask(client.create_contact({"role": "user", "external_id": "u1", "email": "ann@acme.example"}))
    assert (conflict.value.existing_id, conflict.value.archived) == (made.contact.id, False)
    workspace.archive_contact(made.contact.id)
    with pytest.raises(NotFound):
        made.ask(client.contact(made.contact.id))
    with pytest.raises(Conflict) as conflict:
        made.ask(client.create_contact({"role": "user", "external_id": "u1", "email": "ann@acme.example"}))
    assert (conflict.value.existing_id, conflict.value.archived) == (made.contact.id, True)
    workspace.unarchive_contact(made.contact.id)
    assert made.ask(client.contact(made.contact.id)).email == "ann@acme.example"
    with pytest.raises(NotFound):
        made.ask(client.contact("nosuch"))


def test_all_companies_of_a_contact_with_many(made):
    for number in range(120):
        company = made.workspace.add_company(f"C{number}", f"c-{number}")
        made.workspace.attach(made.contact.id, company.id)
    contact = made.ask(made.client.contact(made.contact.id))
    assert contact.has_more_companies
    assert len(contact.company_ids) <= 10
    assert len({company.id for company in made.ask(made.client.contact_companies(contact.id))}) == 121


def fill_companies(made, count):
    for number in range(count):
        company = made.workspace.add_company(f"C{number}", f"c-{number}")
        made.workspace.attach(made.contact.id, company.id)
    return count + 1


def test_the_whole_scroll(made):
    expected = fill_companies(made, 250)
    assert len(set(made.ids(made.client.companies_scroll()))) == expected


def test_the_scroll_waits_for_another_program(made):
    expected = fill_companies(made, 5)
    made.simulator.scroll.start(["x"])
    assert len(made.ids(made.client.companies_scroll())) == expected
    assert made.naps == [65.0]


def test_a_broken_scroll_begins_anew(made):
    expected = fill_companies(made, 250)
    made.simulator.faults.fail_next("scroll_restart", "/companies/scroll", after=1)
    pages = made.pages(made.client.companies_scroll())
    assert [page.restarted for page in pages].count(True) == 1
    assert len({item.id for page in pages for item in page.items}) == expected


def test_a_scroll_whose_answer_was_lost_skips_no_page(made):
    expected = fill_companies(made, 250)
    made.simulator.faults.fail_next("cut", "/companies/scroll", after=1, applied=True)
    assert len(set(made.ids(made.client.companies_scroll()))) == expected


def test_a_scroll_left_alone_for_a_minute_begins_anew(made):
    expected = fill_companies(made, 350)
    pages = []
    for page in made.fetcher.iter_pages(made.client.companies_scroll(), prefetch=1):
        pages.append(page)
        if len(pages) == 1:
            made.simulator.clock.advance(61)
    assert len({item.id for page in pages for item in page.items}) == expected
    assert any(page.restarted for page in pages)


def test_events_of_a_contact(made):
    for number in range(120):
        made.workspace.add_event(made.contact.id, "login", at=NOON - number * 60)
    made.workspace.add_event(made.contact.id, "ancient", at=NOON - 91 * 86_400)
    events = [item for page in made.pages(made.client.events(made.contact.id)) for item in page.items]
    assert len({(event.event_name, event.created_at) for event in events}) == 120


def test_deleted_conversations_newest_first(made):
    ids = [made.workspace.add_conversation([made.contact]).id for _ in range(70)]
    for id_ in ids:
        made.simulator.clock.advance(1)
        made.workspace.delete_conversation(id_)
    found = [item for page in made.pages(made.client.conversations_deleted()) for item in page.items]
    assert [item.id for item in found] == ids[::-1]
    with pytest.raises(NotFound):
        made.ask(made.client.conversation(ids[0]))


def test_deleted_conversations_are_not_in_older_versions():
    with working(version="2.15") as made, pytest.raises(VersionUnsupported):
        made.ids(made.client.conversations_deleted())


@pytest.mark.parametrize("code", ["unauthorized", "token_revoked", "token_blocked", "token_expired"])
def test_a_dead_token(made, code):
    made.simulator.access.kill_tokens(code)
    with pytest.raises(AuthError) as error:
        made.ids(made.client.conversations_search(search.conversations_changed(0)))
    assert error.value.code == code
    assert made.client.requests == 1


NO_SCOPE = {"me"}
SCOPES = (
    "Read and list users and companies",
    "Read one user and one company",
    "Read and write users",
    "Write users and companies",
    "Write data attributes",
    "Read conversations",
    "Read tickets",
    "Read events",
    "Read admins",
    "Read tags",
)


@pytest.mark.parametrize("name", sorted((LISTINGS.keys() | QUESTIONS.keys()) - NO_SCOPE))
def test_granting_the_permission_that_the_error_names_mends_it(made, name):
    for scope in SCOPES:
        made.simulator.access.drop_scope(scope)

    def attempt():
        if name in LISTINGS:
            return made.pages(LISTINGS[name](made.client))
        return made.ask(QUESTIONS[name](made.client, made))

    with pytest.raises(ScopeMissing) as error:
        attempt()
    assert error.value.scope in str(error.value)
    made.simulator.access.grant_scope(error.value.scope)
    attempt()


@pytest.mark.parametrize("kind", ["429", "500", "502", "503", "504", "html", "truncated", "cut", "reset"])
def test_passing_faults_leave_no_trace(made, kind):
    ids = [made.workspace.add_conversation([made.contact]).id for _ in range(45)]
    made.simulator.faults.fail_next(kind, "/conversations/search", after=1)
    found = made.ids(made.client.conversations_search(search.conversations_changed(0), per_page=20))
    assert sorted(found) == sorted([*ids, made.conversation.id])
    assert made.client.requests == 4


@pytest.mark.parametrize(("kind", "error"), [("html", BadAnswer), ("truncated", BadAnswer), ("plan", PlanRestricted)])
def test_lasting_faults_keep_the_pages_before_them(made, kind, error):
    for _ in range(45):
        made.workspace.add_conversation([made.contact])
    made.simulator.faults.fail_next(kind, "/conversations/search", after=1, times=50)
    pages = made.fetcher.iter_pages(made.client.conversations_search(search.conversations_changed(0), per_page=20))
    assert len(next(pages).items) == 20
    with pytest.raises(error):
        next(pages)


def test_map_reads_many_and_names_the_missing(made):
    ids = [made.workspace.add_conversation([made.contact]).id for _ in range(200)]
    made.workspace.delete_conversation(ids[7])
    found = dict(made.fetcher.map_unordered(made.client.conversation, ids))
    assert found.keys() == set(ids)
    assert [id_ for id_, value in found.items() if isinstance(value, IntercomError)] == [ids[7]]
    assert isinstance(found[ids[7]], NotFound)


def test_exchange_and_uninstall(made):
    access = made.simulator.access

    def exchange(code):
        return made.ask(
            oauth.exchange_code(
                code,
                client_id=made.simulator.client_id,
                client_secret=made.simulator.client_secret,
                api_override=made.simulator.url,
            )
        )

    code = access.issue_code()
    assert code.endswith("=")
    assert exchange(code).startswith("sim-oauth-token")
    with pytest.raises(oauth.CodeRefused):
        exchange(code)
    made.ask(made.client.uninstall())
    with pytest.raises(AuthError):
        made.ask(made.client.me())


def test_attributes_round_trip(made):
    client = made.client
    attribute = made.ask(client.create_data_attribute("company", "acme_health", "options", options=["Good", "Poor"]))
    assert attribute.option_values == ["Good", "Poor"]
    made.ask(client.update_company(made.company.id, {"custom_attributes": {"acme_health": "Good"}}))
    assert made.ask(client.company(made.company.id)).custom_attributes["acme_health"] == "Good"
    renamed = made.ask(client.update_data_attribute(attribute.id, {"description": "How they fare"}))
    assert renamed.description == "How they fare"
    names = {item.name for item in made.ask(client.data_attributes("company")) if item.custom}
    assert "acme_health" in names
