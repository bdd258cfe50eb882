"""The facts about usage, people, contract, fields and members' corrections of one customer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.evidence.figures import USAGE_WINDOW, Person, ProductUse, Raw
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.wording import count, day, is_plain, money, span, step, weeks

_FIELDS = 12
_QUIET_DAYS = 30
_RECENTLY = 120


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


def _health(raw: Raw, now: datetime) -> Iterator[Fact]:
    link = f"/customers/{raw.id}?tab=usage"
    if raw.usage_status:
        changed = _changed(raw.usage_previous, raw.usage_status, raw.usage_changed, now)
        yield Fact(
            "usage.health",
            {"status": raw.usage_status, "previous": changed},
            f"Usage health is {raw.usage_status.title()}" + _since(changed, raw.usage_changed) + ".",
            at=raw.usage_changed.date().isoformat() if raw.usage_changed else "",
            link=link,
        )
    for product in raw.products[:8]:
        yield _product(product, now, f"{link}#product-{product.id}")


def _product(product: ProductUse, now: datetime, link: str) -> Fact:
    changed = _changed(product.previous, product.status, product.changed_at, now)
    return Fact(
        f"usage.product.{product.id}",
        {"name": product.name, "status": product.status, "previous": changed},
        f"{product.name} is {product.status.title()}{_since(changed, product.changed_at)}.",
        at=product.changed_at.date().isoformat() if product.changed_at else "",
        link=link,
    )


def _changed(previous: str | None, status: str, at: datetime | None, now: datetime) -> str | None:
    """The status before, when the change is recent enough to be news."""
    return previous if previous and previous != status and at and (now - at).days <= _RECENTLY else None


def _since(previous: str | None, at: datetime | None) -> str:
    return f", after {previous.title()} until {day(at)}" if previous and at else ""


def _activity(raw: Raw, now: datetime) -> Iterator[Fact]:
    link = f"/customers/{raw.id}?tab=usage"
    if raw.active is not None and any(raw.active):
        here, there = raw.active
        # Somebody who began a few weeks ago has no full month to be compared with.
        fresh = raw.first_use is not None and raw.first_use <= USAGE_WINDOW + 7
        yield Fact(
            "usage.active",
            {"recent": here, "before": there, "users": raw.users, "fresh": fresh},
            f"{here:,} of {count(raw.users, 'user')} "
            f"{'was' if here == 1 else 'were'} active in the last four weeks, {there:,} in the four weeks before that."
            if raw.users >= here
            else f"{count(here, 'user was', 'users were')} active in the last four weeks, {there:,} in the four weeks "
            "before that.",
            link=link,
            key=[step(here), step(there), fresh],
        )
        volume, before = raw.volume or (0, 0)
        if before >= 20 or volume >= 20:
            change = round(100 * (volume - before) / before) if before else None
            words = f", {abs(change)} % {'more' if change >= 0 else 'less'}" if change is not None else ""
            yield Fact(
                "usage.volume",
                {"recent": volume, "before": before, "change": change},
                f"Usage came to {volume:,} in the last four weeks against {before:,} in the four weeks before{words}.",
                link=link,
                key=None if change is None else [min(change // 15, 10)],
            )
    elif raw.users and raw.last_login_at is not None:
        yield Fact(
            "people.active",
            {"recent": raw.seen_recent, "before": raw.seen_before, "users": raw.users},
            f"{raw.seen_recent:,} of {count(raw.users, 'user')} logged in during the last four weeks.",
            link=f"/customers/{raw.id}?tab=users",
            key=[step(raw.seen_recent), step(raw.seen_before), step(raw.users)],
        )
    if raw.last_login_at is not None:
        ago = (now - raw.last_login_at).total_seconds() / 86400
        yield Fact(
            "login.last",
            {"days": int(ago), "on": day(raw.last_login_at), "span": span(ago)},
            f"The last login was on {day(raw.last_login_at)}" + (f", {span(ago)} ago." if ago >= 14 else "."),
            at=raw.last_login_at.date().isoformat(),
            link=f"/customers/{raw.id}?tab=users",
            key=weeks(ago),
        )


def _people(raw: Raw, now: datetime) -> Iterator[Fact]:
    left = [one for one in raw.people if one.left_at and (now - one.left_at).days <= _RECENTLY]
    left.sort(key=lambda one: one.left_at or now, reverse=True)
    for person in left[:2]:
        who = "stakeholder" if person.stakeholder else "most active user"
        assert person.left_at is not None
        yield Fact(
            f"people.left.{person.id}",
            {"name": _name(person), "who": who, "on": day(person.left_at)},
            f"{person.name}, {_a(who)}, has left (seen on {day(person.left_at)}).",
            at=person.left_at.date().isoformat(),
            link=f"/users/{person.id}",
        )
    here = [one for one in raw.people if not one.left_at]
    champion = raw.champion[0] if raw.champion else 0
    quiet = [one for one in here if _is_quiet(one, now, one.id == champion)]
    quiet.sort(key=lambda one: (one.id != champion, one.id))
    for person in quiet[:2]:
        who = "the most active user until then" if person.id == champion else "a stakeholder"
        assert person.last_login_at is not None
        ago = (now - person.last_login_at).days
        yield Fact(
            f"people.quiet.{person.id}",
            {
                "name": _name(person),
                "who": who,
                "on": day(person.last_login_at),
                "champion": person.id == champion,
                "stakeholder": person.stakeholder,
            },
            f"{person.name}, {who}, has not been active since {day(person.last_login_at)}.",
            at=person.last_login_at.date().isoformat(),
            link=f"/users/{person.id}",
            key=weeks(ago) // 4,
        )
    stakeholders = sum(one.stakeholder for one in here)
    if stakeholders:
        yield Fact(
            "people.stakeholders",
            stakeholders,
            f"{count(stakeholders, 'stakeholder is', 'stakeholders are')} named.",
            link=f"/customers/{raw.id}?tab=users&view=stakeholders",
        )


def _is_quiet(person: Person, now: datetime, champion: bool) -> bool:
    if person.last_login_at is None:
        return False
    # Who was there on most days and did nothing for four weeks is missed sooner than somebody who looks in at times.
    return (_QUIET_DAYS - 10 if champion else _QUIET_DAYS) <= (now - person.last_login_at).days <= 240


def _name(person: Person) -> str:
    return person.name if is_plain(person.name) and len(person.name) <= 60 else ""


def _a(noun: str) -> str:
    return f"the {noun}" if noun.startswith("most") else f"a {noun}"


def _commercial(raw: Raw, now: datetime, currency: str) -> Iterator[Fact]:
    link = f"/customers/{raw.id}?tab=details"
    if raw.arr is not None:
        yield Fact("commercial.arr", float(raw.arr), f"ARR is {money(float(raw.arr), currency)}.", link=link)
    if raw.renewal is not None:
        left = (raw.renewal - now.date()).days
        when = f"in {span(left)}" if left > 0 else "today" if left == 0 else f"{span(-left)} ago"
        verb = "renews" if left >= 0 else "was due for renewal"
        yield Fact(
            "commercial.renewal",
            {"days": left, "on": day(raw.renewal), "in": span(abs(left))},
            f"The contract {verb} on {day(raw.renewal)}, {when}.",
            at=raw.renewal.isoformat(),
            link=link,
            key=[raw.renewal.isoformat(), _nearness(left)],
        )


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
                "usage.seats",
                {"seats": number, "active": here},
                f"{here:,} {'person was' if here == 1 else 'people were'} active in the last four weeks; the field "
                f"{name} is “{value}”.",
                link=f"/customers/{raw.id}?tab=users",
                key=[number, step(here)],
            )
            return


# Few seats are used or not by chance.
_FEWEST_SEATS = 5
_SEATS = re.compile(r"\bseats?\b|licen[cs]es?\b|\bLizenz|\bPlätze\b|\bsièges?\b|\blicencias?\b", re.IGNORECASE)


def _number(value: object) -> int | None:
    """A whole number from a field, however it is stored."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip().replace(",", "")
    return int(float(text)) if re.fullmatch(r"\d{1,7}(?:\.0+)?", text) else None


def _nearness(left: int) -> int:
    """In which part of the time before (or after) the renewal we are."""
    return next((limit for limit in (-30, 0, 14, 30, 60, 90, 120, 180) if left <= limit), 365)


def _fields(raw: Raw, fields: Mapping[str, str]) -> Iterator[Fact]:
    """Industry, and the organization's own fields in the order in which they are shown, hidden ones left out."""
    link = f"/customers/{raw.id}?tab=details"
    if raw.industry:
        yield Fact("customer.industry", raw.industry[:120], f"The industry is “{raw.industry[:120]}”.", link=link)
    for alias in [one for one in fields if one in raw.custom][:_FIELDS]:
        value = raw.custom[alias]
        if value in (None, "") or isinstance(value, list | dict):
            continue
        shown = ("Yes" if value else "No") if isinstance(value, bool) else str(value)[:120]
        yield Fact(
            f"field.{alias[:60]}",
            value if isinstance(value, int | float) and not isinstance(value, bool) else shown,
            f"The field {fields[alias]} is “{shown}”.",
            link=link,
            quote=shown if isinstance(value, str) else "",
            key=value,
        )


def _feedback(raw: Raw) -> Iterator[Fact]:
    if raw.feedback:
        name, reason, status, at, concerns = raw.feedback
        held = f", holding {Status(status).label} to be right" if status in Status.values else ""
        yield Fact(
            "feedback",
            {"status": status, "concerns": concerns, "on": day(at), "by": name, "reason": reason[:200]},
            f"On {day(at)} {name or 'a member'} marked an assessment as wrong{held}: “{reason[:200]}”",
            at=at.date().isoformat(),
            link=f"/customers/{raw.id}",
            quote=reason[:200],
        )
