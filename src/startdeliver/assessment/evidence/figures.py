"""The raw figures of many customers, in a fixed number of set-based statements whatever their number."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from startdeliver.assessment.reader.readings import Reading, Spoken, decode
from startdeliver.assessment.wording import working_days_ago
from startdeliver.common import clock
from startdeliver.customers.models import CustomField
from startdeliver.storage.sql import db_time, id_list, is_postgres, organization_work
from startdeliver.support.rules import overdue_since
from startdeliver.support.rules import rule as support_rule
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days as usage_days
from startdeliver.usage.models import UsageState

RECENT, QUARTER, YEAR = 30, 90, 365
# Usage is compared over four weeks, so that every weekday counts alike.
USAGE_WINDOW = 28


@dataclass(slots=True)
class OpenTicket:
    """A ticket that is open. `since` is the start of its clock, `waiting_since` the customer's unanswered message."""

    id: int
    title: str
    since: datetime
    overdue: bool
    snoozed: bool
    waiting_since: datetime | None


@dataclass(slots=True)
class Heard:
    """The messages of one ticket that has been written to within 90 days, or 180 when it is about leaving."""

    ticket_id: int
    title: str
    open: bool
    topic: str
    reading: Reading
    # Since when the customer waits for an answer here, and how the ticket was rated.
    waiting_since: datetime | None = None
    rating: int | None = None


@dataclass(slots=True)
class ProductUse:
    """Health of one product."""

    id: int
    name: str
    status: str
    previous: str | None
    changed_at: datetime | None


@dataclass(slots=True)
class Person:
    """Somebody at the customer who matters: a stakeholder, or the most active user of the time before."""

    id: int
    name: str
    stakeholder: bool
    left_at: datetime | None
    last_login_at: datetime | None


@dataclass(slots=True)
class Raw:
    """What is stored of one customer, not yet in words. Durations in seconds, times in UTC."""

    id: int
    name: str = ""
    arr: Decimal | None = None
    renewal: date | None = None
    last_login_at: datetime | None = None
    custom: dict[str, Any] = field(default_factory=dict)
    industry: str = ""
    # support
    tickets: int = 0
    created_recent: int = 0
    created_before: int = 0
    open: int = 0
    overdue: int = 0
    reopened: int = 0
    rating_count: int = 0
    rating_mean: float | None = None
    # Of 30 days: how many and their mean; the mean of the year before.
    ratings: tuple[int, float, float] | None = None
    last_in: datetime | None = None
    last_out: datetime | None = None
    resolution: tuple[int, float] | None = None
    resolution_past: tuple[int, float] | None = None
    waiting: int = 0
    waiting_since: datetime | None = None
    open_tickets: list[OpenTicket] = field(default_factory=list)
    latest_rating: tuple[int, str, datetime, int] | None = None
    support_status: str | None = None
    support_previous: str | None = None
    support_changed: datetime | None = None
    heard: list[Heard] = field(default_factory=list)
    # usage
    usage_status: str | None = None
    usage_previous: str | None = None
    usage_changed: datetime | None = None
    products: list[ProductUse] = field(default_factory=list)
    users: int = 0
    seen_recent: int = 0
    seen_before: int = 0
    active: tuple[int, int] | None = None
    volume: tuple[int, int] | None = None
    # Days since the first use that the last twelve weeks know of.
    first_use: int | None = None
    people: list[Person] = field(default_factory=list)
    champion: int = 0
    feedback: tuple[str, str, str, datetime, list[str]] | None = None

    def spoken(self) -> list[Spoken]:
        """The messages of the customer's people, by ticket."""
        return [said for heard in self.heard for said in heard.reading.m.values()]


_TICKETS = """
SELECT t.customer_id, COUNT(*),
       COUNT(CASE WHEN t.created_at >= %(recent)s THEN 1 END),
       COUNT(CASE WHEN t.created_at >= %(before)s AND t.created_at < %(recent)s THEN 1 END),
       COUNT(CASE WHEN t.status = 'open' THEN 1 END),
       COUNT(CASE WHEN t.status = 'open' AND t.clock_from <= %(cutoff)s THEN 1 END),
       COUNT(CASE WHEN t.reopen_count > 0 AND t.updated_at >= %(quarter)s THEN 1 END),
       COUNT(CASE WHEN t.rated_at >= %(quarter)s THEN t.rating END),
       AVG(CASE WHEN t.rated_at >= %(quarter)s THEN 1.0 * t.rating END),
       COUNT(CASE WHEN t.rated_at >= %(recent)s THEN t.rating END),
       AVG(CASE WHEN t.rated_at >= %(recent)s THEN 1.0 * t.rating END),
       AVG(CASE WHEN t.rated_at < %(recent)s AND t.rated_at >= %(year)s THEN 1.0 * t.rating END),
       MAX(COALESCE(t.last_contact_reply_at, t.created_at)), MAX(t.last_admin_reply_at),
       COUNT(CASE WHEN t.status = 'open' AND t.waiting_since <= %(waited)s THEN 1 END),
       MIN(CASE WHEN t.status = 'open' AND t.waiting_since <= %(waited)s THEN t.waiting_since END)
  FROM support_ticket AS t
 WHERE t.organization_id = %(org)s{only}
 GROUP BY t.customer_id
"""

_RESOLUTION = """
SELECT customer_id, part, MAX(number), AVG(1.0 * lasted)
  FROM (SELECT t.customer_id, t.resolution_seconds AS lasted,
               CASE WHEN t.resolved_at >= %(recent)s THEN 1 ELSE 0 END AS part,
               ROW_NUMBER() OVER (PARTITION BY t.customer_id, CASE WHEN t.resolved_at >= %(recent)s THEN 1 ELSE 0 END
                                  ORDER BY t.resolution_seconds) AS place,
               COUNT(*) OVER (PARTITION BY t.customer_id, CASE WHEN t.resolved_at >= %(recent)s THEN 1 ELSE 0 END)
                   AS number
          FROM support_ticket AS t
         WHERE t.organization_id = %(org)s AND t.status = 'resolved' AND t.resolved_at >= %(year)s
           AND t.resolution_seconds IS NOT NULL{only}) AS placed
 WHERE place IN ((number + 1) / 2, (number + 2) / 2)
 GROUP BY customer_id, part
"""

_OPEN = """
SELECT customer_id, id, title, clock_from, snoozed, waiting_since
  FROM (SELECT t.customer_id, t.id, t.title, t.clock_from, t.snoozed, t.waiting_since,
               ROW_NUMBER() OVER (PARTITION BY t.customer_id ORDER BY t.clock_from, t.id) AS place
          FROM support_ticket AS t
         WHERE t.organization_id = %(org)s AND t.status = 'open'{only}) AS placed
 WHERE place <= 4
 ORDER BY customer_id, place
"""

_RATED = """
SELECT customer_id, rating, rating_remark, rated_at, id
  FROM (SELECT t.customer_id, t.rating, t.rating_remark, t.rated_at, t.id,
               ROW_NUMBER() OVER (PARTITION BY t.customer_id ORDER BY t.rated_at DESC, t.id DESC) AS place
          FROM support_ticket AS t
         WHERE t.organization_id = %(org)s AND t.rated_at >= %(quarter)s AND t.rating IS NOT NULL{only}) AS placed
 WHERE place = 1
"""

_HEARD = """
SELECT t.customer_id, t.id, t.title, t.status, h.topic, h.data, t.waiting_since, t.rating
  FROM support_ticket AS t JOIN assessment_tickettone AS h ON h.ticket_id = t.id
 WHERE t.organization_id = %(org)s AND h.organization_id = %(org)s{only}
   AND (h.last_at >= %(quarter)s OR (h.last_at >= %(half)s AND h.topic = 'cancel'))
 ORDER BY t.customer_id, h.last_at, t.id
"""

_HEALTH = """
SELECT customer_id, status, previous_status, changed_at FROM {table} AS t
 WHERE t.organization_id = %(org)s AND t.status IS NOT NULL{only}
"""

_PRODUCTS = """
SELECT t.customer_id, p.id, p.name, t.status, t.previous_status, t.changed_at
  FROM usage_producthealth AS t JOIN usage_product AS p ON p.id = t.product_id
 WHERE t.organization_id = %(org)s AND t.status IS NOT NULL AND p.archived_at IS NULL{only}
 ORDER BY t.customer_id, p.position, p.id
"""

_USERS = """
SELECT t.customer_id, COUNT(*),
       COUNT(CASE WHEN t.last_login_at >= %(window)s THEN 1 END),
       COUNT(CASE WHEN t.last_login_at >= %(quarter)s AND t.last_login_at < %(window)s THEN 1 END),
       MAX(t.last_login_at)
  FROM customers_customeruser AS t
 WHERE t.organization_id = %(org)s AND t.archived_at IS NULL AND t.has_left_at IS NULL{user}{only}
 GROUP BY t.customer_id
"""

_PEOPLE = """
SELECT t.customer_id, t.id, t.name, t.email, t.has_left_at, t.last_login_at
  FROM customers_customeruser AS t
 WHERE t.organization_id = %(org)s AND t.archived_at IS NULL{stake}{only}
 ORDER BY t.customer_id, t.id
"""

_PERSON = """
SELECT t.id, t.name, t.email, t.has_left_at, t.last_login_at, t.is_stakeholder FROM customers_customeruser AS t
 WHERE t.organization_id = %(org)s{only}
"""

# Per user first: few rows then meet the customers. `here` counts the days of use in the newest four weeks, `there` in
# the four before, `long` in the eight before. The last column finds, in one maximum, the user with most days of those
# eight weeks: the days, whether the user was quiet since, and the id.
_USAGE = """
SELECT t.customer_id, COUNT(CASE WHEN d.here > 0 THEN 1 END), COUNT(CASE WHEN d.there > 0 THEN 1 END),
       COALESCE(SUM(d.volume_here), 0), COALESCE(SUM(d.volume_there), 0), MIN(d.first),
       MAX(CASE WHEN t.archived_at IS NULL
                THEN (d.long * 2 + CASE WHEN d.here = 0 THEN 1 ELSE 0 END) * 1000000000000 + t.id END)
  FROM customers_customeruser AS t
  JOIN (SELECT u.user_id, COUNT(CASE WHEN u.day > %(day)s THEN 1 END) AS here,
               COUNT(CASE WHEN u.day <= %(day)s AND u.day > %(day_before)s THEN 1 END) AS there,
               COUNT(DISTINCT CASE WHEN u.day <= %(day)s THEN u.day END) AS long,
               SUM(CASE WHEN u.day > %(day)s THEN u.quantity END) AS volume_here,
               SUM(CASE WHEN u.day <= %(day)s AND u.day > %(day_before)s THEN u.quantity END) AS volume_there,
               MIN(u.day) AS first
          FROM usage_usageday AS u
         WHERE u.organization_id = %(org)s AND u.day > %(day_long)s{users}
         GROUP BY u.user_id) AS d ON d.user_id = t.id
 WHERE t.organization_id = %(org)s{only}
 GROUP BY t.customer_id
"""
_PLACE = 1_000_000_000_000
# Working days without an answer that are worth a word.
_WAITED = 2
# A champion used the product on this many days of eight weeks.
_CHAMPION_DAYS = 8

_FEEDBACK = """
SELECT customer_id, member_name, reason, status, created_at, concerns
  FROM (SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t.customer_id ORDER BY t.created_at DESC, t.id DESC) AS place
          FROM assessment_feedback AS t
         WHERE t.organization_id = %(org)s AND t.created_at >= %(half)s{only}) AS placed
 WHERE place = 1
"""

_CUSTOMERS = """
SELECT t.id, t.name, t.arr, t.renewal_date, t.last_login_at, t.custom, t.industry
  FROM customers_customer AS t
 WHERE t.organization_id = %(org)s AND t.archived_at IS NULL{only}
 ORDER BY t.id
"""


class _Reader:
    """Runs statements for one set of customers and turns what SQLite gives as text into times."""

    def __init__(self, organization: Organization, ids: Sequence[int], ignored: Sequence[tuple[str, str]] = ()) -> None:
        self.now = clock.now()
        self._ignored = ""
        leave_out: dict[str, str] = {}
        for number, (kind, words) in enumerate(ignored):
            column = "CAST(t.tags AS text)" if kind == "tag" else "t.title"
            self._ignored += f" AND LOWER({column}) NOT LIKE %(ignored{number})s"
            leave_out[f"ignored{number}"] = _like(words, kind == "tag")
        zone = organization.time_zone
        state = UsageState.objects.first()
        today = usage_days.today(state.time_zone if state else zone)
        ago = {
            "recent": RECENT, "before": RECENT + QUARTER, "quarter": QUARTER, "year": YEAR, "half": 180,
            "window": USAGE_WINDOW,
        }  # fmt: skip
        self.values: dict[str, Any] = {name: db_time(self.now - timedelta(days=days)) for name, days in ago.items()}
        self.values |= {
            "waited": db_time(working_days_ago(self.now, _WAITED)),
            "org": organization.pk,
            "cutoff": db_time(overdue_since(support_rule(organization), self.now)),
            "day": today - USAGE_WINDOW,
            "day_before": today - 2 * USAGE_WINDOW,
            "day_long": today - 3 * USAGE_WINDOW,
            "ids": id_list(ids),
            **leave_out,
        }
        # Most of the customers in a row, as when all are read: a range costs the planner and the server least.
        self._range = len(ids) > 200 and max(ids) - min(ids) < 4 * len(ids)
        self.values |= {"low": min(ids, default=0), "high": max(ids, default=0)}
        self._listed = "= ANY(%(ids)s)" if is_postgres() else "IN (SELECT value FROM json_each(%(ids)s))"
        self._one_of = "BETWEEN %(low)s AND %(high)s" if self._range else self._listed

    def one_of(self, name: str) -> str:
        """SQL for "is in the list `name` of the values"."""
        return self._listed.replace("(ids)", f"({name})")

    def rows(self, statement: str, column: str = "t.customer_id", **parts: str) -> list[tuple[Any, ...]]:
        """The rows of `statement` for the customers asked for."""
        only = f" AND {column} {self._one_of}"
        if "support_ticket AS t" in statement:
            only += self._ignored
        true = "true" if is_postgres() else "1"
        filled = statement.format(
            only=only,
            user=f" AND t.is_non_user <> {true}",
            stake=f" AND t.is_stakeholder = {true}",
            users=" AND u.user_id IN (SELECT c.id FROM customers_customeruser AS c "  # noqa: S608
            "WHERE c.organization_id = %(org)s"
            f" AND c.customer_id {self._one_of})",
            **parts,
        )
        with connection.cursor() as cursor:
            cursor.execute(filled, self.values)
            return list(cursor.fetchall())


def _like(words: str, quoted: bool) -> str:
    """A pattern for LIKE. A tag stands in quotation marks, in SQLite with letters beyond ASCII written as escapes."""
    text = words.lower()
    if quoted:
        text = json.dumps(text, ensure_ascii=not is_postgres())
    return f"%{text}%"


def _time(value: Any) -> datetime | None:
    """A time as the driver gives it: PostgreSQL an aware datetime, SQLite text in UTC (or already converted)."""
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        return value
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def shown_fields(organization: Organization) -> dict[str, str]:
    """Names of the own fields of customers by alias, in order, hidden and archived ones left out."""
    with organization_work(organization):
        rows = CustomField.objects.filter(entity=CustomField.Entity.CUSTOMER, archived_at__isnull=True)
        rows = rows.exclude(visibility=CustomField.Visibility.HIDDEN).order_by("position", "pk")
        return dict(rows.values_list("alias", "name"))


def gather(organization: Organization, ids: Sequence[int], ignored: Sequence[tuple[str, str]] = ()) -> dict[int, Raw]:
    """The figures of these customers, archived ones left out. A dozen statements, whatever the number of ids.

    `ignored`: tickets that do not count, as ("tag" or "subject", words).
    """
    with organization_work(organization):
        read = _Reader(organization, ids, ignored)
        raws: dict[int, Raw] = {}
        for pk, name, arr, renewal, login, custom, industry in read.rows(_CUSTOMERS, "t.id"):
            amount = None if arr is None else Decimal(str(arr))
            custom = _json(custom) or {}
            raws[pk] = Raw(pk, name, amount, _day(renewal), _time(login), custom, industry)
        if raws:
            _support(read, raws)
            _usage(read, raws)
            for pk, name, reason, status, at, concerns in read.rows(_FEEDBACK):
                if pk in raws:
                    raws[pk].feedback = (name, reason, status, _time(at) or read.now, _json(concerns) or [])
        return raws


def _support(read: _Reader, raws: dict[int, Raw]) -> None:
    for row in read.rows(_TICKETS):
        raw = raws.get(row[0])
        if raw is None:
            continue
        raw.tickets, raw.created_recent, raw.created_before, raw.open, raw.overdue, raw.reopened = row[1:7]
        raw.rating_count, raw.rating_mean = row[7], None if row[8] is None else float(row[8])
        if row[9] and row[11] is not None:
            raw.ratings = (row[9], float(row[10]), float(row[11]))
        raw.last_in, raw.last_out = _time(row[12]), _time(row[13])
        raw.waiting, raw.waiting_since = row[14], _time(row[15])
    for pk, part, number, median in read.rows(_RESOLUTION):
        if pk in raws:
            if part:
                raws[pk].resolution = (int(number), float(median))
            else:
                raws[pk].resolution_past = (int(number), float(median))
    cutoff = _time(read.values["cutoff"]) or read.now
    for pk, ticket, title, since, snoozed, waiting in read.rows(_OPEN):
        if pk in raws:
            start = _time(since) or read.now
            opened = OpenTicket(ticket, title, start, start <= cutoff, bool(snoozed), _time(waiting))
            raws[pk].open_tickets.append(opened)
    for pk, rating, remark, at, ticket in read.rows(_RATED):
        if pk in raws:
            raws[pk].latest_rating = (int(rating), remark, _time(at) or read.now, ticket)
    for pk, status, previous, changed in read.rows(_HEALTH, table="support_supporthealth"):
        if pk in raws:
            raws[pk].support_status, raws[pk].support_previous = status, previous
            raws[pk].support_changed = _time(changed)
    for pk, ticket, title, status, topic, data, waiting, rating in read.rows(_HEARD):
        if pk in raws:
            still = _time(waiting) if status == "open" else None
            raws[pk].heard.append(Heard(ticket, title, status == "open", topic, decode(data), still, rating))


def _usage(read: _Reader, raws: dict[int, Raw]) -> None:
    for pk, status, previous, changed in read.rows(_HEALTH, table="usage_usagehealth"):
        if pk in raws:
            raws[pk].usage_status, raws[pk].usage_previous, raws[pk].usage_changed = status, previous, _time(changed)
    for pk, product, name, status, previous, changed in read.rows(_PRODUCTS):
        if pk in raws:
            raws[pk].products.append(ProductUse(product, name, status, previous, _time(changed)))
    for pk, users, recent, before, newest in read.rows(_USERS):
        if pk in raws:
            raw = raws[pk]
            raw.users, raw.seen_recent, raw.seen_before = users, recent, before
            raw.last_login_at = max(filter(None, [raw.last_login_at, _time(newest)]), default=None)
    champions: dict[int, int] = {}
    for pk, here, there, volume, volume_before, first, most in read.rows(_USAGE):
        if pk in raws:
            used, user = divmod(int(most or 0), _PLACE)
            if used % 2 and used // 2 >= _CHAMPION_DAYS:
                champions[user] = pk
            raws[pk].active, raws[pk].volume = (here, there), (int(volume), int(volume_before))
            raws[pk].first_use = read.values["day"] + USAGE_WINDOW - first
    people: dict[int, list[Person]] = defaultdict(list)
    for pk, user, name, email, left, login in read.rows(_PEOPLE):
        people[pk].append(Person(user, name or email, True, _time(left), _time(login)))
    if champions:
        read.values["people"] = id_list(champions)
        users = read.rows(_PERSON.replace("{only}", " AND t.id {some}"), some=read.one_of("people"))
        for user, name, email, left, login, stakeholder in users:
            pk = champions[user]
            if pk in raws:
                raws[pk].champion = user
                if not stakeholder:
                    people[pk].append(Person(user, name or email, False, _time(left), _time(login)))
    for pk, persons in people.items():
        if pk in raws:
            raws[pk].people = persons
