"""What may stand in each field: what is accepted as it is meant, and what is refused in one sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers import values
from startdeliver.customers.values import FieldError
from startdeliver.tenancy.models import Organization

NOBODY = Organization()
money = values.amount(16)


@pytest.mark.parametrize(
    ("cleaner", "given", "kept"),
    [
        (values.text(10), "  a \n b ", "a b"),
        (values.text(10), None, ""),
        (values.text(10), 42, "42"),
        (values.identifier, "", None),
        (values.identifier, " x ", "x"),
        (values.domain, "https://www.Acme.com/about?x=1", "acme.com"),
        (values.domain, "ada@acme.co.uk", "acme.co.uk"),
        (values.domain, "ACME.com.", "acme.com"),
        (values.domain, "bücher.example", "xn--bcher-kva.example"),
        (values.domain, "", ""),
        (values.website, "acme.com", "https://acme.com"),
        (values.website, "http://acme.com/x", "http://acme.com/x"),
        (values.email, " Ada@Acme.com ", "Ada@Acme.com"),
        (values.email, None, ""),
        (values.whole_number, "1,250", 1250),
        (values.whole_number, 0, 0),
        (values.whole_number, "", None),
        (money, "48,000.50", Decimal("48000.50")),
        (money, "1 200 000", Decimal(1200000)),
        (money, 12.5, Decimal("12.5")),
        (money, 0, Decimal(0)),
        (money, None, None),
        (values.day, "2027-03-31", date(2027, 3, 31)),
        (values.day, "2027-03-31T10:00:00Z", date(2027, 3, 31)),
        (values.day, datetime(2027, 3, 31, tzinfo=UTC), date(2027, 3, 31)),
        (values.day, "", None),
        (values.moment, "2027-03-31T12:00:00+02:00", datetime(2027, 3, 31, 10, tzinfo=UTC)),
        (values.moment, "2027-03-31T12:00", datetime(2027, 3, 31, 12, tzinfo=UTC)),
        (values.moment, False, None),
        (values.flag, "on", True),
        (values.flag, None, False),
        (values.flag, True, True),
    ],
)
def test_accepted(cleaner: Any, given: Any, kept: Any) -> None:
    assert cleaner(NOBODY, "field", given) == kept


@pytest.mark.parametrize(
    ("cleaner", "given", "part"),
    [
        (values.text(3), "four", "at most 3 characters"),
        (values.text(9), ["a"], "Enter text"),
        (values.text(9), {"a": 1}, "Enter text"),
        (values.text(9), "a\x00b", "cannot be shown"),
        (values.required_text("Enter a name.", 9), "  ", "Enter a name."),
        (values.domain, "acme", "such as acme.com"),
        (values.domain, "a b.com", "such as acme.com"),
        (values.domain, "http://[", "such as acme.com"),
        (values.domain, "-a.com", "such as acme.com"),
        (values.website, "javascript:alert(1)", "web address"),
        (values.website, "ftp://acme.com", "web address"),
        (values.website, "https://[", "web address"),
        (values.email, "ada", "e-mail address"),
        (values.email, "a" * 250 + "@acme.com", "e-mail address"),
        (values.whole_number, "-1", "whole number"),
        (values.whole_number, "1.5", "whole number"),
        (values.whole_number, "3000000000", "whole number"),
        (values.whole_number, True, "whole number"),
        (money, "-1", "amount from 0"),
        (money, "NaN", "amount from 0"),
        (money, "Infinity", "amount from 0"),
        (money, "1.005", "two decimals"),
        (money, "1" * 15, "at most 14 digits"),
        (money, "1e400", "at most 14 digits"),
        (values.day, "31.03.2027", "2027-03-31"),
        (values.day, "2027-02-30", "2027-03-31"),
        (values.day, "0001-01-01", "2027-03-31"),
        (values.moment, "soon", "2027-03-31T12:00:00Z"),
    ],
)
def test_refused(cleaner: Any, given: Any, part: str) -> None:
    with pytest.raises(FieldError) as caught:
        cleaner(NOBODY, "field", given)
    assert part in caught.value.errors["field"]


def test_leaving_is_now_when_it_is_only_ticked(frozen_now: datetime) -> None:
    assert values.moment(NOBODY, "has_left_at", True) == clock.now() == values.moment(NOBODY, "has_left_at", "on")
