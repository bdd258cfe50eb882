"""The fields of a customer or user, each with the kind of value that it takes (see `common.values`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from startdeliver.common import clock
from startdeliver.common.spelling import Spelling, flag
from startdeliver.common.values import Amount, BadValue, Checkbox, Day, Email, Integer, Kind, Moment, Text
from startdeliver.common.values import FieldError as FieldError  # for those who import it with the other names
from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import current_organization

TAKEN = "This ID belongs to another one already. IDs are unique: change it here or there."
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True)
class Identifier(Text):
    """An external id; none is None, so that several records may have none."""

    max_length: int = 255

    def clean(self, value: Any) -> str | None:
        return super().clean(value) or None


@dataclass(frozen=True)
class Domain(Text):
    """A domain in lower case, taken out of whatever was pasted: "https://www.Acme.com/about" → "acme.com"."""

    max_length: int = 2_000

    def clean(self, value: Any) -> str:
        text = super().clean(value).lower()
        if not text:
            return ""
        host = text.rsplit("@", 1)[-1]
        try:
            host = urlsplit(host if "//" in host else f"//{host}").hostname or ""
            host = host.rstrip(".").removeprefix("www.").encode("idna").decode() if host else ""
        except ValueError:
            host = ""
        if len(host) > 253 or not _DOMAIN.fullmatch(host):
            raise BadValue("Enter a domain such as acme.com.")
        return host


@dataclass(frozen=True)
class Website(Text):
    """A web address; "acme.com" becomes "https://acme.com"."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        address = text if "://" in text else f"https://{text}"
        try:
            parts = urlsplit(address)
            good = parts.scheme in ("http", "https") and "." in (parts.hostname or "") and " " not in address
            good = good and parts.port != 0  # reading the port raises when it is no number
        except ValueError:
            good = False
        if not good or len(address) > self.max_length:
            raise BadValue("Enter a web address such as https://acme.com.")
        return address


@dataclass(frozen=True)
class MomentOrNow(Kind):
    """A moment. Yes, as a checkbox or a cell says it, is now; no is none."""

    def clean(self, value: Any) -> datetime | None:
        if isinstance(value, bool | str):
            try:
                return clock.now() if value and flag(str(value)) else None
            except ValueError:
                pass
        return Moment().clean(value)

    def read_cell(self, text: str, spelling: Spelling) -> datetime | None:
        return self.clean(flag(text))


@dataclass(frozen=True)
class MemberReference(Kind):
    """A member of the organization who is not archived: the member, its id or its e-mail address."""

    def clean(self, value: Any) -> Member | None:
        if value in (None, ""):
            return None
        members = Member.objects.filter(organization=current_organization(), archived_at__isnull=True)
        if isinstance(value, Member):
            member = members.filter(pk=value.pk).first()
        elif isinstance(value, str) and "@" in value:
            member = members.filter(email__iexact=value.strip()).first()
        else:
            member = members.filter(pk=_pk(value)).first()
        if member is None:
            raise BadValue("This is no member of your organization. Choose one of its members.")
        return member

    def read_cell(self, text: str, spelling: Spelling) -> Member | None:
        if "@" not in text:
            raise BadValue("Enter the e-mail address of a member.")
        return self.clean(text)


@dataclass(frozen=True)
class CustomerReference(Kind):
    """A customer of the organization: the customer or its id."""

    def clean(self, value: Any) -> Customer | None:
        if value in (None, ""):
            return None
        customer = Customer.objects.filter(pk=value.pk if isinstance(value, Customer) else _pk(value)).first()
        if customer is None:
            raise BadValue("There is no such customer. Choose one of your customers.")
        return customer


CUSTOMER_FIELDS: dict[str, Kind] = {
    "name": Text(255, required="Enter a name for the customer."),
    "external_id": Identifier(),
    "domain": Domain(),
    "website": Website(),
    "plan": Text(255),
    "size": Integer(0, 2**31 - 1),
    "industry": Text(255),
    "monthly_spend": Amount(10**12),
    "csm": MemberReference(),
    "arr": Amount(10**14),
    "renewal_date": Day(),
}
USER_FIELDS: dict[str, Kind] = {
    "name": Text(255),
    "email": Email(),
    "external_id": Identifier(),
    "phone": Text(64),
    "customer": CustomerReference(),
    "is_stakeholder": Checkbox(),
    "is_non_user": Checkbox(),
    "has_left_at": MomentOrNow(),
}


def _pk(value: Any) -> int:
    text = "" if isinstance(value, bool) else str(value).strip()
    return int(text) if re.fullmatch(r"\d{1,18}", text) else 0
