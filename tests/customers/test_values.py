"""What may stand in each field: what is accepted as it is meant, and what is refused in one sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.common.values import BadValue, Checkbox, Day, Email, Integer, Text
from startdeliver.customers.values import CUSTOMER_FIELDS, Domain, Identifier, MomentOrNow, Website

money = CUSTOMER_FIELDS["arr"]


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (Text(10), "  a \n b ", "a b"),
        (Text(10), None, ""),
        (Text(10), 42, "42"),
        (Identifier(), "", None),
        (Identifier(), " x ", "x"),
        (Domain(), "https://www.Acme.com/about?x=1", "acme.com"),
        (Domain(), "ada@acme.co.uk", "acme.co.uk"),
        (Domain(), "ACME.com.", "acme.com"),
        (Domain(), "bücher.example", "xn--bcher-kva.example"),
        (Domain(), "", ""),
        (Website(), "acme.com", "https://acme.com"),
        (Website(), "http://acme.com/x", "http://acme.com/x"),
        (Email(), " Ada@Acme.com ", "Ada@Acme.com"),
        (Email(), None, ""),
        (Integer(0, 2**31 - 1), "1,250", 1250),
        (Integer(0, 2**31 - 1), 0, 0),
        (Integer(0, 2**31 - 1), "", None),
        (money, "48,000.50", Decimal("48000.50")),
        (money, "1 200 000", Decimal(1200000)),
        (money, 12.5, Decimal("12.5")),
        (money, 0, Decimal(0)),
        (money, None, None),
        (Day(), "2027-03-31", date(2027, 3, 31)),
        (Day(), "2027-03-31T10:00:00Z", date(2027, 3, 31)),
        (Day(), datetime(2027, 3, 31, tzinfo=UTC), date(2027, 3, 31)),
        (Day(), "", None),
        (MomentOrNow(), "2027-03-31T12:00:00+02:00", datetime(2027, 3, 31, 10, tzinfo=UTC)),
        (MomentOrNow(), "2027-03-31T12:00", datetime(2027, 3, 31, 12, tzinfo=UTC)),
        (MomentOrNow(), False, None),
        (Checkbox(), "on", True),
        (Checkbox(), None, False),
        (Checkbox(), True, True),
    ],
)
def test_accepted(kind: Any, given: Any, kept: Any) -> None:
    assert kind.clean(given) == kept


@pytest.mark.parametrize(
    ("kind", "given", "part"),
    [
        (Text(3), "four", "at most 3 characters"),
        (Text(9), ["a"], "Enter text"),
        (Text(9), {"a": 1}, "Enter text"),
        (Text(9), "a\x00b", "cannot be shown"),
        (Text(9, required="Enter a name."), "  ", "Enter a name."),
        (Domain(), "acme", "such as acme.com"),
        (Domain(), "a b.com", "such as acme.com"),
        (Domain(), "http://[", "such as acme.com"),
        (Domain(), "-a.com", "such as acme.com"),
        (Website(), "javascript:alert(1)", "web address"),
        (Website(), "ftp://acme.com", "web address"),
        (Website(), "https://[", "web address"),
        (Email(), "ada", "e-mail address"),
        (Email(), "a" * 250 + "@acme.com", "e-mail address"),
        (Integer(0, 2**31 - 1), "-1", "whole number"),
        (Integer(0, 2**31 - 1), "1.5", "whole number"),
        (Integer(0, 2**31 - 1), "3000000000", "whole number"),
        (Integer(0, 2**31 - 1), True, "whole number"),
        (money, "-1", "amount from 0"),
        (money, "NaN", "amount from 0"),
        (money, "Infinity", "amount from 0"),
        (money, "1.005", "two decimals"),
        (money, "1" * 15, "at most 14 digits"),
        (money, "1e400", "at most 14 digits"),
        (Day(), "31.03.2027", "2027-03-31"),
        (Day(), "2027-02-30", "2027-03-31"),
        (Day(), "0001-01-01", "2027-03-31"),
        (MomentOrNow(), "soon", "2027-03-31T12:00:00Z"),
    ],
)
def test_refused(kind: Any, given: Any, part: str) -> None:
    with pytest.raises(BadValue) as caught:
        kind.clean(given)
    assert part in str(caught.value)


def test_leaving_is_now_when_it_is_only_ticked(frozen_now: datetime) -> None:
    assert MomentOrNow().clean(True) == clock.now() == MomentOrNow().clean("on")
