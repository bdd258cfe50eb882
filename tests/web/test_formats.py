"""Numbers, money, durations and times as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from startdeliver.web import formats

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (43000, "11 h"),
        (86400, "1 d"),
        (187200, "2 d 4 h"),
        (90000000, "1,041 d"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=44), "44 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=23), "1 day ago"),
        (timedelta(days=12), "12 days ago"),
        (timedelta(days=60), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(days=-3), "in 3 days"),
    ],
)
def test_ago(before: timedelta, text: str) -> None:
    assert formats.ago(NOW - before, NOW) == text


def test_exact_names_the_zone() -> None:
    assert formats.exact(NOW, "Europe/Stockholm") == "Mon 2 Nov 2026, 13:00 CET"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("48000.00"), "EUR", "€48,000"),
        (Decimal("48000.50"), "usd", "$48,000.50"),
        (Decimal("12"), "SEK", "SEK\u00a012"),
        (Decimal("-3"), "EUR", "−€3"),
        (None, "EUR", "–"),
    ],
)
def test_money(amount: Decimal | None, currency: str, text: str) -> None:
    assert formats.money(amount, currency) == text


@pytest.mark.parametrize(
    ("days", "text"), [(0, "today"), (1, "in 1 day"), (30, "in 30 days"), (-90, "3 months ago"), (400, "in 13 months")]
)
def test_days_away(days: int, text: str) -> None:
    today = date(2026, 11, 2)
    assert formats.days_away(today + timedelta(days=days), today) == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lovelace", "AL"), ("ada@x.test", "A"), ("ada.love@x.test", "AL"), ("(?)", "?"), ("", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert formats.initials(name) == letters


def test_plural() -> None:
    assert [formats.plural(count, "ticket") for count in (0, 1, 1234)] == ["0 tickets", "1 ticket", "1,234 tickets"]
    assert formats.plural(2, "person", "people") == "2 people"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("startdeliver_last_login_at", 1793635355, "2 Nov 2026, 16:02 UTC"),
        ("live_since_at", 1793577600, "2 Nov 2026"),
        ("seats", 1793635355, None),
        ("looked_at", 12, None),
        ("looked_at", True, None),
        ("looked_at", "1793635355", None),
        ("looked_at", None, None),
        ("looked_at", 10**15, None),
    ],
)
def test_a_date_in_intercom_is_told_by_its_name(name: str, value: object, text: str | None) -> None:
    found = formats.intercom_date(value) if formats.is_intercom_date(name, value) else None  # type: ignore[arg-type]
    assert found == text
