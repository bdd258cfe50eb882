"""The plain facts of many customers, a page at a time, each page in one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from startdeliver.storage.sql import fetch, id_list, one_of
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.facts import Fact
from startdeliver.workflows.rules import Kind

PAGE = 5_000

_PAGE = """
SELECT {columns} FROM customers_customer AS c {joins}
 WHERE c.organization_id = %(org)s AND c.id > %(after)s{only}{live}
 ORDER BY c.id LIMIT %(size)s
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one customer: values by fact, typed as `rules` wants them."""

    customer_id: int
    archived: bool
    values: dict[str, Any]


def pages(
    organization: Organization,
    facts: Iterable[Fact],
    customer_ids: Collection[int] | None = None,
    *,
    archived: bool = False,
    size: int = PAGE,
) -> Iterator[Callable[[], list[Known]]]:
    """Readers of one page each, so that a caller can take its lock before it reads; an empty page is the last.

    `customer_ids`: only these. `archived`: archived customers too.
    """
    wanted = list(facts)
    convert = [_converter(fact, ZoneInfo(organization.time_zone)) for fact in wanted]
    statement = _PAGE.format(
        columns=", ".join(
            ["c.id", "CASE WHEN c.archived_at IS NULL THEN 0 ELSE 1 END", *(fact.sql for fact in wanted)]
        ),
        joins=" ".join(dict.fromkeys(fact.join for fact in wanted if fact.join)),
        only="" if customer_ids is None else f" AND {one_of('c.id', 'ids')}",
        live="" if archived else " AND c.archived_at IS NULL",
    )
    values: dict[str, Any] = {"org": organization.pk, "after": 0, "size": size}
    if customer_ids is not None:
        values["ids"] = id_list(sorted(customer_ids))
    done = customer_ids is not None and not customer_ids

    def read() -> list[Known]:
        nonlocal done
        customers = [_known(row, wanted, convert) for row in fetch(statement, values)]
        done = len(customers) < size
        if customers:
            values["after"] = customers[-1].customer_id
        return customers

    while not done:
        yield read


def _known(row: Sequence[Any], facts: Sequence[Fact], convert: Sequence[Callable[[Any], Any]]) -> Known:
    values = {
        fact.key: None if value is None else change(value)
        for fact, value, change in zip(facts, row[2:], convert, strict=True)
    }
    return Known(row[0], bool(row[1]), values)


def _converter(fact: Fact, zone: ZoneInfo) -> Callable[[Any], Any]:
    """SQLite returns text and floats where PostgreSQL returns dates, times and decimals."""
    if fact.kind is Kind.NUMBER:
        return lambda value: Decimal(str(value))
    if fact.kind is Kind.FLAG:
        return bool
    if fact.kind is not Kind.DATE:
        return lambda value: str(value) or None
    if not fact.moment:
        return lambda value: date.fromisoformat(value) if isinstance(value, str) else value

    def local_day(value: Any) -> date:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone).date()

    return local_day
