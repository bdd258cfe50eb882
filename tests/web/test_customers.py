"""The customers list: order, filters, sorts, pages, counts, bulk assignment."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db
SWAP = {"HX-Request": "true", "HX-Target": "list"}


def names(client: Client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    return re.findall(r'<th scope="row" class="key"><a [^>]*>([^<]+)</a>', page)


def strip(client: Client, address: str) -> list[int]:
    page = client.get(address).content.decode()
    return [int(number.replace(",", "")) for number in re.findall(r'class="strip-count">([\d,]+)<', page)]


@pytest.fixture
def four(hub: Hub, csm: Member) -> dict[str, Customer]:
    """One customer of each health."""
    made = {
        "poor": hub.customer("Poor Ltd", csm=csm, arr=5, renewal_date=date(2027, 1, 1), last_login_at=hub.now),
        "fair": hub.customer("Fair Ltd", arr=9, renewal_date=date(2026, 12, 1), domain="fair.example"),
        "good": hub.customer("Good Ltd", csm=csm, last_login_at=hub.now - timedelta(days=3)),
        "none": hub.customer("Blank Ltd", external_id="blank-1"),
    }
    for number in range(3):
        hub.ticket(made["poor"], days=10 + number)
    hub.ticket(made["fair"], days=8)
    hub.ticket(made["good"], days=2)
    hub.user(made["good"], name="A")
    hub.user(made["good"], name="B")
    hub.user(made["fair"], name="C")
    hub.compute()
    return made


def test_counts_and_filters_by_health(main: Client, four: dict[str, Customer]) -> None:
    assert strip(main, "/customers") == [4, 1, 1, 1, 1]
    for health, customer in four.items():
        assert names(main, f"/customers?health={health}") == [customer.name]
        assert strip(main, f"/customers?health={health}") == [4, 1, 1, 1, 1]
    page = main.get("/customers").content.decode()
    assert page.index("Poor Ltd") < page.index("Fair Ltd") < page.index("Good Ltd") < page.index("Blank Ltd")


def test_health_moves_with_time_alone(main: Client, hub: Hub) -> None:
    customer = hub.customer("Sleeper")
    hub.ticket(customer, days=6)
    hub.compute()
    assert names(main, "/customers?health=good") == ["Sleeper"]
    with clock.frozen(hub.now + timedelta(days=1, seconds=1)):
        assert names(main, "/customers?health=fair") == ["Sleeper"]


def test_what_got_worse_most_recently_comes_first(main: Client, four: dict[str, Customer], hub: Hub) -> None:
    late = hub.customer("Just Fair")
    hub.ticket(late, days=8)
    hub.compute()
    with organization_scope(hub.organization):
        rows = SupportHealth.objects
        rows.filter(customer=four["poor"]).update(previous_status="fair", changed_at=hub.now - timedelta(days=5))
        rows.filter(customer=four["fair"]).update(previous_status="poor", changed_at=hub.now)
        rows.filter(customer=late).update(previous_status="good", changed_at=hub.now - timedelta(days=1))
    assert names(main, "/customers") == ["Just Fair", "Poor Ltd", "Fair Ltd", "Good Ltd", "Blank Ltd"]
    assert "was Good" in main.get("/customers").content.decode()


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("name", "Blank Ltd"),
        ("-name", "Poor Ltd"),
        ("-health", "Poor Ltd"),
        ("-open", "Poor Ltd"),
        ("-overdue", "Poor Ltd"),
        ("-users", "Good Ltd"),
        ("-login", "Poor Ltd"),
        ("login", "Good Ltd"),
        ("-arr", "Fair Ltd"),
        ("arr", "Poor Ltd"),
        ("renewal", "Fair Ltd"),
        ("-renewal", "Poor Ltd"),
        ("csm", "Good Ltd"),
        ("no-such-sort", "Poor Ltd"),
    ],
)
def test_sorts_with_empty_values_last(main: Client, four: dict[str, Customer], sort: str, first: str) -> None:
    found = names(main, f"/customers?sort={sort}")
    assert found[0] == first
    assert len(found) == 4


def test_a_sorted_column_says_so_and_turns_round(main: Client, four: dict[str, Customer]) -> None:
    page = main.get("/customers?sort=-arr&health=fair").content.decode()
    head = re.search(r'<th scope="col" class="num" aria-sort="descending"><a class="sort" href="([^"]+)"', page)
    assert head
    assert head[1].replace("&amp;", "&") in ("?sort=arr&health=fair", "?health=fair&sort=arr")


def test_my_portfolio_and_customers_without_a_csm(main: Client, four: dict[str, Customer], csm: Member) -> None:
    assert names(main, "/customers?csm=me") == ["Poor Ltd", "Good Ltd"]
    assert names(main, f"/customers?csm={csm.pk}") == ["Poor Ltd", "Good Ltd"]
    assert names(main, "/customers?csm=none") == ["Fair Ltd", "Blank Ltd"]
    assert strip(main, "/customers?csm=me") == [2, 1, 0, 1, 0]
    assert len(names(main, "/customers?csm=x")) == 4


@pytest.mark.parametrize("text", ["fair", "FAIR LTD", "fair.exam", "ltd fair"])
def test_search_looks_in_name_domain_and_id(main: Client, four: dict[str, Customer], text: str) -> None:
    assert names(main, f"/customers?q={text}") == ["Fair Ltd"]
    assert strip(main, f"/customers?q={text}") == [1, 0, 1, 0, 0]


def test_search_finds_letters_beyond_ascii_in_any_case(main: Client, hub: Hub) -> None:
    hub.customer("Ärztehaus")
    assert names(main, "/customers?q=ärzte") == ["Ärztehaus"]


def test_archived_customers_are_apart(main: Client, four: dict[str, Customer], hub: Hub) -> None:
    Customer._base_manager.filter(pk=four["poor"].pk).update(archived_at=hub.now)
    assert "Poor Ltd" not in names(main, "/customers")
    assert strip(main, "/customers") == [3, 0, 1, 1, 1]
    assert names(main, "/customers?archived=1") == ["Poor Ltd"]


def test_pages_of_fifty_cover_everything_once(main: Client, hub: Hub) -> None:
    for number in range(120):
        customer = hub.customer(f"C{number:03}")
        if number % 3 == 0:
            hub.ticket(customer, days=10)
    hub.compute()
    seen = [name for page in (1, 2, 3) for name in names(main, f"/customers?page={page}")]
    assert len(seen) == len(set(seen)) == 120
    page = main.get("/customers?page=2").content.decode()
    assert "51–100 of 120 customers" in page
    assert 'rel="prev"' in page
    assert 'rel="next"' in page
    assert names(main, "/customers?page=99") == []
    assert len(names(main, "/customers?page=0")) == 50


def test_the_number_of_queries_does_not_grow_with_the_list(
    main: Client, hub: Hub, csm: Member, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        customer = hub.customer(f"C{number}", csm=csm)
        hub.user(customer, name="U")
        hub.ticket(customer, days=9)
    hub.compute()
    main.get("/customers")  # The first visit is noted in the session.
    with django_assert_max_num_queries(20):
        assert len(names(main, "/customers")) == 50


def test_htmx_gets_the_list_only_and_a_restored_history_the_whole_page(main: Client, four: dict[str, Customer]) -> None:
    part = main.get("/customers?health=poor", headers=SWAP)
    assert "<html" not in part.content.decode()
    assert "HX-Request" in part["Vary"]
    whole = main.get("/customers?health=poor", headers={**SWAP, "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_bulk_assignment(main: Client, four: dict[str, Customer], csm: Member, administrator: Member) -> None:
    picked = [four["poor"].pk, four["none"].pk]
    answer = main.post(
        "/customers/assign", {"pick": picked, "to": administrator.pk, "next": "/customers?health=poor"}, follow=True
    )
    assert answer.redirect_chain[0][0] == "/customers?health=poor"
    assert "is now the CSM of 2 customers" in answer.content.decode()
    with organization_scope(four["poor"].organization):
        for pk in picked:
            customer = Customer.objects.get(pk=pk)
            assert customer.csm == administrator
            assert customer.field_sources["csm"]["by"] == csm.email
        main.post("/customers/assign", {"pick": picked, "to": "none"})
        assert not Customer.objects.filter(pk__in=picked, csm__isnull=False).exists()


@pytest.mark.parametrize(("data", "sentence"), [({}, "No customer was selected"), ({"pick": "1"}, "No CSM was chosen")])
def test_bulk_assignment_without_a_choice_changes_nothing(
    main: Client, four: dict[str, Customer], data: dict[str, str], sentence: str
) -> None:
    answer = main.post("/customers/assign", {**data, "next": "https://evil.example"}, follow=True)
    assert answer.redirect_chain[0][0] == "/customers"
    assert sentence in answer.content.decode()


def test_a_csm_of_another_organization_cannot_be_assigned(
    main: Client, four: dict[str, Customer], outsider: Member
) -> None:
    main.post("/customers/assign", {"pick": four["none"].pk, "to": outsider.pk})
    four["none"].refresh_from_db()
    assert four["none"].csm_id is None


def test_a_first_start_says_what_will_be_here_and_how(
    main: Client, signed_in: Callable[[Member], Client], administrator: Member
) -> None:
    for client, button in ((main, "/customers/new"), (signed_in(administrator), "/apps/intercom")):
        page = client.get("/customers").content.decode()
        assert "Your customers will be here" in page
        assert f'class="button button-primary" href="{button}"' in page
        assert "<table" not in page


def test_nothing_fits_is_not_a_first_start(main: Client, four: dict[str, Customer]) -> None:
    assert "No customer fits" in main.get("/customers?q=zzz").content.decode()


def test_the_picker_offers_customers_that_are_not_archived(main: Client, four: dict[str, Customer], hub: Hub) -> None:
    Customer._base_manager.filter(pk=four["poor"].pk).update(archived_at=hub.now)
    found = main.get("/customers/pick?customer_search=ltd").content.decode()
    assert "Fair Ltd" in found
    assert "Poor Ltd" not in found
    assert "<html" not in found


def test_a_ticket_of_a_resolved_kind_is_not_open(main: Client, hub: Hub) -> None:
    customer = hub.customer("Done")
    hub.ticket(customer, days=30, status=Ticket.Status.RESOLVED, resolved_at=hub.now)
    hub.compute()
    assert names(main, "/customers?health=good") == ["Done"]
