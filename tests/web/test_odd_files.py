"""Files as people really have them, through the pages of the import: each is imported, or refused with a sentence."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from startdeliver.customers.imports import csvfile
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

HEAD = "Name,ID\n"

#: What the page says of a file that it does not take.
REFUSED = [
    ("empty", b"", "empty"),
    ("blank lines", b"\n\n\r\n  \n", "empty"),
    ("a mark and nothing else", b"\xef\xbb\xbf", "empty"),
    ("heads only", b"Name,ID\n", "no row below"),
    ("heads and empty rows", b"Name,ID\n,\n , \n", "no row below"),
    ("a NUL byte", b"Name,ID\nAc\x00orn,a-1\n", "no text file"),
    ("UTF-16 without a mark", "Name,ID\nAcorn,a-1\n".encode("utf-16-le"), "no text file"),
    ("UTF-16 that is cut off", "Name,ID\nAcorn,a-1\n".encode("utf-16") + b"\x00", "damaged"),
    ("UTF-8 that is damaged behind its mark", b"\xef\xbb\xbfName,ID\nAc\xff,a\n", "damaged"),
    ("an Excel workbook", b"PK\x03\x04" + b"x" * 100, "Excel"),
    ("a picture", b"\x89PNG\r\n\x1a\n\x00\x00", "no text file"),
    ("301 columns", (",".join(f"c{n}" for n in range(301)) + "\n" + "x," * 300 + "x\n").encode(), "columns"),
    ("one cell that is never closed", b'Name,ID\n"' + b"a" * 140_000, "quotation mark"),
]

#: Files that are taken, and the (name, ID) of the customers that come of them with the two columns chosen.
TAKEN = [
    ("plain", b"Name,ID\nAcorn,a-1\n", [("Acorn", "a-1")]),
    ("Windows line ends and a mark", b"\xef\xbb\xbfName;ID\r\nAcorn;a-1\r\n", [("Acorn", "a-1")]),
    ("old Macintosh line ends", b"Name,ID\rAcorn,a-1\rBirch,b-1\r", [("Acorn", "a-1"), ("Birch", "b-1")]),
    ("tabs", b"Name\tID\nAcorn, Inc\ta-1\n", [("Acorn, Inc", "a-1")]),
    ("UTF-16", "Name\tID\nÖdön\ta-1\n".encode("utf-16"), [("Ödön", "a-1")]),
    ("Windows-1252", "Name;ID\nMüller – Söhne;a-1\n".encode("cp1252"), [("Müller – Söhne", "a-1")]),
    ("a line break and quotation marks in a cell", b'Name,ID\n"Ac\n""o""rn",a-1\n', [('Ac "o"rn', "a-1")]),
    ("a quotation mark in the middle", b'Name,ID\nAc"orn,a-1\n', [('Ac"orn', "a-1")]),
    ("the same head twice", b"Name,ID,Name\nAcorn,a-1,Other\n", [("Acorn", "a-1")]),
    ("heads without names", b",\nAcorn,a-1\n", [("Acorn", "a-1")]),
    ("200 columns", (HEAD.strip() + ",x" * 198 + "\nAcorn,a-1" + ",y" * 198 + "\n").encode(), [("Acorn", "a-1")]),
    ("short and long rows", b"Name,ID\nAcorn\nBirch,b-1,more,and more\n", [("Acorn", None), ("Birch", "b-1")]),
    ("formulas", b"Name,ID\n=1+1,@x\n-2,+3\n", [("-2", "+3"), ("=1+1", "@x")]),
    ("formulas as our exports write them", b"Name,ID\n'=1+1,'@x\n", [("=1+1", "@x")]),
    ("markup", b"Name,ID\n<script>alert(1)</script>,a-1\n", [("<script>alert(1)</script>", "a-1")]),
    ("the same row twice", b"Name,ID\nAcorn,a-1\nAcorn,a-1\n", [("Acorn", "a-1")]),
    ("a name that is too long", b"Name,ID\n" + b"n" * 300 + b",a-1\nBirch,b-1\n", [("Birch", "b-1")]),
    ("an odd space", "Name,ID\n\u00a0Acorn\u200b,a-1\n".encode(), [("Acorn\u200b", "a-1")]),
    ("Excel's line", b"sep=;\nName;ID\nAcorn;a-1\n", [("Acorn", "a-1")]),
]


def send(client: Client, data: bytes, name: str = "odd.csv") -> tuple[int, str, str]:
    file = SimpleUploadedFile(name, data, "text/csv")
    answer = client.post("/customers/import", {"target": "customer", "file": file})
    return answer.status_code, answer.headers.get("Location", ""), answer.content.decode()


@pytest.mark.parametrize(("data", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_not_taken_is_refused_with_a_sentence(main: Client, data: bytes, sentence: str) -> None:
    status, _, page = send(main, data)
    assert status == 422
    notice = page[page.index('role="alert"') :][:800]
    assert sentence in notice


@pytest.mark.parametrize(("data", "made"), [row[1:] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_what_is_taken_goes_all_the_way(
    main: Client, organization: Organization, data: bytes, made: list[tuple[str, str | None]]
) -> None:
    status, address, _ = send(main, data)
    assert status == 302
    assert main.get(address).status_code == 200
    sent = {"column-0": "name", "column-1": "external_id", "decimal": "."}
    assert main.post(address, sent).status_code == 302
    page = main.get(address).content.decode()
    assert "What would happen" in page
    assert "<script>alert" not in page
    assert main.post(f"{address}/start").status_code == 302
    jobs.run_inline()
    assert "Imported:" in main.get(address).content.decode()
    with organization_scope(organization):
        assert sorted(Customer.objects.values_list("name", "external_id"), key=str) == sorted(made, key=str)
    report = b"".join(main.get(f"{address}/report").streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(report.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["Row", "Column", "Value", "Problem"]


def test_a_file_that_is_too_large_is_not_even_read(main: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "read", lambda data: pytest.fail("it was read"))
    status, _, page = send(main, b"Name,ID\n" + b"x" * csvfile.MOST_BYTES)
    assert (status, "larger than 30 MB" in page) == (422, True)


@pytest.mark.parametrize("name", ["a" * 300 + ".csv", "../../etc/passwd", '<b>"x".csv', "n\u0000ul.csv", "é\n.csv"])
def test_a_files_name_does_no_harm(main: Client, name: str) -> None:
    status, address, _ = send(main, b"Name,ID\nAcorn,a-1\n", name)
    assert status == 302
    main.post(address, {"column-0": "name", "column-1": "external_id", "decimal": "."})
    page = main.get(address).content.decode() + main.get("/customers/import").content.decode()
    assert "<b>" not in page
    answer = main.get(f"{address}/report")
    assert answer.status_code == 200
    assert "\n" not in answer["Content-Disposition"]


def test_a_form_that_fits_no_file_is_refused(main: Client) -> None:
    _, address, _ = send(main, b"Name,ID\nAcorn,a-1\n")
    for sent in (
        {},
        {"column-0": "made-up"},
        {"column-0": "name", "column-1": "name"},
        {"column-0": "domain"},
    ):
        answer = main.post(address, sent)
        assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (422, True), sent
    for options in ({"decimal": "x" * 500}, {"day_order": "\x00"}, {"match_on": "no"}):
        assert main.post(address, {"column-0": "name", **options}).status_code == 302, options
        assert main.get(address).status_code == 200
