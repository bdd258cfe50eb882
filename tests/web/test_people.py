"""/users: everybody at every customer, in views, filtered, searched, sorted, in pages and as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from startdeliver.customers import services
from startdeliver.customers.fields import field_create
from startdeliver.customers.models import CustomerUser
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope
from startdeliver.web import paging
from startdeliver.web.views import users as view
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db


def shown(client: Client, query: str = "") -> list[str]:
    """The names in the list, in its order."""
    answer = client.get(f"/users{query}")
    assert answer.status_code == 200
    return re.findall(r'<th scope="row" class="key"><a href="/users/\d+" title="([^"]*)"', answer.content.decode())


def exported(client: Client, query: str = "") -> list[str]:
    data = b"".join(client.get(f"/users/export{query}").streaming_content)  # type: ignore[attr-defined]
    return [row[0] for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))][1:]


@pytest.fixture
def everybody(hub: Hub, csm: Member) -> dict[str, CustomerUser]:
    acorn, birch = hub.customer("Acorn", csm=csm), hub.customer("Birch")
    now = hub.now
    return {
        user.name: user
        for user in (
            hub.user(birch, name="Bea", email="bea@birch.test", last_login_at=now - timedelta(days=1)),
            hub.user(acorn, name="Ada", email="ada@acorn.test", is_stakeholder=True, external_id="u-7"),
            hub.user(acorn, name="Cid", is_non_user=True, last_login_at=now - timedelta(days=9)),
            hub.user(acorn, name="Dan", has_left_at=now, is_stakeholder=True),
            hub.user(birch, name="Eve", archived_at=now),
            hub.user(None, name="Flo"),
        )
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Ada", "Bea", "Cid", "Flo"]),
        ("?sort=-name", ["Flo", "Cid", "Bea", "Ada"]),
        ("?sort=-login", ["Bea", "Cid", "Flo", "Ada"]),
        ("?sort=login", ["Ada", "Flo", "Cid", "Bea"]),
        ("?sort=made-up", ["Ada", "Bea", "Cid", "Flo"]),
        ("?view=stakeholders", ["Ada"]),
        ("?view=non-users", ["Cid"]),
        ("?view=has-left", ["Dan"]),
        ("?view=archived", ["Eve"]),
        ("?view=made-up", ["Ada", "Bea", "Cid", "Flo"]),
        ("?csm=me", ["Ada", "Cid"]),
        ("?csm=none", ["Bea"]),
        ("?q=BIRCH.test", ["Bea"]),
        ("?q=u-7", ["Ada"]),
        ("?q=nobody", []),
        ("?csm=none&view=stakeholders", []),
        ("?q=%00", ["Ada", "Bea", "Cid", "Flo"]),
        ("?page=9", []),
    ],
)
def test_who_is_in_the_list_and_in_its_export(
    main: Client, everybody: dict[str, CustomerUser], query: str, names: list[str]
) -> None:
    assert shown(main, query) == names
    if "page" not in query:
        assert exported(main, query) == names


def test_one_customers_users_and_the_way_back(main: Client, everybody: dict[str, CustomerUser]) -> None:
    acorn = everybody["Ada"].customer_id
    assert shown(main, f"?customer={acorn}") == ["Ada", "Cid"]
    assert exported(main, f"?customer={acorn}") == ["Ada", "Cid"]
    text = main.get(f"/users?customer={acorn}&q=a").content.decode()
    assert 'aria-label="Take away: customer Acorn"' in text
    assert 'href="/users?q=a"' in text
    for wrong in ("999999", "x", "9" * 30):
        assert main.get(f"/users?customer={wrong}").status_code == 404


def test_own_fields_filter_the_list(main: Client, hub: Hub, everybody: dict[str, CustomerUser]) -> None:
    with organization_scope(hub.organization):
        for name, kind, options in (("Team", "dropdown", ["Red", "Blue"]), ("Seen", "date", [])):
            field_create(organization=hub.organization, by="x", entity="user", name=name, type=kind, options=options)
        for name, team, seen in (("Ada", "Red", "2028-02-29"), ("Bea", "Blue", None)):
            values = {"customfieldTeam": team, "customfieldSeen": seen}
            services.user_update(user=everybody[name], by="x", values=values)
    assert shown(main, "?customfieldTeam=Red") == ["Ada"]
    assert shown(main, "?customfieldTeam=-none-") == ["Cid", "Flo"]
    assert shown(main, "?customfieldSeen-min=2028-02-29") == ["Ada"]
    assert exported(main, "?customfieldTeam=Blue") == ["Bea"]
    text = main.get("/users?customfieldTeam=Red&view=stakeholders").content.decode()
    assert 'aria-label="Take away: Team is Red"' in text
    assert "<option selected>Red</option>" in text


def test_pages(main: Client, everybody: dict[str, CustomerUser], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (view, paging):
        monkeypatch.setattr(module, "SIZE", 3)
    assert shown(main) == ["Ada", "Bea", "Cid"]
    assert shown(main, "?page=2") == ["Flo"]
    assert "of 4 users" in main.get("/users").content.decode()


def test_an_empty_list_says_what_will_be_here_and_only_writers_are_asked_to_add(
    main: Client, hub: Hub, lite: Member
) -> None:
    page = main.get("/users").content.decode()
    assert "will be here" in page
    assert 'href="/users/new"' in page
    reader = Client()
    reader.force_login(lite)
    page = reader.get("/users").content.decode()
    assert "will be here" in page
    assert 'href="/users/new"' not in page


def test_text_is_shown_as_it_is(main: Client, hub: Hub) -> None:
    hub.user(None, name="<script>x</script>", email="<b>@x.test", external_id="'\"&")
    page = main.get("/users").content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "customeruser_name"),
        ("?sort=-name", "customeruser_name"),
        ("?sort=login", "customeruser_login"),
        ("?sort=-login", "customeruser_login"),
        ("?view=stakeholders", "customeruser_stakeholder"),
        ("?view=non-users", "customeruser_non_user"),
        ("?view=has-left", "customeruser_has_left"),
        ("?view=archived", "customeruser_archived"),
    ],
)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by what is in the table")
def test_a_page_is_read_from_an_index_in_its_order(
    main: Client, hub: Hub, everybody: dict[str, CustomerUser], query: str, index: str
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as heard:
        main.get(f"/users{query}")
    pages = [one["sql"] for one in heard if "LIMIT 51" in one["sql"] and "customeruser" in one["sql"]]
    assert len(pages) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + pages[0].replace("%", "%%"))
        plan = " ".join(str(row[3]) for row in cursor.fetchall())
    assert index in plan
    assert "TEMP B-TREE" not in plan
