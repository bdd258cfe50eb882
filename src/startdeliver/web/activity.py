"""The Activity tab of a customer: what happened, from all tables that store it, newest first.

Each source returns the newest entries before a moment. They are merged and cut to one page, so the time does not depend
on the length of the history. A page never ends inside a moment; the next page begins before its last entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone

from startdeliver.assessment.models import Assessment, Feedback
from startdeliver.assessment.statuses import Status
from startdeliver.common import clock
from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import Activity, Customer, CustomerUser, CustomField
from startdeliver.support.models import SupportHealth, SupportSnapshot
from startdeliver.sync.models import PushLog
from startdeliver.tenancy.models import Member
from startdeliver.usage.models import HealthChange
from startdeliver.web import formats
from startdeliver.web.params import choice
from startdeliver.web.provenance import CUSTOMER_FACTS, describe
from startdeliver.web.templatetags.lists import own_words
from startdeliver.web.templatetags.ui import Tab
from startdeliver.workflows.models import Enrolment

SIZE = 30
# How many more entries than a page sources return, so that entries of one moment are not separated.
MARGIN = 20
KINDS = (
    ("", "All"),
    ("health", "Health"),
    ("fields", "Fields"),
    ("people", "Users"),
    ("workflows", "Workflows"),
    ("intercom", "Sent to Intercom"),
)
_TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True)
class Line:
    """A value that changed, in words. An empty text means no value."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """An event of the timeline. `text` is a plain sentence, `by` says who or what caused it.

    `health`: the statuses before and after of a health that changed, shown as such. `whole_day`: only the day is known.
    Neighbours with the same `alike` become one sentence: `many`, with {n} for their number.
    """

    at: datetime
    kind: str
    icon: str
    text: str
    by: str = ""
    lines: tuple[Line, ...] = ()
    link: str = ""
    health: tuple[str | None, str | None] | None = None
    whole_day: bool = False
    alike: str = ""
    many: str = ""
    count: int = 1


@dataclass(frozen=True)
class Day:
    """The entries of one calendar day of the member's time zone."""

    day: date
    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Timeline:
    """A page. `older`: the moment before which the next page begins, empty if there is none."""

    days: list[Day]
    older: str


Source = Callable[[Customer, datetime, int], Sequence[Entry]]


def timeline(customer: Customer, sources: Sequence[Source], before: datetime | None, zone: ZoneInfo) -> Timeline:
    """Returns the page of entries before `before` (None: the newest), in days of the time zone `zone`."""
    # Slightly in the future, to include what this request has just computed.
    until = before or clock.now() + timedelta(minutes=5)
    found = [entry for source in sources for entry in source(customer, until, SIZE + MARGIN)]
    found.sort(key=lambda entry: entry.at, reverse=True)
    shown = found[:SIZE]
    while len(shown) < len(found) and found[len(shown)].at == shown[-1].at:
        shown.append(found[len(shown)])
    older = shown[-1].at.isoformat() if len(found) > len(shown) else ""
    today = clock.now().astimezone(zone).date()
    days = [
        Day(day, _title(day, today), _merged(list(entries)))
        for day, entries in groupby(shown, key=lambda entry: entry.at.astimezone(zone).date())
    ]
    return Timeline(days, older)


def moment(text: str) -> datetime | None:
    """Returns the moment in an address; None for anything else."""
    try:
        parsed = datetime.fromisoformat(text) if len(text) <= 40 else None
    except ValueError:
        return None
    return parsed if parsed and parsed.tzinfo else None


def _title(day: date, today: date) -> str:
    words = {0: "Today", 1: "Yesterday"}.get((today - day).days)
    return f"{words}, {formats.day(day)}" if words else formats.day(day)


def _merged(entries: list[Entry]) -> list[Entry]:
    """Merges similar neighbours of about the same moment: a bulk change is one event."""
    merged: list[Entry] = []
    for entry in entries:
        last = merged[-1] if merged else None
        if last and entry.alike and last.alike == entry.alike and last.at - entry.at <= _TOGETHER:
            count = last.count + entry.count
            merged[-1] = replace(last, count=count, text=last.many.format(n=formats.plural(count, "user")), lines=())
        else:
            merged.append(entry)
    return merged


def tab_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """A page of the timeline: ?tab=activity&kind=health&before=<moment>, in days of the member's time zone."""
    kind = choice(request.GET, "kind", SOURCES)
    sources = SOURCES[kind] if kind else [source for each in SOURCES.values() for source in each]
    before = moment(request.GET.get("before", ""))
    url = f"/customers/{customer.pk}?tab=activity"
    return {
        "timeline": timeline(customer, sources, before, ZoneInfo(timezone.get_current_timezone_name())),
        "kind": kind,
        "before": before,
        "kinds": [Tab(label, f"{url}&kind={key}" if key else url, key == kind) for key, label in KINDS],
    }


_USERS = {
    Activity.Kind.USER_IN: ("move", "{who} came from another customer", "{n} came from another customer"),
    Activity.Kind.USER_OUT: ("move", "{who} went to another customer", "{n} went to another customer"),
    Activity.Kind.USER_LEFT: ("user", "{who} has left", "{n} have left"),
    Activity.Kind.USER_BACK: ("user-plus", "{who} is back", "{n} are back"),
    Activity.Kind.USER_ARCHIVED: ("archive", "{who} was archived", "{n} were archived"),
    Activity.Kind.USER_RESTORED: ("restore", "{who} was restored", "{n} were restored"),
}
_LONG = 120
# Customers rarely enter and leave a workflow, and nobody reads further back than this.
_ENROLMENTS = 500


def usage_health(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """Changes of usage health."""
    rows = HealthChange.objects.filter(customer=customer, at__lt=before).order_by("-at", "-pk")[:most]
    link = f"/customers/{customer.pk}?tab=usage"
    return [
        Entry(row.at, "health", "chart", "Usage health", link=link, health=(row.previous_status, row.status))
        for row in rows
    ]


def support_health(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """Changes of support health: the latest to the second, earlier ones from the daily snapshots, by the day."""
    zone = ZoneInfo(customer.organization.time_zone)
    link = f"/tickets?customer={customer.pk}"
    known: list[tuple[Any, str | None]] = [(None, None)]
    known += (
        SupportSnapshot.objects.filter(customer=customer, reconstructed=False)
        .order_by("day")
        .values_list("day", "status")
    )
    changes = [(day, old, new) for (_, old), (day, new) in pairwise(known) if old != new]
    now = SupportHealth.objects.filter(customer=customer, changed_at__isnull=False).first()
    entries = []
    if now is not None and now.changed_at is not None and now.status != now.previous_status:
        on = now.changed_at.astimezone(zone).date()
        # The snapshot of that day says the same, less precisely.
        changes = [change for change in changes if change[0] < on]
        entries.append((now.changed_at, now.previous_status, now.status, False))
    entries += [(datetime.combine(day, time(0), zone), old, new, True) for day, old, new in reversed(changes)]
    return [
        Entry(at, "health", "health", "Support health", link=link, health=(old, new), whole_day=whole)
        for at, old, new, whole in entries
        if at < before
    ][:most]


def assessments(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """Changes of the assessment's status, and members' corrections."""
    link = f"/customers/{customer.pk}/assessment"
    rows = list(
        Assessment.objects.filter(customer=customer).order_by("created_at", "pk").values_list("created_at", "status")
    )
    entries = []
    for (_, old), (at, new) in pairwise([(None, None), *rows]):
        if old != new and at is not None and at < before:
            lines = (Line("", _status(old), _status(new)),)
            entries.append(Entry(at, "health", "info", "Assessment", link=link, lines=lines))
    for remark in Feedback.objects.filter(customer=customer, created_at__lt=before).order_by("-created_at")[:most]:
        text = f"The assessment was marked as wrong: “{_short(remark.reason)}”"
        entries.append(Entry(remark.created_at, "health", "note", text, by=remark.member_name, link=link))
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:most]


def fields(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """Changed fields with the previous value, and when the customer was added, archived and restored."""
    kinds = (Activity.Kind.CHANGED, Activity.Kind.ARCHIVED, Activity.Kind.RESTORED)
    rows = Activity.objects.filter(customer=customer, kind__in=kinds, at__lt=before).order_by("-at", "-pk")[:most]
    words = _Words(customer)
    entries = []
    for row in rows:
        if row.kind != Activity.Kind.CHANGED:
            icon, word = ("archive", "Archived") if row.kind == Activity.Kind.ARCHIVED else ("restore", "Restored")
            entries.append(Entry(row.at, "fields", icon, f"{word} as a customer", by=_by(row.by)))
            continue
        lines, sources = words.lines(row.changes)
        if lines:
            names = ", ".join(line.label for line in lines)
            text = f"{names} changed" if len(lines) < 4 else f"{len(lines)} fields changed"
            entries.append(Entry(row.at, "fields", "edit", text, by=sources or _by(row.by), lines=lines))
    if customer.created_at < before and len(entries) < most:
        source, _ = describe((customer.field_sources or {}).get("name"))
        entries.append(Entry(customer.created_at, "fields", "plus", "Added as a customer", by=source))
    return entries


def people(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """Users who were added (together by the day), moved, left or came back."""
    return sorted(
        [*_added(customer, before, most), *_moved(customer, before, most)], key=lambda entry: entry.at, reverse=True
    )[:most]


def intercom(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """What was written to the customer's company in Intercom in the last 90 days."""
    rows = PushLog.objects.filter(model="company", record=customer.pk, at__lt=before).order_by("-at", "-pk")[:most]
    entries = []
    for row in rows:
        after = row.after if isinstance(row.after, dict) else {}
        old = row.before if isinstance(row.before, dict) else {}
        lines = tuple(
            Line(name, _sent(name, old.get(name)), _sent(name, value)) for name, value in sorted(after.items())
        )
        failed = row.outcome == PushLog.Outcome.FAILED
        text = "Intercom did not take a change" if failed else "Sent to Intercom"
        entries.append(Entry(row.at, "intercom", "alert" if failed else "external", text, by=row.sentence, lines=lines))
    return entries


def workflows(customer: Customer, before: datetime, most: int) -> list[Entry]:
    """Workflows that the customer entered and left, with the reason."""
    link = f"/customers/{customer.pk}?tab=workflows"
    rows = Enrolment.objects.filter(customer=customer).select_related("workflow").order_by("-entered_at", "-pk")
    entries = []
    for row in rows[:_ENROLMENTS]:
        name = row.workflow.name
        ended = [(row.left_at, f"Left {name}", row.left_by, row.left_reason)]
        for at, text, by, why in [*ended, (row.entered_at, f"Entered {name}", row.entered_by, row.entered_reason)]:
            if at is not None and at < before:
                lines = (Line("Why", "", _short(why)),) if why else ()
                entries.append(Entry(at, "workflows", "workflows", text, by=_by(by), lines=lines, link=link))
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:most]


SOURCES: dict[str, tuple[Source, ...]] = {
    "health": (usage_health, support_health, assessments),
    "fields": (fields,),
    "people": (people,),
    "workflows": (workflows,),
    "intercom": (intercom,),
}


def _added(customer: Customer, before: datetime, most: int) -> list[Entry]:
    arrived = Activity.objects.filter(customer=customer, kind=Activity.Kind.USER_IN).values("user_id")
    users = CustomerUser.objects.filter(customer=customer).exclude(pk__in=arrived)
    days = (
        users.annotate(day=TruncDate("created_at", tzinfo=ZoneInfo(customer.organization.time_zone)))
        .values_list("day")
        .annotate(n=Count("pk"), at=Max("created_at"), first=Min("pk"), last=Max("pk"))
        .filter(at__lt=before)
        .order_by("-at")[:most]
    )
    found = list(days)
    names = CustomerUser.objects.in_bulk([pk for row in found for pk in row[3:]])
    link = f"/customers/{customer.pk}?tab=users"
    entries = []
    for _, number, at, first, last in found:
        shown = [str(names[pk]) for pk in dict.fromkeys((first, last)) if pk in names]
        if number > len(shown):
            text = f"{formats.plural(number, 'user')} were added: {', '.join(shown)} and {number - len(shown):,} more"
        else:
            text = f"{' and '.join(shown)} {'was' if number == 1 else 'were'} added"
        to = f"/users/{first}" if number == 1 else link
        entries.append(Entry(at, "people", "user-plus", text, link=to))
    return entries


def _moved(customer: Customer, before: datetime, most: int) -> list[Entry]:
    rows = (
        Activity.objects.filter(customer=customer, kind__in=list(_USERS), at__lt=before)
        .values_list("kind", "at", "by")
        .annotate(n=Count("pk"), first=Min("user_id"), row=Max("pk"))
        .order_by("-at", "kind", "by")[:most]
    )
    found = list(rows)
    names = CustomerUser.objects.in_bulk({row[4] for row in found if row[4] is not None})
    changes = dict(
        Activity.objects.filter(pk__in=[row[5] for row in found if row[3] == 1]).values_list("pk", "changes")
    )
    homes = Customer.objects.in_bulk(
        {pk for change in changes.values() for pk in change.get("customer", []) if pk is not None}
    )
    entries = []
    for kind, at, by, number, user, row in found:
        icon, one, many = _USERS[Activity.Kind(kind)]
        pair = changes.get(row, {}).get("customer", [])
        if number == 1:
            text = one.format(who=str(names[user]) if user in names else "A user who was deleted since")
            other = pair[1 if kind == Activity.Kind.USER_OUT else 0] if len(pair) == 2 else None
            if pair:
                name = homes[other].name if other in homes else "no customer"
                text = text.replace("another customer", name)
        else:
            text = many.format(n=formats.plural(number, "user"))
        link = f"/users/{user}" if number == 1 and user in names else ""
        entries.append(
            Entry(at, "people", icon, text, by=_by(by), link=link, alike=f"{kind} {by}", many=many, count=number)
        )
    return entries


class _Words:
    """The values of a customer's fields in words, without hidden and deleted fields."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.standard = {name: (label, kind) for name, label, kind in CUSTOMER_FACTS}
        visible = [field for field in fields_of("customer") if field.visibility != CustomField.Visibility.HIDDEN]
        self.own = {field.alias: field for field in visible}
        self.members: dict[int, str] | None = None

    def lines(self, changes: Any) -> tuple[tuple[Line, ...], str]:
        """Returns a line for each field that changed, and who or what changed the first of them."""
        lines, by = [], ""
        for name, change in changes.items() if isinstance(changes, dict) else ():
            if isinstance(change, list) and len(change) == 3 and (name in self.standard or name in self.own):
                label = self.standard[name][0] if name in self.standard else self.own[name].name
                lines.append(Line(label, self._word(name, change[0]), self._word(name, change[1])))
                by = by or describe(change[2])[0]
        order = [*(label for label, _ in self.standard.values()), *(field.name for field in self.own.values())]
        return tuple(sorted(lines, key=lambda line: order.index(line.label))), by

    def _word(self, name: str, value: Any) -> str:
        if value is None or value == "" or value == []:
            return ""
        if name in self.own:
            try:
                return _short(own_words(value, self.own[name]))
            except (ValueError, TypeError):
                return _short(str(value))
        if name == "csm":
            return self._member(value)
        kind = self.standard[name][1]
        if kind == "money":
            try:
                return formats.money(Decimal(str(value)), self.customer.organization.currency)
            except InvalidOperation:
                return str(value)
        if kind == "date":
            return formats.day(datetime.fromisoformat(str(value)).date())
        return _plain(value)

    def _member(self, pk: Any) -> str:
        if self.members is None:
            every = Member.objects.of(self.customer.organization)
            self.members = {member.pk: member.display_name for member in every}
        return self.members.get(pk, "a member who is gone")


def _by(name: str) -> str:
    return {"": "", "Intercom": "From Intercom"}.get(name, f"By {name}")


def _status(value: str | None) -> str:
    return str(Status(value).label) if value else ""


def _sent(name: str, value: Any) -> str:
    """Returns the value of an attribute in Intercom."""
    return formats.intercom_date(value) if formats.is_intercom_date(name, value) else _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _short(", ".join(map(str, value)))
    return _short(f"{value:,}" if isinstance(value, int) else str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG - 1].rstrip()}…"
