"""The customer's profile, and making, changing and archiving a customer."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from startdeliver.customers.models import Customer
from startdeliver.support.models import Ticket
from startdeliver.sync.models import Connection, IntercomCompany
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db


def text_of(client: Client, address: str) -> str:
    page = client.get(address).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def acorn(hub: Hub, csm: Member) -> Customer:
    customer = hub.customer(
        "Acorn", csm=csm, arr=Decimal("48000.50"), renewal_date=date(2026, 12, 2), tags=["vip"], external_id="a-1"
    )
    ada = hub.user(customer, name="Ada", email="ada@acorn.example", is_stakeholder=True)
    hub.user(customer, name="Buyer", is_non_user=True)
    hub.user(customer, name="Gone", has_left_at=hub.now)
    for days in (9, 12):
        hub.ticket(customer, days=days, user=ada, title=f"Overdue since {days}")
    hub.ticket(customer, days=1, title="Fresh")
    hub.ticket(
        customer,
        days=20,
        title="Done",
        status=Ticket.Status.RESOLVED,
        resolved_at=hub.now - timedelta(days=10),
        first_reply_seconds=5400,
        resolution_seconds=864000,
        rating=4,
        rated_at=hub.now - timedelta(days=9),
        rating_remark="Helped at once",
    )
    hub.compute()
    return customer


def test_the_header_and_the_tiles_say_how_it_is_and_why(main: Client, acorn: Customer, csm: Member) -> None:
    text = text_of(main, f"/customers/{acorn.pk}")
    for words in (
        csm.display_name,
        "€48,000.50",
        "2 Dec 2026",
        "in 30 days",
        "vip",
        "Fair",
        "2 tickets are overdue, the oldest for 5 days.",
        "Median first reply 1 h 30 min",
        "Median resolution 10 d",
        "4.0 of 5",
        "1 rating",
        "Helped at once",
        "A ticket is overdue after 7 days; 3 overdue tickets or more are Poor.",
    ):
        assert words in text, words
    assert "Open in Intercom" not in text


def test_charts_have_a_name_and_a_table_behind_them(main: Client, acorn: Customer) -> None:
    page = main.get(f"/customers/{acorn.pk}").content.decode()
    for title in ("Open and overdue tickets, 90 days", "Tickets by week"):
        assert f">{title}</title>" in page
    assert page.count("Show as a table") == 2
    assert "2 Nov 2026" in page


def test_a_customer_without_tickets_has_no_data_and_never_good(main: Client, hub: Hub) -> None:
    text = text_of(main, f"/customers/{hub.customer('New').pk}")
    assert "No data No ticket is stored for this customer." in text
    assert "Good" not in text
    assert "No tickets yet" in text


def test_the_link_goes_to_the_company_in_its_region(main: Client, acorn: Customer, hub: Hub) -> None:
    with organization_scope(hub.organization):
        Connection.objects.create(organization=hub.organization, workspace="ws1", region="EU")
        IntercomCompany.objects.create(organization=hub.organization, workspace="ws1", ref="6a7b", customer=acorn)
    page = main.get(f"/customers/{acorn.pk}").content.decode()
    assert 'href="https://app.eu.intercom.com/a/apps/ws1/companies/6a7b"' in page


def test_the_tickets_tab_filters(main: Client, acorn: Customer) -> None:
    address = f"/customers/{acorn.pk}"
    assert {"Overdue since 9", "Fresh", "Done"} <= set(titles(main, address))
    assert titles(main, f"{address}?show=open") == ["Fresh", "Overdue since 9", "Overdue since 12"]
    assert titles(main, f"{address}?show=overdue") == ["Overdue since 9", "Overdue since 12"]
    assert titles(main, f"{address}?show=resolved") == ["Done"]


def test_the_users_tab_has_four_views(main: Client, acorn: Customer) -> None:
    address = f"/customers/{acorn.pk}?tab=users"
    assert titles(main, address) == ["Ada", "Buyer"]
    assert titles(main, f"{address}&view=stakeholders") == ["Ada"]
    assert titles(main, f"{address}&view=non-users") == ["Buyer"]
    assert titles(main, f"{address}&view=has-left") == ["Gone"]


def test_a_tab_swaps_in_place(main: Client, acorn: Customer) -> None:
    headers = {"HX-Request": "true", "HX-Target": "tab"}
    part = main.get(f"/customers/{acorn.pk}?tab=users", headers=headers).content.decode()
    assert part.lstrip().startswith('<div id="tab">')
    assert "Support" not in part


def test_details_say_where_each_value_came_from(main: Client, acorn: Customer, hub: Hub) -> None:
    at = (hub.now - timedelta(hours=3)).isoformat()
    sources = {
        "name": {"source": "intercom", "at": at, "by": "Intercom"},
        "arr": {"source": "api", "at": at, "by": "First key"},
        "csm": {"source": "member", "at": at, "by": "ada@acme.test"},
        "plan": "damaged",
    }
    Customer._base_manager.filter(pk=acorn.pk).update(field_sources=sources, plan="Growth")
    with organization_scope(hub.organization):
        IntercomCompany.objects.create(
            organization=hub.organization,
            workspace="ws",
            ref="r",
            name="Acorn in Intercom",
            customer=acorn,
            facts={"custom_attributes": {"Seats": 5, "Trial": False, "Empty": None, "ends_at": 1820793600}},
        )
    text = text_of(main, f"/customers/{acorn.pk}?tab=details")
    assert "Name Acorn From Intercom, 3 h ago" in text
    assert "Through the API by First key, 3 h ago" in text
    assert "By ada@acme.test, 3 h ago" in text
    assert "ends_at 13 Sep 2027 Seats 5 Trial No" in text
    assert "Empty" not in text


def test_what_people_wrote_is_shown_as_text(main: Client, hub: Hub) -> None:
    nasty = '<script>alert(1)</script>"onmouseover=x'
    customer = hub.customer(nasty, tags=[nasty], website='javascript:alert("x")')
    hub.user(customer, name=nasty)
    hub.ticket(customer, title=nasty, rating=1, rated_at=hub.now, rating_remark=nasty)
    hub.compute()
    for address in (
        "/customers",
        f"/customers/{customer.pk}",
        f"/customers/{customer.pk}?tab=users",
        f"/customers/{customer.pk}?tab=details",
        "/search?q=alert",
    ):
        page = main.get(address).content.decode()
        assert "<script>alert" not in page
        assert 'href="javascript' not in page


def test_making_a_customer(main: Client, csm: Member, hub: Hub) -> None:
    form = main.get("/customers/new").content.decode()
    assert f'value="{csm.pk}" selected' in form
    answer = main.post(
        "/customers/new",
        {"name": " Birch  Bank ", "arr": "12,000", "domain": "https://www.Birch.example/about", "csm": csm.pk},
    )
    with organization_scope(hub.organization):
        made = Customer.objects.get()
        assert answer["Location"] == f"/customers/{made.pk}"
        assert (made.name, made.arr, made.domain, made.csm) == ("Birch Bank", Decimal(12000), "birch.example", csm)
        assert made.updated_by == csm.email
        assert set(made.field_sources) == {"name", "arr", "domain", "csm"}


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(main: Client, hub: Hub) -> None:
    hub.customer("Taken", external_id="x-1")
    answer = main.post("/customers/new", {"name": "", "arr": "much", "external_id": "x-1", "renewal_date": "soon"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "4 fields need your attention" in page
    assert "Enter a name for the customer." in page
    assert 'value="much"' in page
    assert page.count('aria-invalid="true"') == 4
    assert "This ID belongs to another one already" in page
    with organization_scope(hub.organization):
        assert Customer.objects.count() == 1


def test_editing_changes_only_what_differs(main: Client, acorn: Customer, csm: Member, hub: Hub) -> None:
    address = f"/customers/{acorn.pk}/edit"
    page = main.get(address).content.decode()
    given = dict(re.findall(r'<input type="(?:text|date)" name="(\w+)" value="([^"]*)"', page))
    assert given["arr"] == "48000.50"
    answer = main.post(address, {**given, "csm": csm.pk, "plan": "Growth"}, follow=True)
    assert "Acorn was saved" in answer.content.decode()
    acorn = Customer._base_manager.get(pk=acorn.pk)
    assert acorn.plan == "Growth"
    assert acorn.arr == Decimal("48000.50")
    assert set(acorn.field_sources) == {"plan"}


def test_archiving_and_restoring_twice_is_harmless(main: Client, acorn: Customer) -> None:
    for _ in range(2):
        assert main.post(f"/customers/{acorn.pk}/archive").status_code == 302
    assert "Archived" in text_of(main, f"/customers/{acorn.pk}")
    assert "Restore" in text_of(main, f"/customers/{acorn.pk}")
    for _ in range(2):
        assert main.post(f"/customers/{acorn.pk}/restore").status_code == 302
    assert Customer._base_manager.get(pk=acorn.pk).archived_at is None
    assert main.get(f"/customers/{acorn.pk}/archive").status_code == 405


def titles(client: Client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    return re.findall(r'<th scope="row" class="key[^"]*"><a [^>]*>([^<]+)</a>', page)
