"""What the customers list is asked for, read from its address: filters, columns and order, custom fields included.

The address is the whole state of the list, so that it can be linked, saved as a list and exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from startdeliver.assessment.statuses import Status
from startdeliver.customers import custom, selectors
from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import CustomField
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.models import Member

LIST = "/customers"
NOTHING = "-none-"
_STANDARD = ("q", "health", "csm", "archived", "assessment")


@dataclass(frozen=True)
class Column:
    """A column of the list. `sort`: what a click on its head sorts by, empty when it cannot be sorted."""

    key: str
    label: str
    sort: str = ""
    cls: str = ""
    first: str = "asc"
    title: str = ""
    field: CustomField | None = None


COLUMNS: tuple[Column, ...] = (
    Column("assessment", "Assessment", "", "", "desc"),
    Column("health", "Support health", "health", "", "desc"),
    Column("open", "Open", "open", "num", "desc", "Open tickets"),
    Column("overdue", "Overdue", "overdue", "num", "desc", "Overdue tickets"),
    Column("users", "Users", "users", "num", "desc"),
    Column("login", "Last seen", "login", "", "desc", "When one of its users was last seen"),
    Column("arr", "ARR", "arr", "num", "desc"),
    Column("renewal", "Renewal", "renewal"),
    Column("csm", "CSM", "csm"),
    Column("external_id", "Your ID"),
    Column("domain", "Domain"),
    Column("plan", "Plan"),
    Column("industry", "Industry"),
    Column("size", "Employees", "", "num"),
    Column("monthly_spend", "Monthly spend", "", "num"),
)
DEFAULT = tuple(column.key for column in COLUMNS[:9] if column.key != "users")


@dataclass(frozen=True)
class FieldFilter:
    """What is asked of one custom field: `values` by parameter name, in words, and as a condition."""

    field: CustomField
    values: Mapping[str, str]
    words: str
    condition: Q


@dataclass(frozen=True)
class Asked:
    """The list as it is asked for. `params`: the parts of the address that are filters, without empty ones."""

    params: dict[str, list[str]]
    filters: selectors.CustomerFilters
    search: str
    sort: str
    csm_text: str
    columns: list[Column]
    chosen: bool
    own: list[FieldFilter]
    verdict: str
    fields: list[CustomField]
    list_id: int | None

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.params)

    @property
    def keys(self) -> list[str]:
        """The chosen columns, none when they are the usual ones."""
        return [column.key for column in self.columns] if self.chosen else []

    def address(self, without: Iterable[str] = (), path: str = LIST, **more: str) -> str:
        """The list's address without these parameters and with `more`."""
        return address(self.params, self.keys, self.sort, self.list_id, without=without, path=path, **more)


def asked(params: QueryDict, member: Member) -> Asked:
    """Reads an address. What it does not know, or what fits no field, is passed over."""
    fields = [one for one in fields_of("customer") if one.visibility != CustomField.Visibility.HIDDEN]
    search = params.get("q", "").strip()[:200]
    csm_text = params.get("csm", "")
    own = [found for one in fields if (found := _filter(one, params)) is not None]
    verdict = params.get("assessment", "")
    verdict = verdict if verdict in Status.values else ""
    filters = selectors.CustomerFilters(
        health=params.get("health", ""),
        csm=_csm(csm_text, member),
        archived=params.get("archived") == "1",
        fields=(*(found.condition for found in own), *([Q(assessment__status=verdict)] if verdict else [])),
    )
    kept = {
        "q": search,
        "health": filters.health if filters.health in selectors.HEALTHS else "",
        "csm": csm_text if filters.csm is not None else "",
        "archived": "1" if filters.archived else "",
        "assessment": verdict,
    }
    for found in own:
        kept |= found.values
    sort = params.get("sort", "")[:100] or selectors.DEFAULT_SORT
    if custom.is_alias(sort.removeprefix("-")) and sort.removeprefix("-") not in {one.alias for one in fields}:
        sort = selectors.DEFAULT_SORT
    columns, chosen = _columns(params.get("columns", ""), fields)
    list_text = params.get("list", "")
    return Asked(
        params={key: [value] for key, value in kept.items() if value},
        filters=filters,
        search=search,
        sort=sort,
        csm_text=csm_text,
        columns=columns,
        chosen=chosen,
        own=own,
        verdict=verdict,
        fields=fields,
        list_id=int(list_text) if list_text.isdecimal() and len(list_text) < 18 else None,
    )


def address(
    params: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    sort: str,
    list_id: int | None = None,
    *,
    without: Iterable[str] = (),
    path: str = LIST,
    **more: str,
) -> str:
    """The address of a list with these filters, columns and order."""
    left_out = set(without)
    pairs = [(key, value) for key, values in params.items() if key not in left_out for value in values]
    extra = {"columns": ",".join(columns), "sort": "" if sort == selectors.DEFAULT_SORT else sort}
    extra |= {"list": str(list_id or "")} | more
    pairs += [(key, value) for key, value in extra.items() if value and key not in left_out]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _columns(text: str, fields: Sequence[CustomField]) -> tuple[list[Column], bool]:
    known = {column.key: column for column in [*COLUMNS, *map(own_column, fields)]}
    keys = list(dict.fromkeys(key for key in text.split(",") if key in known))
    return [known[key] for key in keys or DEFAULT], bool(keys) and tuple(keys) != DEFAULT


def own_column(field: CustomField) -> Column:
    """The column of a custom field."""
    number = field.type == CustomField.Type.NUMBER
    return Column(field.alias, field.name, field.alias, "num" if number else "", "desc" if number else "asc", "", field)


def _filter(field: CustomField, params: QueryDict) -> FieldFilter | None:
    """What the address asks of a field: alias=…, or for numbers and days alias-min and alias-max."""
    column = custom.column_of(field)
    names = (field.alias, f"{field.alias}-min", f"{field.alias}-max")
    given = {name: text for name in names if (text := params.get(name, "").strip()[:500])}
    if not given:
        return None
    if given.get(field.alias) == NOTHING:
        return FieldFilter(field, {field.alias: NOTHING}, "is empty", ~custom.has(field, Q()))
    if field.type == CustomField.Type.TEXT:
        text = given.get(field.alias, "")
        if not text:
            return None
        return FieldFilter(field, {field.alias: text}, f"contains “{text}”", custom.has(field, Q(text__icontains=text)))
    condition, words, values = Q(), [], {}
    lookups = {field.alias: ("", "is"), f"{field.alias}-min": ("__gte", "from"), f"{field.alias}-max": ("__lte", "to")}
    for name, text in given.items():
        if name != field.alias and field.type not in (CustomField.Type.NUMBER, CustomField.Type.DATE):
            continue
        lookup, word = lookups[name]
        try:
            value: Any = custom.value_of(field, text)
        except FieldError:
            # An option that was taken away since is still on records.
            if field.type != CustomField.Type.DROPDOWN:
                continue
            value = text
        condition &= Q(**{f"{column}{lookup}": value})
        words.append(f"{word} {('yes' if value else 'no') if isinstance(value, bool) else value}")
        values[name] = text
    return FieldFilter(field, values, " ".join(words), custom.has(field, condition)) if values else None


def _csm(text: str, member: Member) -> int | None:
    if text == "me":
        return member.pk
    if text == "none":
        return 0
    return int(text) if text.isdecimal() and len(text) < 18 and int(text) else None
