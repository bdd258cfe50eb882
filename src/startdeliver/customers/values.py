"""What may stand in each field of a customer or user. A cleaner takes (organization, field name, value) and gives the
value to store, or raises FieldError with one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Member, Organization

TAKEN = "This ID belongs to another one already. IDs are unique: change it here or there."
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_TRUE = {"1", "true", "on", "yes"}
_MOST = 2_147_483_647


class FieldError(Exception):
    """Values that cannot be stored: `errors` has one sentence for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(self.errors.values()))


def text(longest: int) -> Callable[[Organization, str, Any], str]:
    """One line of text of at most `longest` characters; None is empty."""

    def cleaner(organization: Organization, name: str, value: Any) -> str:
        line = " ".join(_string(name, value).split())
        if len(line) > longest:
            raise FieldError({name: f"Use at most {longest} characters; these are {len(line):,}."})
        return line

    return cleaner


def required_text(sentence: str, longest: int) -> Callable[[Organization, str, Any], str]:
    """As `text`, and not empty."""
    cleaner = text(longest)

    def required(organization: Organization, name: str, value: Any) -> str:
        line = cleaner(organization, name, value)
        if not line:
            raise FieldError({name: sentence})
        return line

    return required


def identifier(organization: Organization, name: str, value: Any) -> str | None:
    """An external id; none is None, so that several may have none."""
    return text(255)(organization, name, value) or None


def domain(organization: Organization, name: str, value: Any) -> str:
    """A domain in lower case, taken out of whatever was pasted: "https://www.Acme.com/about" → "acme.com"."""
    given = _string(name, value).strip().lower()
    if not given:
        return ""
    host = given.rsplit("@", 1)[-1]
    try:
        host = urlsplit(host if "//" in host else f"//{host}").hostname or ""
        host = host.rstrip(".").removeprefix("www.").encode("idna").decode() if host else ""
    except ValueError:
        host = ""
    if len(host) > 253 or not _DOMAIN.fullmatch(host):
        raise FieldError({name: "Enter a domain such as acme.com."})
    return host


def website(organization: Organization, name: str, value: Any) -> str:
    """A web address; "acme.com" becomes "https://acme.com"."""
    given = text(500)(organization, name, value)
    if not given:
        return ""
    address = given if "://" in given else f"https://{given}"
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and "." in (parts.hostname or "") and " " not in address
        good = good and parts.port != 0  # reading the port raises when it is no number
    except ValueError:
        good = False
    if not good or len(address) > 500:
        raise FieldError({name: "Enter a web address such as https://acme.com."})
    return address


def email(organization: Organization, name: str, value: Any) -> str:
    """An e-mail address as it was written; users may share one (product.md 13.5)."""
    given = _string(name, value).strip()
    if not given:
        return ""
    try:
        validate_email(given)
    except ValidationError:
        raise FieldError({name: "Enter an e-mail address such as ada@acme.com."}) from None
    if len(given) > 254:
        raise FieldError({name: "An e-mail address has at most 254 characters."})
    return given


def whole_number(organization: Organization, name: str, value: Any) -> int | None:
    """A number of people, from 0."""
    given = _number_text(value)
    if given == "":
        return None
    if not re.fullmatch(r"\d{1,10}", given) or int(given) > _MOST:
        raise FieldError({name: "Enter a whole number from 0, such as 250."})
    return int(given)


def amount(digits: int) -> Callable[[Organization, str, Any], Decimal | None]:
    """An amount of money with at most two decimals and `digits` digits in all; a thousands separator may be there."""
    whole = digits - 2

    def cleaner(organization: Organization, name: str, value: Any) -> Decimal | None:
        given = _number_text(value)
        if given == "":
            return None
        try:
            number = Decimal(given)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number < 0:
            raise FieldError({name: "Enter an amount from 0, such as 48000 or 48000.50."})
        rounded = number.quantize(Decimal("0.01")) if abs(number) < Decimal(10) ** whole else None
        if rounded is None or rounded != number:
            raise FieldError({name: f"Use at most {whole} digits and two decimals."})
        return rounded

    return cleaner


def day(organization: Organization, name: str, value: Any) -> date | None:
    """A calendar day: a date, or text as 2027-03-31. Of a moment in text, its day."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    given = _string(name, value).strip()
    if not given:
        return None
    try:
        found = date.fromisoformat(given[:10]) if given[10:11] in ("", "T", " ") else None
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2999:
        raise FieldError({name: "Enter a day as year-month-day, such as 2027-03-31."})
    return found


def moment(organization: Organization, name: str, value: Any) -> datetime | None:
    """A moment (ISO 8601; without a zone it is UTC). True, or "on" from a checkbox, is now; False is none."""
    if isinstance(value, bool):
        return clock.now() if value else None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    given = _string(name, value).strip()
    if not given or given.lower() in ("false", "off", "0"):
        return None
    if given.lower() in _TRUE:
        return clock.now()
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise FieldError({name: "Enter a moment such as 2027-03-31T12:00:00Z."}) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def flag(organization: Organization, name: str, value: Any) -> bool:
    """True or false, also as a checkbox or JSON writes it."""
    return value if isinstance(value, bool) else str("" if value is None else value).strip().lower() in _TRUE


def member(organization: Organization, name: str, value: Any) -> Member | None:
    """A member of the organization who is not archived: the member, its id or its e-mail address."""
    if value in (None, ""):
        return None
    members = Member.objects.of(organization)
    if isinstance(value, Member):
        found = members.filter(pk=value.pk).first()
    elif isinstance(value, str) and "@" in value:
        found = members.filter(email__iexact=value.strip()).first()
    else:
        found = members.filter(pk=_pk(value)).first()
    if found is None:
        raise FieldError({name: "This is no member of your organization. Choose one of its members."})
    return found


def customer(organization: Organization, name: str, value: Any) -> Customer | None:
    """A customer of the organization: the customer or its id."""
    if value in (None, ""):
        return None
    found = Customer.objects.filter(pk=value.pk if isinstance(value, Customer) else _pk(value)).first()
    if found is None:
        raise FieldError({name: "There is no such customer. Choose one of your customers."})
    return found


def _pk(value: Any) -> int:
    given = "" if isinstance(value, bool) else str(value).strip()
    return int(given) if re.fullmatch(r"\d{1,18}", given) else 0


def _number_text(value: Any) -> str:
    if isinstance(value, bool):
        return "?"
    if value is None:
        return ""
    return re.sub(r"(?<=\d)[,\s\u202f\u00a0'](?=\d{3}\b)", "", str(value).strip())


def _string(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        given = str(value)
        if "\x00" in given:
            raise FieldError({name: "Remove the character that cannot be shown."})
        return given
    raise FieldError({name: "Enter text here."})
