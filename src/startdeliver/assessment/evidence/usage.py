"""The facts about usage, people, contract, fields and members' corrections of one customer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.evidence.figures import USAGE_WINDOW, Person, Raw
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.wording import count, day, is_plain, iso, money, span, step, weeks

_FIELDS = 12
_QUIET_DAYS = 30
_RECENTLY = 120
# Few seats are used or not by chance.
_FEWEST_SEATS = 5
_SEATS = re.compile(r"\bseats?\b|licen[cs]es?\b|\bLizenz|\bPlätze\b|\bsièges?\b|\blicencias?\b", re.IGNORECASE)


def describe(raw: Raw, now: datetime, currency: str, fields: Mapping[str, str] | None = None) -> Iterator[Fact]:
    """Facts with ids usage.*, login.*, people.*, commercial.*, field.* and feedback.

    `fields`: the names of the own fields by alias.
    """
    yield from _health(raw, now)
    yield from _activity(raw, now)
    yield from _people(raw, now)
    yield from _seats(raw, fields or {})
    yield from _commercial(raw, now, currency)
    yield from _fields(raw, fields or {})
    yield from _feedback(raw)


def _link(raw: Raw, tab: str) -> str:
    return f"/customers/{raw.id}?tab={tab}"


def _health(raw: Raw, now: datetime) -> Iterator[Fact]:
    link = _link(raw, "usage")
    if raw.usage_status:
        status, at = raw.usage_status, raw.usage_changed
        yield _status("usage.health", "Usage health", {}, status, raw.usage_previous, at, now, link)
    for product in raw.products[:8]:
        name, changed = {"name": product.name}, product.changed_at
        link = f"{_link(raw, 'usage')}#product-{product.id}"
        fact = f"usage.product.{product.id}"
        yield _status(fact, product.name, name, product.status, product.previous, changed, now, link)


def _status(
    fact_id: str, subject: str, value: dict[str, str], status: str, previous: str | None, at: datetime | None,
    now: datetime, link: str,
) -> Fact:  # fmt: skip
    """A status with the one before, when the change is recent enough to be news."""
    news = previous if previous and previous != status and at and (now - at).days <= _RECENTLY else None
    after = f", after {news.title()} until {day(at)}" if news and at else ""
    text = f"{subject} is {status.title()}{after}."
    return Fact(fact_id, {**value, "status": status, "previous": news}, text, at=iso(at), link=link)


def _activity(raw: Raw, now: datetime) -> Iterator[Fact]:
    link = _link(raw, "usage")
    if raw.active is not None and any(raw.active):
        here, there = raw.active
        # Somebody who began a few weeks ago has no full month to be compared with.
        fresh = raw.first_use is not None and raw.first_use <= USAGE_WINDOW + 7
        who = count(here, "user was", "users were")
        if raw.users >= here:
            who = f"{here:,} of {count(raw.users, 'user')} {'was' if here == 1 else 'were'}"
        yield Fact(
            "usage.active", {"recent": here, "before": there, "users": raw.users, "fresh": fresh},
            f"{who} active in the last four weeks, {there:,} in the four weeks before that.",
            link=link, key=[step(here), step(there), fresh],
        )  # fmt: skip
        volume, before = raw.volume or (0, 0)
        if before >= 20 or volume >= 20:
            change = round(100 * (volume - before) / before) if before else None
            words = f", {abs(change)} % {'more' if change >= 0 else 'less'}" if change is not None else ""
            yield Fact(
                "usage.volume", {"recent": volume, "before": before, "change": change},
                f"Usage came to {volume:,} in the last four weeks against {before:,} in the four weeks before{words}.",
                link=link, key=None if change is None else [min(change // 15, 10)],
            )  # fmt: skip
    elif raw.users and raw.last_login_at is not None:
        yield Fact(
            "people.active", {"recent": raw.seen_recent, "before": raw.seen_before, "users": raw.users},
            f"{raw.seen_recent:,} of {count(raw.users, 'user')} logged in during the last four weeks.",
            link=_link(raw, "users"), key=[step(raw.seen_recent), step(raw.seen_before), step(raw.users)],
        )  # fmt: skip
    if raw.last_login_at is not None:
        ago = (now - raw.last_login_at).total_seconds() / 86400
        on = day(raw.last_login_at)
        yield Fact(
            "login.last", {"days": int(ago), "on": on, "span": span(ago)},
            f"The last login was on {on}" + (f", {span(ago)} ago." if ago >= 14 else "."),
            at=iso(raw.last_login_at), link=_link(raw, "users"), key=weeks(ago),
        )  # fmt: skip


def _people(raw: Raw, now: datetime) -> Iterator[Fact]:
    left = [(person.left_at, person) for person in raw.people if person.left_at]
    left.sort(key=lambda pair: pair[0], reverse=True)
    for left_at, person in [pair for pair in left if (now - pair[0]).days <= _RECENTLY][:2]:
        who, article = ("stakeholder", "a") if person.stakeholder else ("most active user", "the")
        yield Fact(
            f"people.left.{person.id}", {"name": _name(person), "who": who, "on": day(left_at)},
            f"{person.name}, {article} {who}, has left (seen on {day(left_at)}).",
            at=iso(left_at), link=f"/users/{person.id}",
        )  # fmt: skip
    here = [person for person in raw.people if not person.left_at]
    quiet = [person for person in here if _is_quiet(person, now, person.id == raw.champion)]
    for person in sorted(quiet, key=lambda person: (person.id != raw.champion, person.id))[:2]:
        champion, at = person.id == raw.champion, person.last_login_at
        assert at is not None
        who = "the most active user until then" if champion else "a stakeholder"
        value = {
            "name": _name(person), "who": who, "on": day(at), "champion": champion, "stakeholder": person.stakeholder,
        }  # fmt: skip
        words = f"{person.name}, {who}, has not been active since {day(at)}."
        key = weeks((now - at).days) // 4
        yield Fact(f"people.quiet.{person.id}", value, words, at=iso(at), link=f"/users/{person.id}", key=key)
    if stakeholders := sum(person.stakeholder for person in here):
        words = f"{count(stakeholders, 'stakeholder is', 'stakeholders are')} named."
        yield Fact("people.stakeholders", stakeholders, words, link=_link(raw, "users&view=stakeholders"))


def _is_quiet(person: Person, now: datetime, champion: bool) -> bool:
    if person.last_login_at is None:
        return False
    # Who was there on most days and did nothing for four weeks is missed sooner than somebody who looks in at times.
    return (_QUIET_DAYS - 10 if champion else _QUIET_DAYS) <= (now - person.last_login_at).days <= 240


def _name(person: Person) -> str:
    return person.name if is_plain(person.name) and len(person.name) <= 60 else ""


def _commercial(raw: Raw, now: datetime, currency: str) -> Iterator[Fact]:
    link = _link(raw, "details")
    if raw.arr is not None:
        yield Fact("commercial.arr", float(raw.arr), f"ARR is {money(float(raw.arr), currency)}.", link=link)
    if raw.renewal is not None:
        left = (raw.renewal - now.date()).days
        when = f"in {span(left)}" if left > 0 else "today" if left == 0 else f"{span(-left)} ago"
        # In which part of the time before (or after) the renewal we are.
        nearness = next((limit for limit in (-30, 0, 14, 30, 60, 90, 120, 180) if left <= limit), 365)
        yield Fact(
            "commercial.renewal", {"days": left, "on": day(raw.renewal), "in": span(abs(left))},
            f"The contract {'renews' if left >= 0 else 'was due for renewal'} on {day(raw.renewal)}, {when}.",
            at=iso(raw.renewal), link=link, key=[iso(raw.renewal), nearness],
        )  # fmt: skip


def _seats(raw: Raw, fields: Mapping[str, str]) -> Iterator[Fact]:
    """Seats bought, which a field counts by its name, against people who work with the product."""
    if raw.active is not None and any(raw.active):
        here = raw.active[0]
    elif raw.users and raw.last_login_at is not None:
        here = raw.seen_recent
    else:
        return
    for alias, name in fields.items():
        value = raw.custom.get(alias)
        number = _number(value)
        if _SEATS.search(name) and number is not None and number >= _FEWEST_SEATS:
            yield Fact(
                "usage.seats", {"seats": number, "active": here},
                f"{here:,} {'person was' if here == 1 else 'people were'} active in the last four weeks; the field "
                f"{name} is “{value}”.",
                link=_link(raw, "users"), key=[number, step(here)],
            )  # fmt: skip
            return


def _number(value: object) -> int | None:
    """A whole number from a field, however it is stored."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip().replace(",", "")
    return int(float(text)) if re.fullmatch(r"\d{1,7}(?:\.0+)?", text) else None


def _fields(raw: Raw, fields: Mapping[str, str]) -> Iterator[Fact]:
    """Industry, and the organization's own fields in the order in which they are shown, hidden ones left out."""
    link = _link(raw, "details")
    if raw.industry:
        yield Fact("customer.industry", raw.industry[:120], f"The industry is “{raw.industry[:120]}”.", link=link)
    for alias in [alias for alias in fields if alias in raw.custom][:_FIELDS]:
        value = raw.custom[alias]
        if value in (None, "") or isinstance(value, list | dict):
            continue
        shown = ("Yes" if value else "No") if isinstance(value, bool) else str(value)[:120]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        yield Fact(
            f"field.{alias[:60]}", value if number else shown, f"The field {fields[alias]} is “{shown}”.",
            link=link, quote=shown if isinstance(value, str) else "", key=value,
        )  # fmt: skip


def _feedback(raw: Raw) -> Iterator[Fact]:
    if raw.feedback:
        name, reason, status, at, concerns = raw.feedback
        reason = reason[:200]
        held = f", holding {Status(status).label} to be right" if status in Status.values else ""
        yield Fact(
            "feedback", {"status": status, "concerns": concerns, "on": day(at), "by": name, "reason": reason},
            f"On {day(at)} {name or 'a member'} marked an assessment as wrong{held}: “{reason}”",
            at=iso(at), link=f"/customers/{raw.id}", quote=reason,
        )  # fmt: skip
