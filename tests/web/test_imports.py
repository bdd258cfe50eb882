"""Customers → Import in the browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from startdeliver.customers.imports import csvfile, service
from startdeliver.customers.models import CsvImport, Customer
from startdeliver.engine import jobs
from startdeliver.support.models import SupportHealth
from startdeliver.sync import pipeline
from startdeliver.tenancy.models import ApiKey, Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.api.jsclient import Js
from tests.web.conftest import Hub

TABLE = "Company,ID,ARR,Note\nAcorn,a-1,5,=1+1\nBirch,a-2,=much,x\n"


def send(client: Client, text: str = TABLE, target: str = "customer", name: str = "mine.csv") -> str:
    """Uploads a file and gives the address that follows."""
    answer = client.post(
        "/customers/import", {"target": target, "file": SimpleUploadedFile(name, text.encode(), "text/csv")}
    )
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def mapped(**columns: str) -> dict[str, str]:
    return {f"column-{place.removeprefix('c')}": key for place, key in columns.items()} | {"decimal": "."}


MAPPING = mapped(c0="name", c1="external_id", c2="arr", c3="")


def test_a_file_goes_in_step_by_step(main: Client, organization: Organization) -> None:
    address = send(main)
    page = main.get(address).content.decode()
    # The guess is chosen, and each column shows its first values.
    assert '<option value="external_id" selected>' in page
    assert "a-1 · a-2" in page
    assert "What would happen" not in page
    main.post(address, MAPPING)
    page = main.get(address).content.decode()
    assert "What would happen" in page
    assert "is no number" in page
    assert "Import 1 row<" in page
    with organization_scope(organization):
        assert not Customer.objects.exists()
    assert main.post(f"{address}/start")["Location"] == address
    page = main.get(f"{address}/progress", headers={"HX-Request": "true"})
    assert "Waiting for a worker" in page.content.decode()
    jobs.run_inline()
    assert main.get(f"{address}/progress", headers={"HX-Request": "true"})["HX-Redirect"] == address
    page = main.get(address).content.decode()
    assert "Imported: 1 new, 0 changed, 0 unchanged; 1 row not imported." in page
    with organization_scope(organization):
        made = Customer.objects.get()
    assert (made.name, made.updated_by) == ("Acorn", "main@acme.test")
    answer = main.get(f"{address}/report")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    # Somebody opens the report in a spreadsheet: it must not calculate.
    assert rows[1][:3] == ["3", "ARR", "'=much"]
    assert "mine.csv" in main.get("/customers/import").content.decode()


def test_a_long_file_is_checked_in_the_background(main: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHECKED_AT_ONCE", 1)
    address = send(main)
    main.post(address, MAPPING)
    assert "every 1s" in main.get(address).content.decode()
    assert main.post(f"{address}/start").status_code == 302
    jobs.run_inline()
    assert main.get(f"{address}/progress")["HX-Redirect"] == address
    assert "What would happen" in main.get(address).content.decode()


def test_refusals_say_why(main: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = main.post("/customers/import", {"target": "customer"})
    assert (empty.status_code, "No file was chosen" in empty.content.decode()) == (422, True)
    excel = SimpleUploadedFile("a.xlsx", b"PK\x03\x04rest")
    assert "Excel" in main.post("/customers/import", {"target": "customer", "file": excel}).content.decode()
    odd = SimpleUploadedFile("a.csv", TABLE.encode())
    assert main.post("/customers/import", {"target": "ticket", "file": odd}).status_code == 422
    address = send(main)
    answer = main.post(address, mapped(c0="plan", c1="plan"))
    assert (answer.status_code, "Two columns" in answer.content.decode()) == (422, True)
    monkeypatch.setattr(csvfile, "MOST_BYTES", 10)
    large = SimpleUploadedFile("a.csv", TABLE.encode())
    assert "larger than" in main.post("/customers/import", {"target": "customer", "file": large}).content.decode()


def test_a_file_can_be_discarded_until_it_is_imported(main: Client, organization: Organization) -> None:
    address = send(main)
    main.post(f"{address}/discard")
    assert main.get(address).status_code == 404
    address = send(main)
    main.post(address, MAPPING)
    main.post(f"{address}/start")
    main.post(f"{address}/discard")
    assert main.get(address).status_code == 200


def test_lite_members_and_other_organizations_are_kept_out(
    main: Client, signed_in: Callable[[Member], Client], lite: Member, outsider: Member, organization: Organization
) -> None:
    address = send(main)
    main.post(address, MAPPING)
    reader, stranger = signed_in(lite), signed_in(outsider)
    for path in ("/customers/import", address, f"{address}/progress", f"{address}/report"):
        assert reader.get(path).status_code == 403, path
    for path in (address, f"{address}/start", f"{address}/discard"):
        assert reader.post(path, MAPPING).status_code == 403, path
        assert stranger.post(path, MAPPING).status_code == 404, path
    for path in (address, f"{address}/progress", f"{address}/report"):
        assert stranger.get(path).status_code == 404, path
    assert "mine.csv" not in stranger.get("/customers/import").content.decode()
    with organization_scope(organization):
        assert CsvImport.objects.get().status == CsvImport.Status.CHECKED


@pytest.mark.parametrize("way", ["import", "api"])
def test_tickets_without_a_customer_follow_their_user(
    main: Client, hub: Hub, organization: Organization, way: str
) -> None:
    acorn = hub.customer("Acorn", external_id="a-1")
    ada, bob = hub.user(None, name="Ada", email="ada@x.test"), hub.user(None, name="Bob", email="bob@x.test")
    waiting, other = hub.ticket(None, user=ada, days=30), hub.ticket(None, user=bob)
    kept = hub.ticket(hub.customer("Birch"), user=ada)
    if way == "import":
        address = send(main, "E-mail,Customer ID\nada@x.test,a-1\n", target="user")
        main.post(address, mapped(c0="email", c1="customer_external_id"))
        main.post(f"{address}/start")
        jobs.run_inline()
        assert "Imported: 0 new, 1 changed" in main.get(address).content.decode()
    else:
        with organization_scope(organization):
            _, key = ApiKey.issue(organization, "program")
        Js(key).call("PATCH", f"user/{ada.pk}", {"customerId": acorn.pk})
    pipeline.run(organization)
    with organization_scope(organization):
        for one in (waiting, other, kept):
            one.refresh_from_db()
        assert (waiting.customer_id, other.customer_id, kept.customer.name) == (acorn.pk, None, "Birch")
        # Its support health is right too, without a sync.
        found = SupportHealth.objects.get(customer=acorn)
        assert (found.status, found.overdue_count) == ("fair", 1)
