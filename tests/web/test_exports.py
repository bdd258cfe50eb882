"""Lists as CSV files: what the list shows, for spreadsheets that do not run what customers wrote."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from startdeliver.customers import services
from startdeliver.customers.fields import field_create, field_update
from startdeliver.customers.imports import service
from startdeliver.engine import jobs
from startdeliver.sync.models import Skip
from startdeliver.tenancy.members import member_archive, member_invite
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.web.views import exports
from startdeliver.web.views.exports import cell
from tests.web.conftest import Hub


def table(client: Client, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    assert "attachment" in answer["Content-Disposition"]
    data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ('"=1', "'\"=1"),
        ("'=1", "''=1"),
        ("a=1", "a=1"),
        (-2, "-2"),
        (Decimal("-2.50"), "-2.50"),
        (True, "yes"),
        (None, ""),
        (date(2026, 3, 31), "2026-03-31"),
        (["=a", "b"], "'=a, b"),
    ],
)
def test_no_text_can_be_taken_for_a_formula(value: Any, written: str) -> None:
    assert cell(value) == written


def test_moments_are_in_the_organizations_time_zone() -> None:
    assert cell(datetime(2026, 11, 2, 12, 0, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == "2026-11-02 13:00"


def test_customers_with_the_filters_columns_and_order_of_the_list(
    main: Client, organization: Organization, csm: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_BATCH", 2)
    with organization_scope(organization):
        field_create(organization=organization, by="ada", entity="customer", name="Seats", type="number")
        for number in range(7):
            values = {"name": f"C{number:04}", "customfieldSeats": number, "csm": csm if number % 2 else None}
            values["external_id"] = f"c{number}"
            services.customer_create(
                organization=organization, by="ada", values={**values, "external_id": f"c{number}"}
            )
    rows = table(main, "/customers/export?csm=me&columns=customfieldSeats,csm&sort=-customfieldSeats")
    assert rows[0] == ["Name", "Your ID", "Seats", "CSM"]
    assert rows[1] == ["C0005", "c5", "5", "main@acme.test"]
    assert [row[0] for row in rows[1:]] == [f"C{number:04}" for number in (5, 3, 1)]
    assert len(table(main, "/customers/export")) == 8
    assert main.get("/customers?csm=me&sort=name").content.decode().count("/customers/export?csm=me&amp;sort=name") == 1


def test_what_goes_out_comes_back_unchanged(main: Client, organization: Organization) -> None:
    with organization_scope(organization):
        made = services.customer_create(
            organization=organization, by="ada", values={"name": "=Acorn, Ltd", "external_id": "a-1", "arr": "1234.50"}
        )
        data = "\n".join(
            ",".join(f'"{value}"' for value in row) for row in table(main, "/customers/export?columns=arr,renewal,csm")
        ).encode()
        file = service.upload(organization=organization, by="ada", target="customer", filename="a.csv", data=data)
        service.start(service.check(file))
        jobs.run_inline()
        file.refresh_from_db()
        before = made.updated_at
        made.refresh_from_db()
        assert (file.created_count, file.updated_count, file.unchanged_count) == (0, 0, 1)
        assert (made.name, made.updated_at) == ("=Acorn, Ltd", before)


def test_a_round_trip_loses_nothing_that_is_odd(main: Client, organization: Organization) -> None:
    """A field with the name of a standard one, an option that was taken away, a CSM who left, tiny numbers, signs."""
    own: dict[str, Any] = {"customfieldPlan": "Old", "customfieldRate": 0.00001, "customfieldNote": "'=1+1"}
    former, _ = member_invite(organization, email="former@acme.test")
    with organization_scope(organization):
        kind = field_create(
            organization=organization, by="ada", entity="customer", name="Plan", type="dropdown", options=["Old", "New"]
        )
        field_create(organization=organization, by="ada", entity="customer", name="Rate", type="number")
        field_create(organization=organization, by="ada", entity="customer", name="Note", type="text")
        values = {"name": '"@home" Ltd', "external_id": "a-1", "csm": former, **own}
        made = services.customer_create(organization=organization, by="ada", values=values)
        field_update(field=kind, by="ada", options=["New"])
        member_archive(former)
    rows = table(main, "/customers/export?columns=csm,customfieldPlan,customfieldRate,customfieldNote")
    assert rows[0] == ["Name", "Your ID", "CSM", "customfieldPlan", "Rate", "Note"]
    assert rows[1] == ['\'"@home" Ltd', "a-1", "former@acme.test", "Old", "0.00001", "''=1+1"]
    text = io.StringIO()
    new = [["New", "a-2", "former@acme.test", "", "", ""], ["Newer", "a-3", "", "Old", "", ""]]
    csv.writer(text).writerows([*rows, *new])
    with organization_scope(organization):
        file = service.upload(
            organization=organization, by="ada", target="customer", filename="a.csv", data=text.getvalue().encode()
        )
        service.check(file)
        # New customers get neither the option that is gone nor the CSM who left.
        assert (file.created_count, file.updated_count, file.unchanged_count, file.failed_count) == (0, 0, 1, 2)
        service.start(file)
        jobs.run_inline()
        before = made.updated_at
        made.refresh_from_db()
        assert (made.name, made.updated_at, made.csm_id) == ('"@home" Ltd', before, former.pk)
        assert (made.plan, made.custom) == ("", own)


def test_users_tickets_and_skips(
    main: Client, hub: Hub, signed_in: Callable[[Member], Client], administrator: Member, lite: Member
) -> None:
    acorn = hub.customer("Acorn", external_id="a-1")
    hub.user(acorn, name="Ada", email="ada@acorn.test", is_stakeholder=True)
    hub.user(acorn, name="Bob", email="bob@acorn.test")
    hub.user(None, name="Nobody", email="n@x.test")
    hub.ticket(acorn, days=10, title="=cmd")
    hub.ticket(acorn, days=1, title="Young")
    with organization_scope(hub.organization):
        Skip.objects.create(
            organization=hub.organization, workspace="ws", external_id="9", contact_ref="c9", reason="no_user"
        )
    everyone = table(main, "/users/export")
    assert [row[0] for row in everyone[1:]] == ["Ada", "Bob", "Nobody"]
    assert everyone[1][1:8] == ["ada@acorn.test", "", "", "a-1", "Acorn", "yes", "no"]
    assert [row[0] for row in table(main, f"/users/export?customer={acorn.pk}&view=stakeholders")[1:]] == ["Ada"]
    assert [row[0] for row in table(main, "/users/export?unassigned=1")[1:]] == ["Nobody"]
    assert [row[1] for row in table(signed_in(lite), "/tickets/export?show=overdue")[1:]] == ["'=cmd"]
    assert len(table(main, f"/tickets/export?customer={acorn.pk}")) == 3
    assert main.get("/apps/intercom/skips/export").status_code == 403
    assert table(signed_in(administrator), "/apps/intercom/skips/export?reason=no_user")[1][0] == "9"


def test_another_organizations_rows_are_in_no_export(
    hub: Hub, other_hub: Hub, signed_in: Callable[[Member], Client], outsider: Member
) -> None:
    acorn = hub.customer("Acorn")
    hub.user(acorn, name="Ada")
    hub.ticket(acorn)
    stranger = signed_in(outsider)
    for address in ("/customers/export", "/users/export", "/tickets/export", "/apps/intercom/skips/export"):
        assert len(table(stranger, address)) == 1, address
    for address in (f"/users/export?customer={acorn.pk}", f"/tickets/export?customer={acorn.pk}"):
        assert stranger.get(address).status_code == 404, address
