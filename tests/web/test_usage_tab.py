"""Usage on the profile, on a user's page and on the customers list: what each shows, counts, filters and exports."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health, tab
from startdeliver.usage.models import Basis, Goal, Product, ProductHealth, UsageDay, UsageType
from startdeliver.usage.rules import Rule
from tests.usage.factories import TODAY, add_usage, make_product, make_type
from tests.web.conftest import Hub
from tests.web.test_customers import names

pytestmark = pytest.mark.django_db
SWAP = {"HX-Request": "true", "HX-Target": "tab"}


def text_of(client: Client, address: str) -> str:
    page = client.get(address).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@dataclass
class World:
    """Acorn: Ada on 12 days, Ben on 5, Cy never, Dan has left. Birch: Eve on 2 days. Cedar: nobody."""

    acorn: Customer
    birch: Customer
    cedar: Customer
    users: dict[str, CustomerUser]
    login: UsageType
    export: UsageType
    days: Product
    adoption: Product


@pytest.fixture
def world(hub: Hub) -> World:
    acorn, birch, cedar = hub.customer("Acorn"), hub.customer("Birch"), hub.customer("Cedar")
    users = {
        "Ada": hub.user(acorn, name="Ada", email="ada@acorn.test"),
        "Ben": hub.user(acorn, name="Ben", email="ben@acorn.test"),
        "Cy": hub.user(acorn, name="Cy", email="cy@acorn.test"),
        "Dan": hub.user(acorn, name="Dan", email="dan@acorn.test", has_left_at=hub.now),
        "Eve": hub.user(birch, name="Eve", email="eve@birch.test"),
    }
    with organization_scope(hub.organization):
        login, export = make_type("login", is_login=True), make_type("export")
        days = make_product(Rule(Goal.UNIQUE_DAYS, fair=5, good=10), login)
        Product.objects.filter(pk=days.pk).update(name="Core", abbreviation="CO", position=1)
        adoption = make_product(
            Rule(Goal.UNIQUE_DAYS, fair=4, good=8, basis=Basis.PER_USER, percent=50, look_back_days=28), login
        )
        Product.objects.filter(pk=adoption.pk).update(name="Adoption", abbreviation="AD", position=2)
        add_usage(users["Ada"], login, dict.fromkeys(range(TODAY - 11, TODAY + 1), 1))
        add_usage(users["Ada"], export, {TODAY - 1: 3})
        add_usage(users["Ben"], login, dict.fromkeys(range(TODAY - 4, TODAY + 1), 1))
        add_usage(users["Dan"], login, {TODAY - 60: 1})
        add_usage(users["Eve"], login, {TODAY - 20: 1, TODAY - 19: 1})
    health.recompute(hub.organization)
    return World(acorn, birch, cedar, users, login, export, days, adoption)


def test_the_tile_says_how_it_is_and_why(main: Client, world: World) -> None:
    text = text_of(main, f"/customers/{world.acorn.pk}")
    for words in (
        "Usage All usage Good",
        "Of 2 products 1 Good and 1 Fair; their mean is Good.",
        "Core: Good",
        "Adoption: Fair",
        "2 of 3 users",
    ):
        assert words in text, words
    page = main.get(f"/customers/{world.acorn.pk}").content.decode()
    assert f'href="/customers/{world.acorn.pk}?tab=usage#product-{world.days.pk}"' in page


def test_without_products_the_tile_says_who_can_add_one(
    main: Client, hub: Hub, signed_in: Callable[[Member], Client], administrator: Member
) -> None:
    address = f"/customers/{hub.customer('New').pk}"
    assert "No product yet" in text_of(main, address)
    assert "An administrator adds one in Settings → Products." in text_of(main, address)
    assert 'href="/settings/products"' not in main.get(address).content.decode()
    assert 'href="/settings/products"' in signed_in(administrator).get(address).content.decode()
    assert "Nothing is measured yet" in text_of(main, f"{address}?tab=usage")


def test_a_customer_without_events_has_no_data_and_never_good(main: Client, world: World) -> None:
    text = text_of(main, f"/customers/{world.cedar.pk}?tab=usage")
    assert "No data No product has data yet." in text
    assert "No data: nobody has used it. Good from 10, Fair from 5." in text
    assert "No usage yet" in text
    assert "● Good" not in text


def test_each_product_says_why_in_plain_numbers(main: Client, world: World) -> None:
    text = text_of(main, f"/customers/{world.acorn.pk}?tab=usage")
    for words in (
        "12 days with usage in the last 35 days. Good from 10, Fair from 5.",
        "Login. Counted from 29 Sep 2026 to 2 Nov 2026.",
        "1 of 3 users at the Good target, 2 at Fair; 50 % needed. Good from 8, Fair from 4 in the last 28 days.",
        "Counted from 6 Oct 2026 to 2 Nov 2026.",
    ):
        assert words in text, words


def test_who_reached_the_target_is_what_health_counted(hub: Hub, world: World) -> None:
    with organization_scope(hub.organization):
        people = tab.people(world.acorn, 35, "-events", 0, 25)
        row = ProductHealth.objects.get(customer=world.acorn, product=world.adoption)
    reached = {str(one.user): one.reached[0].status for one in people.rows}
    assert reached == {"Ada": "good", "Ben": "fair", "Cy": "poor", "Dan": None}
    assert row.good_count == sum(status == "good" for status in reached.values())
    assert row.fair_count == sum(status in ("good", "fair") for status in reached.values())
    assert row.user_count == sum(status is not None for status in reached.values())


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["Ada", "Ben", "Cy", "Dan"]),
        ("-events", ["Ada", "Ben", "Cy", "Dan"]),
        ("events", ["Cy", "Dan", "Ben", "Ada"]),
        ("name", ["Ada", "Ben", "Cy", "Dan"]),
        ("-name", ["Dan", "Cy", "Ben", "Ada"]),
        ("-days", ["Ada", "Ben", "Cy", "Dan"]),
        ("-login", ["Ada", "Ben", "Dan", "Cy"]),
        ("login", ["Dan", "Ada", "Ben", "Cy"]),
        ("no-such-sort", ["Ada", "Ben", "Cy", "Dan"]),
    ],
)
def test_users_are_sorted_and_those_without_a_value_come_last(
    main: Client, world: World, sort: str, order: list[str]
) -> None:
    page = main.get(f"/customers/{world.acorn.pk}?tab=usage&sort={sort}", headers=SWAP).content.decode()
    assert re.findall(r'<th scope="row" class="key"><a [^>]*>([^<]+)</a>', page) == order


def test_users_are_sorted_by_a_usage_type(main: Client, world: World) -> None:
    address = f"/customers/{world.acorn.pk}?tab=usage&sort=type-{world.export.pk}"
    page = main.get(address, headers=SWAP).content.decode()
    assert re.findall(r'<th scope="row" class="key"><a [^>]*>([^<]+)</a>', page)[-1] == "Ada"


def test_users_come_in_pages(main: Client, world: World, hub: Hub) -> None:
    for number in range(30):
        hub.user(world.acorn, name=f"U{number:02}")
    found = []
    for page in (1, 2, 3):
        part = main.get(f"/customers/{world.acorn.pk}?tab=usage&sort=name&page={page}", headers=SWAP).content.decode()
        found += re.findall(r'<th scope="row" class="key"><a [^>]*>([^<]+)</a>', part)
    assert len(found) == len(set(found)) == 34


def test_the_window_is_in_the_address(main: Client, world: World) -> None:
    address = f"/customers/{world.acorn.pk}?tab=usage"
    text = text_of(main, address)
    assert "2 users were active in the last 35 days, with 18 events" in text
    assert "3 users were active in the last 90 days, with 19 events" in text_of(main, f"{address}&days=90")
    assert "in the last 365 days" in text_of(main, f"{address}&days=365")
    assert text_of(main, f"{address}&days=12") == text
    page = main.get(f"{address}&days=90", headers=SWAP).content.decode()
    assert page.lstrip().startswith('<div id="tab">')
    assert re.search(r'days=90"[^>]* aria-current="true"', page)


def test_charts_have_a_name_and_a_table_behind_them(main: Client, world: World) -> None:
    page = main.get(f"/customers/{world.acorn.pk}?tab=usage", headers=SWAP).content.decode()
    for title in ("Active users per day, 35 days", "Login: events per day, 35 days", "Export: events per day, 35 days"):
        assert f">{title}</title>" in page
    assert page.count("Show as a table") == 2
    assert re.search(r'<th scope="row">2 Nov 2026</th><td>2</td></tr>', page)
    assert re.search(r'<th scope="row">1 Nov 2026</th><td>2</td><td>1</td></tr>', page)


def test_quiet_customers_say_that_there_was_earlier_usage(main: Client, world: World, hub: Hub) -> None:
    with organization_scope(hub.organization):
        UsageDay.objects.filter(day__gt=TODAY - 50).delete()
    text = text_of(main, f"/customers/{world.acorn.pk}?tab=usage")
    assert "Nobody was active in the last 35 days. Choose a longer time to see earlier usage." in text
    assert "1 user was active in the last 90 days" in text_of(main, f"/customers/{world.acorn.pk}?tab=usage&days=90")


def test_a_users_page_shows_the_users_usage(main: Client, world: World) -> None:
    text = text_of(main, f"/users/{world.users['Ben'].pk}")
    assert "Days active 5 Events 5" in text
    assert "Login 5 5" in text
    assert "5 days: reaches the Fair target" in text
    assert "Last login" in text
    assert "No event in the last 35 days." in text_of(main, f"/users/{world.users['Cy'].pk}")


def test_users_show_their_last_login(main: Client, world: World) -> None:
    page = main.get(f"/customers/{world.acorn.pk}?tab=users").content.decode()
    assert ">Last login</th>" in page
    assert 'title="Mon 2 Nov 2026, 12:00 UTC"' in page


def test_the_list_shows_health_and_each_product(main: Client, world: World) -> None:
    page = main.get("/customers").content.decode()
    assert "Usage health" in page
    assert re.search(r'title="Adoption: Fair\. 1 of 3 users at the Good target', page)
    assert page.count('class="mark"') == 6


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("usage=good", ["Acorn"]),
        ("usage=poor", ["Birch"]),
        ("usage=none", ["Cedar"]),
        ("usage=bogus", ["Acorn", "Birch", "Cedar"]),
        ("product-{adoption}=fair", ["Acorn"]),
        ("product-{adoption}=none", ["Cedar"]),
        ("product-{days}=good&usage=poor", []),
        ("product-999999=good", ["Acorn", "Birch", "Cedar"]),
    ],
)
def test_the_list_is_filtered_by_usage(main: Client, world: World, query: str, found: list[str]) -> None:
    query = query.format(adoption=world.adoption.pk, days=world.days.pk)
    assert names(main, f"/customers?sort=name&{query}") == found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-usage", ["Birch", "Acorn", "Cedar"]),
        ("usage", ["Acorn", "Birch", "Cedar"]),
        ("-login", ["Acorn", "Birch", "Cedar"]),
        ("login", ["Birch", "Acorn", "Cedar"]),
    ],
)
def test_the_list_is_sorted_with_no_data_last(main: Client, world: World, sort: str, order: list[str]) -> None:
    assert names(main, f"/customers?sort={sort}") == order


def test_pages_of_the_sorted_list_cover_everything_once(main: Client, world: World, hub: Hub) -> None:
    for number in range(110):
        hub.customer(f"C{number:03}", last_login_at=hub.now if number % 3 else None)
    for sort in ("-usage", "login"):
        seen = [name for page in (1, 2, 3) for name in names(main, f"/customers?sort={sort}&page={page}")]
        assert len(seen) == len(set(seen)) == 113


def test_a_product_filter_is_a_chip_that_takes_it_away(main: Client, world: World) -> None:
    page = main.get(f"/customers?product-{world.days.pk}=good&usage=good").content.decode()
    assert "Core is Good" in page
    assert 'href="/customers?usage=good"' in page
    # The search keeps both when somebody types.
    assert re.search(rf'name="product-{world.days.pk}" value="good" form="list-search"', page)


def test_a_saved_list_keeps_the_usage_filter_and_order(main: Client, world: World) -> None:
    query = f"?usage=poor&product-{world.days.pk}=poor&sort=-usage"
    address = main.post("/customers/lists", {"name": "Quiet", "query": query})["Location"]
    assert names(main, address) == ["Birch"]
    pk = re.search(r"list=(\d+)", address)
    assert pk
    assert main.get(f"/customers?list={pk[1]}")["Location"] == address
    assert "Save changes to Quiet" not in main.get(address).content.decode()


def test_the_export_has_usage_and_last_login(main: Client, world: World) -> None:
    answer = main.get("/customers/export?columns=usage,products,login&sort=-usage")
    body = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0] == ["Name", "Your ID", "Usage health", "Usage by product", "Last login"]
    assert [row[0] for row in rows[1:]] == ["Birch", "Acorn", "Cedar"]
    assert rows[2] == ["Acorn", "", "good", "CO good, AD fair", "2026-11-02 12:00"]
    assert rows[3] == ["Cedar", "", "", "", ""]


def test_without_products_the_list_has_no_usage_column(main: Client, hub: Hub) -> None:
    hub.customer("Acorn")
    page = main.get("/customers").content.decode()
    assert 'name="usage"' not in page
    assert not re.search(r'<th scope="col"[^>]*><a[^>]*>Usage health', page)


def test_another_organization_sees_nothing_of_it(
    signed_in: Callable[[Member], Client], outsider: Member, world: World
) -> None:
    stranger = signed_in(outsider)
    for name in ("usage", "activity"):
        assert stranger.get(f"/customers/{world.acorn.pk}?tab={name}").status_code == 404
    assert names(stranger, f"/customers?product-{world.days.pk}=good") == []


def test_what_people_wrote_is_shown_as_text(main: Client, world: World, hub: Hub) -> None:
    nasty = "<script>alert(1)</script>"
    with organization_scope(hub.organization):
        Product.objects.filter(pk=world.days.pk).update(name=nasty, abbreviation="<b>")
        UsageType.objects.update(name=nasty)
        CustomerUser.objects.filter(customer=world.acorn).update(name=nasty)
    for address in (
        "/customers?columns=products",
        f"/customers/{world.acorn.pk}?tab=usage",
        f"/users/{world.users['Ada'].pk}",
    ):
        assert nasty not in main.get(address).content.decode()


def test_queries_do_not_grow_with_the_users(
    main: Client, world: World, hub: Hub, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    address = f"/customers/{world.acorn.pk}?tab=usage"
    for number in range(20):
        hub.user(world.acorn, name=f"U{number}")
    with django_assert_max_num_queries(45):  # type: ignore[attr-defined]
        main.get(address, headers=SWAP)
