"""What is a change and what is not; values in Intercom's form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from startdeliver.sync.push import sources
from startdeliver.sync.push.plan import CHANGED, FOUND, SAME, compare, outward, same


def known(value: Any, answered: Any = ...) -> dict[str, Any]:
    return {"v": value, "at": 1} if answered is ... else {"v": value, "at": 1, "a": answered}


@pytest.mark.parametrize(
    ("value", "confirmed", "there", "keep", "expected"),
    [
        ("Good", None, None, False, CHANGED),
        ("Good", None, "Good", False, FOUND),
        (None, None, None, False, SAME),
        (None, None, "", False, SAME),
        (None, None, "Good", False, CHANGED),
        ("Good", known("Good"), "Good", False, SAME),
        ("Good", known("Poor"), "Poor", False, CHANGED),
        (None, known("Poor"), "Poor", False, CHANGED),
        (None, known(None), None, True, SAME),
        # Somebody changed it by hand: left alone, unless Intercom is kept in line.
        ("Good", known("Good"), "Poor", False, SAME),
        ("Good", known("Good"), "Poor", True, CHANGED),
        ("Good", known("Good"), None, True, CHANGED),
        # Intercom made another value of what was sent: that is no change by hand.
        ("good ", known("good ", "good"), "good", True, SAME),
        ("good ", known("good ", "good"), "bad", True, CHANGED),
        # 1 and true are two values, 12 and 12.0 one.
        (True, known(1), 1, False, CHANGED),
        (12, known(12.0), 12.0, True, SAME),
        (0, None, None, False, CHANGED),
        (False, None, None, False, CHANGED),
    ],
)
def test_compare(value: Any, confirmed: dict[str, Any] | None, there: Any, keep: bool, expected: str) -> None:
    assert compare(value, confirmed, there, keep=keep) == expected


def test_no_value_in_any_form_is_one() -> None:
    assert same(None, "")
    assert not same(None, 0)
    assert not same("", False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("monthly_spend", "99.90", 99),
        ("monthly_spend", 2**40, None),
        ("size", 0, 0),
        ("size", "many", None),
        ("name", "x" * 300, "x" * 254 + "…"),
        ("plan", "", None),
    ],
)
def test_core_fields_as_intercom_takes_them(name: str, value: Any, expected: Any) -> None:
    assert outward(name, value) == expected


def test_forms_of_values() -> None:
    assert sources.text("  ") is None
    assert len(str(sources.text("ä" * 400))) == 255
    assert sources.number("12.0") == 12
    assert isinstance(sources.number("12.0"), int)
    assert sources.number("12.5") == 12.5
    assert sources.number("x") is None
    assert [sources.flag(one) for one in (1, 0, "true", "false", True, False)] == [True, False] * 3
    assert sources.day("2027-03-31") == int(datetime(2027, 3, 31, tzinfo=UTC).timestamp())
    assert sources.day("soon") is None


def test_an_alias_cannot_carry_sql() -> None:
    with pytest.raises(ValueError):
        sources.json_value("c.custom", "x' OR '1'='1")
