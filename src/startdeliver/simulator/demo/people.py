"""Who is in the demo workspace: 40 companies, their people, and the support team."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from startdeliver.simulator.demo.texts import read

NAMES: dict[str, Any] = json.loads(read("people.json"))
_ASCII = str.maketrans("öéáçćñłŁëøå", "oeaccnlleoa", "' ")


@dataclass(frozen=True)
class DemoCompany:
    """A company. `company_id` is also the external id of the matching customer in the hub's own demo.

    `mood` decides what the threads are like: poor (several overdue, angry), fair (one or two overdue), good, or quiet
    (no conversations). `in_hub` says whether the hub's own demo has the customer.
    """

    company_id: str
    name: str
    domain: str
    industry: str
    size: int
    plan: str
    monthly_spend: int
    mood: str
    in_hub: bool


@dataclass(frozen=True)
class DemoPerson:
    """`company_id` is None for people without a company. `in_hub` says whether the hub's own demo has the user."""

    name: str
    email: str | None
    external_id: str | None
    role: str
    company_id: str | None
    title: str
    in_hub: bool


def companies() -> list[DemoCompany]:
    return [DemoCompany(**json.loads(line)) for line in read("companies.jsonl").splitlines()]


def people() -> list[DemoPerson]:
    """Return about 140 people: two to five a company, then special cases.

    The special cases are leads without an external id, two people who share an e-mail address, a user whose e-mail
    address has changed, and a consultant who works for two customers.
    """
    first_names, last_names, titles = NAMES["first_names"], NAMES["last_names"], NAMES["titles"]
    result: list[DemoPerson] = []
    for position, company in enumerate(companies()):
        for seat in range(2 + (position * 7 + company.size) % 4):
            number = len(result) + 1
            first = first_names[(number * 11 + position) % len(first_names)]
            last = last_names[(number * 17 + seat) % len(last_names)]
            mailbox = ".".join(name.translate(_ASCII).lower() for name in (first, last))
            result.append(
                DemoPerson(
                    name=f"{first} {last}",
                    email=f"{mailbox}@{company.domain}",
                    external_id=f"usr-{number:04}",
                    role="user",
                    company_id=company.company_id,
                    title=titles[(number + seat) % len(titles)],
                    # Every eleventh person writes to support but is not known in the hub.
                    in_hub=company.in_hub and number % 11 != 0,
                )
            )
    return result + [DemoPerson(**values) for values in NAMES["others"]]


def demo_companies() -> list[dict[str, Any]]:
    """Return the companies as plain values: the fields of `DemoCompany` without the mood."""
    return [{name: value for name, value in asdict(c).items() if name != "mood"} for c in companies()]


def demo_people() -> list[dict[str, Any]]:
    """Return the people as plain values: the fields of `DemoPerson`."""
    return [asdict(person) for person in people()]
