"""CSV files as people have them: encodings, separators, quoting, dates and numbers."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from startdeliver.common import spelling
from startdeliver.common.spelling import Spelling
from startdeliver.common.values import Integer, Number
from startdeliver.customers.imports import csvfile
from startdeliver.customers.imports.csvfile import BadFile
from startdeliver.customers.imports.targets import guess, targets
from startdeliver.tenancy.models import Organization

TABLE = 'Name;Größe\r\n"Müller; Söhne";"1.234,50"\r\n\r\nGrün "A";7\r\n'


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TABLE.encode(), "UTF-8"),
        (TABLE.encode("utf-8-sig"), "UTF-8"),
        (TABLE.encode("cp1252"), "Windows-1252"),
        (TABLE.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "UTF-16"),
    ],
)
def test_every_encoding_gives_the_same_table(data: bytes, encoding: str) -> None:
    found = csvfile.read(data)
    assert (found.encoding, found.separator, found.heads, found.row_count) == (encoding, ";", ["Name", "Größe"], 2)
    # The rows are numbered as a spreadsheet numbers them, empty ones included.
    assert list(found.rows()) == [(2, ["Müller; Söhne", "1.234,50"]), (4, ['Grün "A"', "7"])]


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\nx,y\tz;w\n", "\t"),
        ('"a;b",c\n"1;2",3\n', ","),
        ("sep=;\na;b\n1;2\n", ";"),
        ("name\nAcorn\n", ","),
    ],
)
def test_the_separator_is_found(text: str, separator: str) -> None:
    found = csvfile.read(text.encode())
    assert found.separator == separator
    assert len(found.heads) == len(next(found.rows())[1])


def test_a_line_break_inside_quotes_stays_inside_its_cell() -> None:
    assert list(csvfile.read(b'a,b\n"one\ntwo",3\n').rows()) == [(2, ["one\ntwo", "3"])]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"name,plan\n\n", "no row"),
        (b"PK\x03\x04...", "Excel"),
        (b"\x00\x01\x02", "no text"),
        (b"\xff\xfea", "damaged"),
        (b"a" * (csvfile.MOST_BYTES + 1), "larger"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "table"),
    ],
)
def test_what_is_no_table_is_refused_in_words(data: bytes, word: str) -> None:
    with pytest.raises(BadFile, match=word):
        csvfile.read(data)


@pytest.mark.parametrize(
    ("text", "order", "found"),
    [
        ("2026-11-02", "", date(2026, 11, 2)),
        ("2026-11-02T10:00:00Z", "", date(2026, 11, 2)),
        ("2026/11/02", "", date(2026, 11, 2)),
        ("02.11.2026", "", date(2026, 11, 2)),
        ("2.11.26", "mdy", date(2026, 11, 2)),
        ("11/02/2026", "mdy", date(2026, 11, 2)),
        ("02/11/2026", "dmy", date(2026, 11, 2)),
        ("11/02/2026 09:30", "mdy", date(2026, 11, 2)),
        ("13/02/2026", "mdy", date(2026, 2, 13)),
        ("02/13/2026", "dmy", date(2026, 2, 13)),
        ("2 Nov 2026", "", date(2026, 11, 2)),
        ("November 2, 2026", "", date(2026, 11, 2)),
    ],
)
def test_days_in_the_usual_forms(text: str, order: str, found: date) -> None:
    assert Spelling(day_order=order).day(text) == found


@pytest.mark.parametrize("text", ["soon", "31.02.2026", "11/02/2026", "2026-13-01", "02.11.0026", "1/2", ""])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Spelling().day(text)


def test_the_order_of_a_column_is_found_or_asked() -> None:
    assert spelling.order_of(["01/02/2026", "13/02/2026"]) == "dmy"
    assert spelling.order_of(["01/02/2026", "02/13/2026"]) == "mdy"
    assert spelling.order_of(["01/02/2026", "02.11.2026"]) == "ask"
    assert spelling.order_of(["2026-01-02", "02.11.2026", ""]) == ""


@pytest.mark.parametrize(
    ("text", "decimal", "found"),
    [
        ("1234.5", ".", "1234.5"),
        ("1234,5", ".", "1234.5"),
        ("1.234,50", ".", "1234.50"),
        ("1,234.50", ",", "1234.50"),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
        ("1,234", ".", "1234"),
        ("1,234,567", ",", "1234567"),
        ("0,125", ".", "0.125"),
        ("€ 1.200,00", ".", "1200.00"),
        ("48 000 EUR", ".", "48000"),
        ("-3,5", ".", "-3.5"),
        ("75%", ".", "75"),
    ],
)
def test_numbers_with_either_mark(text: str, decimal: str, found: str) -> None:
    assert Spelling(decimal=decimal).number(text) == found


def test_what_is_no_number_is_refused_and_a_column_shows_its_mark() -> None:
    for text in ("many", "1-2", "1.2.3,4,5", "", "NaN"):
        with pytest.raises(ValueError, match="no number"):
            Spelling().number(text)
    assert spelling.decimal_of(["1.234", "5,5"], ",") == ","
    assert spelling.decimal_of(["1.234", "12"], ";") == ","
    assert spelling.decimal_of(["1,234"], ",") == "."


def test_flags_and_moments() -> None:
    assert [spelling.flag(text) for text in ("Yes", "x", "0", "nein")] == [True, True, False, False]
    assert [spelling.flag(text) for text in ("WAHR", "vrai", "FALSCH", "Faux")] == [True, True, False, False]
    with pytest.raises(ValueError, match="neither"):
        spelling.flag("perhaps")
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)
    for text in ("2026-11-02T11:00:00Z", "2026-11-02 12:00", "02.11.2026 12:00", "1793617200", "1793617200000"):
        assert Spelling(zone=berlin).moment(text) == noon, text


@pytest.mark.parametrize("text", ["x" + " " * 200_000 + "x", "1" * 200_000, "1 " * 100_000, "2 Nov " * 50_000])
def test_a_long_cell_is_refused_before_a_pattern_sees_it(text: str) -> None:
    started = time.process_time()
    for read in (Spelling().day, Spelling().number, Spelling().moment, spelling.flag, Number().clean, Integer().clean):
        with pytest.raises(ValueError, match=r"\w"):
            read(text)
    assert spelling.order_of([text]) == spelling.decimal_of([text], ";").strip(",") == ""
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("target", "heads", "keys"),
    [
        (
            "customer",
            "Firma;Kundennummer;Kundenbetreuer;Jahresumsatz;Vertragsende;Domäne;Webseite;Tarif;Branche;Mitarbeiter",
            "name external_id csm arr renewal_date domain website plan industry size",
        ),
        (
            "customer",
            "Société;N° client;Responsable;Revenu annuel;Date d’échéance;Domaine;Site web;Abonnement;Secteur;EFFECTIF",
            "name external_id csm arr renewal_date domain website plan industry size",
        ),
        (
            "user",
            "Vorname;Nachname;E-Mail-Adresse;Benutzer-ID;Kunden-Nr.;Firma;Telefon;Entscheider",
            "first_name last_name email external_id customer_external_id customer_name phone is_stakeholder",
        ),
        (
            "user",
            "Prénom;Nom;Adresse e-mail;Identifiant;Numéro client;Entreprise;Téléphone;Décideur",
            "first_name last_name email external_id customer_external_id customer_name phone is_stakeholder",
        ),
        ("usage", "Benutzer;Ereignis;Zeitpunkt;Anzahl", "userId usageType timestamp quantity"),
        ("usage", "Utilisateur;Événement;Horodatage;Quantité", "userId usageType timestamp quantity"),
    ],
)
def test_heads_are_guessed_in_german_and_french(scoped: Organization, target: str, heads: str, keys: str) -> None:
    guessed = guess(heads.split(";"), targets()[target].columns())
    assert " ".join(guessed[str(place)] for place in range(len(guessed))) == keys
