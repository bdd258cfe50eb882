"""Files of customers and users: checked without a trace, imported once, matched again."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.customers import services
from startdeliver.customers.fields import field_create
from startdeliver.customers.imports import service
from startdeliver.customers.imports.csvfile import BadFile
from startdeliver.customers.models import CsvImport, CsvProblem, Customer, CustomerUser, CustomerValue
from startdeliver.engine import jobs
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope

BY = "ada@acme.test"


def upload(organization: Organization, target: str, *lines: str, **options: str) -> CsvImport:
    text = "\r\n".join(lines) + "\r\n"
    file = service.upload(organization=organization, by=BY, target=target, filename="people.csv", data=text.encode())
    if options:
        service.set_mapping(file=file, mapping=file.mapping, options={**file.options, **options})
    return file


def load(organization: Organization, target: str, *lines: str, **options: str) -> CsvImport:
    """Checks and imports the lines, and holds the check to what the import does."""
    file = service.check(upload(organization, target, *lines, **options))
    said = counts(file)
    problems = list(service.report(file))
    service.start(file)
    jobs.run_inline()
    file.refresh_from_db()
    assert file.status == CsvImport.Status.DONE, file.error
    assert counts(file) == said
    assert list(service.report(file)) == problems
    return file


def counts(file: CsvImport) -> tuple[int, int, int, int]:
    return file.created_count, file.updated_count, file.unchanged_count, file.failed_count


def sentences(file: CsvImport) -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.sentence) for one in CsvProblem.objects.filter(csv_import=file).order_by("pk")]


def test_customers_come_in_with_every_field(scoped: Organization, csm: Member, frozen_now: datetime) -> None:
    for name, more in (("Segment", {"type": "dropdown", "options": ["Small", "Large"]}), ("Seats", {"type": "number"})):
        field_create(organization=scoped, by=BY, entity="customer", name=name, **more)
    file = load(
        scoped,
        "customer",
        "Company;Customer ID;Owner;ARR;Renewal date;Website;Employees;segment;customfieldSeats;Comment",
        "Acorn;a-1;main@acme.test;48.000,50 €;31.03.2027;acorn.test;250;large;12,5;hello",
        'Öl & Söhne;a-2;;;;;;;;"quoted; text"',
    )
    assert counts(file) == (2, 0, 0, 0)
    acorn = Customer.objects.get(external_id="a-1")
    assert (acorn.name, acorn.csm, acorn.arr, acorn.size) == ("Acorn", csm, Decimal("48000.50"), 250)
    assert (acorn.renewal_date, acorn.website) == (date(2027, 3, 31), "https://acorn.test")
    assert acorn.custom == {"customfieldSegment": "Large", "customfieldSeats": 12.5}
    assert set(CustomerValue.objects.values_list("text", "number")) == {("Large", None), (None, 12.5)}
    source = {"source": "csv", "at": frozen_now.isoformat(), "by": BY}
    assert acorn.field_sources["arr"] == acorn.field_sources["customfieldSeats"] == source
    assert acorn.updated_by == BY
    assert Customer.objects.get(external_id="a-2").field_sources.keys() == {"name", "external_id"}


def test_a_file_imported_again_changes_only_what_differs(scoped: Organization) -> None:
    lines = ["name,id,plan", "Acorn,a-1,Pro", "Birch,a-2,Pro", "Cedar,,Pro"]
    load(scoped, "customer", *lines)
    before = dict(Customer.objects.values_list("name", "updated_at"))
    assert counts(load(scoped, "customer", *lines)) == (0, 0, 3, 0)
    assert dict(Customer.objects.values_list("name", "updated_at")) == before
    again = load(scoped, "customer", "name,id,plan", "Acorn Ltd,a-1,", "Birch,a-2,Free", "Cedar,a-3,Pro", "Dill,a-4,")
    assert counts(again) == (1, 3, 0, 0)
    rows = Customer.objects.order_by("external_id").values_list("external_id", "name", "plan")
    # An empty cell leaves what is there; a customer that was matched by its name now has its ID.
    assert list(rows) == [
        ("a-1", "Acorn Ltd", "Pro"),
        ("a-2", "Birch", "Free"),
        ("a-3", "Cedar", "Pro"),
        ("a-4", "Dill", ""),
    ]


def test_what_another_id_has_is_never_taken_by_its_name_and_two_of_a_name_are_refused(scoped: Organization) -> None:
    load(scoped, "customer", "name,id", "Acorn,a-1", "Acorn,a-2")
    assert Customer.objects.count() == 2
    file = load(scoped, "customer", "name,id,plan", "Acorn,a-3,Pro", "Acorn,,Pro")
    assert counts(file) == (1, 0, 0, 1)
    assert "Several customers have this name" in sentences(file)[0][2]


def test_a_record_that_occurs_twice_in_a_file_is_made_once(scoped: Organization) -> None:
    file = load(scoped, "customer", "name,id,plan", "Acorn,a-1,Pro", "Acorn,a-1,Free", "Acorn,a-1,Free")
    assert counts(file) == (1, 1, 1, 0)
    assert Customer.objects.get().plan == "Free"


def test_users_find_their_customers_and_themselves(scoped: Organization) -> None:
    load(scoped, "customer", "name,id", "Acorn,a-1", "Birch,a-2", "Twin,t-1", "Twin,t-2")
    file = load(
        scoped,
        "user",
        "First name,Last name,E-mail,User ID,Company ID,Company,Stakeholder",
        "Ada,Lovelace,Ada@Acorn.test,u-1,a-1,,yes",
        "Bob,,bob@birch.test,,,Birch,no",
        "Cy,,cy@x.test,,a-9,,",
        "Di,,di@x.test,,,Twin,",
        "Ed,,not an address,,,,perhaps",
        ",,,,a-1,,",
    )
    assert counts(file) == (2, 0, 0, 4)
    found = sentences(file)
    assert [row[:2] for row in found] == [
        (4, "Company ID"),
        (5, "Company"),
        (6, "E-mail"),
        (6, "Stakeholder"),
        (7, "E-mail"),
    ]
    ada = CustomerUser.objects.get(external_id="u-1")
    assert (ada.name, ada.email, ada.email_key, ada.customer.name if ada.customer else "", ada.is_stakeholder) == (
        ("Ada Lovelace", "Ada@Acorn.test", "ada@acorn.test", "Acorn", True)
    )
    # By e-mail without regard to case; somebody with another ID is somebody else.
    again = load(
        scoped,
        "user",
        "email,user id,phone,company id",
        "ADA@ACORN.TEST,,1,",
        "bob@birch.test,u-2,2,a-1",
        "ada@acorn.test,u-9,3,",
    )
    assert counts(again) == (1, 2, 0, 0)
    rows = CustomerUser.objects.order_by("pk").values_list("external_id", "email_key", "phone", "customer__name")
    assert list(rows) == [
        ("u-1", "ada@acorn.test", "1", "Acorn"),
        ("u-2", "bob@birch.test", "2", "Acorn"),
        ("u-9", "ada@acorn.test", "3", None),
    ]
    several = load(scoped, "user", "email,phone", "ada@acorn.test,4")
    assert "Several users have this e-mail address" in sentences(several)[0][2]


def test_the_check_writes_nothing_but_its_report(scoped: Organization) -> None:
    file = service.check(upload(scoped, "customer", "name,id,arr", "Acorn,a-1,5", "Birch,a-2,much"))
    assert counts(file) == (1, 0, 0, 1)
    assert not Customer.objects.exists()
    assert list(service.report(file)) == [
        ["Row", "Column", "Value", "Problem"],
        ["3", "arr", "much", "“much” is no number. Use one such as 1234.50."],
    ]
    # Checking again counts again.
    assert counts(service.check(file)) == (1, 0, 0, 1)
    assert CsvProblem.objects.count() == 1


def test_an_unclear_date_asks_for_its_order(scoped: Organization) -> None:
    file = upload(scoped, "customer", "name,renewal", "Acorn,11/02/2026")
    assert service.day_order(file) == "ask"
    assert "day or the month" in sentences(service.check(file))[0][2]
    load(scoped, "customer", "name,renewal", "Acorn,11/02/2026", day_order="dmy")
    assert Customer.objects.get().renewal_date == date(2026, 2, 11)


def test_a_row_that_lacks_what_must_be_there_is_named(scoped: Organization, other_organization: Organization) -> None:
    field_create(organization=scoped, by=BY, entity="customer", name="Owner", type="text", required=True)
    with organization_scope(other_organization):
        Member.objects.create(organization=other_organization, email="x@elsewhere.test")
    file = load(
        scoped, "customer", "name,id,csm,Owner", ",a-1,,Ada", "Birch,,,", "Cedar,,x@elsewhere.test,Ada", "Dill,,,Ada"
    )
    assert counts(file) == (1, 0, 0, 3)
    assert [row[:2] for row in sentences(file)] == [(2, "name"), (3, "Owner"), (4, "csm")]


@pytest.mark.parametrize(
    ("mapping", "word"),
    [
        ({"0": "plan"}, "Name or Your ID"),
        ({"0": "name", "1": "name"}, "Two columns"),
        ({"0": "name", "7": "plan"}, "Column 7"),
        ({"0": "name", "1": "updated_by"}, "Column 1"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(scoped: Organization, mapping: dict[str, str], word: str) -> None:
    file = upload(scoped, "customer", "a,b", "1,2")
    with pytest.raises(BadFile, match=word):
        service.set_mapping(file=file, mapping=mapping, options={})


def test_an_import_is_started_once_and_only_after_its_check(scoped: Organization) -> None:
    file = upload(scoped, "customer", "name", "Acorn")
    with pytest.raises(BadFile, match="not checked"):
        service.start(file)
    service.start(service.check(file))
    for act in (service.start, service.check, service.discard):
        with pytest.raises(BadFile):
            act(file)
    jobs.run_inline()
    file.refresh_from_db()
    # Afterwards the file itself is not kept.
    assert (file.status, bytes(file.content)) == (CsvImport.Status.DONE, b"")


def test_an_import_that_died_goes_on_behind_what_it_committed(
    scoped: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 2)
    file = service.check(upload(scoped, "customer", "name,id", *(f"C{n},c-{n}" for n in range(7))))
    service.start(file)
    (waiting,) = jobs.select(jobs.LIVE)
    job = jobs.claim_here(waiting.id)
    assert job is not None
    context = jobs.Context(job)
    shown: list[dict[str, Any]] = []

    def progress(**facts: Any) -> None:
        shown.append(facts)
        if len(shown) == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(context, "progress", progress)
    with pytest.raises(RuntimeError):
        service.run(context)
    assert Customer.objects.count() == 4
    jobs.store().settle(job, jobs.Outcome(jobs.Status.WAITING, "killed", failures=1))
    jobs.run_inline()
    file.refresh_from_db()
    assert (file.status, *counts(file)) == (CsvImport.Status.DONE, 7, 0, 0, 0)
    assert Customer.objects.count() == 7
    assert shown[0] == {"done": 2, "rows": 7}


def test_imports_reach_no_other_organization(scoped: Organization, other_organization: Organization) -> None:
    with organization_scope(other_organization):
        theirs = services.customer_create(
            organization=other_organization, by="x", values={"name": "Acorn", "external_id": "a-1", "plan": "Secret"}
        )
        services.user_create(
            organization=other_organization, by="x", values={"email": "ada@acorn.test", "customer": theirs}
        )
    assert counts(load(scoped, "customer", "name,id,plan", "Acorn,a-1,Pro")) == (1, 0, 0, 0)
    assert counts(load(scoped, "user", "email,company id", "ada@acorn.test,a-1"))[0] == 1
    with organization_scope(other_organization):
        assert Customer.objects.get().plan == "Secret"
        assert CustomerUser.objects.get().customer_id == theirs.pk
        assert not CsvImport.objects.exists()
