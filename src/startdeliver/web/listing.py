"""The state of the customers list, read from its address: filters, columns and order, including custom fields.

The address contains the whole state of the list, so that it can be linked, saved as a list and exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from startdeliver.assessment.statuses import Status
from startdeliver.common.health import NONE, health_label
from startdeliver.common.values import BadValue
from startdeliver.customers import custom, selectors
from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import CustomField
from startdeliver.tenancy.models import Member
from startdeliver.usage.models import Product, ProductHealth, UsageHealth
from startdeliver.usage.selectors import live_products
from startdeliver.web.params import choice, csm_of, id_of, row_of, search_text
from startdeliver.workflows.models import Workflow
from startdeliver.workflows.selectors import enrolled_q

LIST = "/customers"
NOTHING = "-none-"
WORKFLOW = "workflow"
PRODUCT = "product-"


@dataclass(frozen=True)
class Column:
    """A column of the list. `sort`: what a click on its header sorts by, empty if it cannot be sorted."""

    key: str
    label: str
    sort: str = ""
    cls: str = ""
    first: str = "asc"
    title: str = ""
    field: CustomField | None = None


COLUMNS: tuple[Column, ...] = (
    Column("assessment", "Assessment", "", "", "desc"),
    Column("usage", "Usage health", "usage", "", "desc", "Usage health, and each product's"),
    Column("health", "Support health", "health", "", "desc"),
    Column("open", "Open", "open", "num", "desc", "Open tickets"),
    Column("overdue", "Overdue", "overdue", "num", "desc", "Overdue tickets"),
    Column("users", "Users", "users", "num", "desc"),
    Column("login", "Last login", "login", "", "desc", "The newest login of its users; where none is known, last seen"),
    Column("arr", "ARR", "arr", "num", "desc"),
    Column("renewal", "Renewal", "renewal"),
    Column("csm", "CSM", "csm"),
    Column("products", "Usage by product"),
    Column("workflows", "Workflows"),
    Column("external_id", "Your ID"),
    Column("domain", "Domain"),
    Column("plan", "Plan"),
    Column("industry", "Industry"),
    Column("size", "Employees", "", "num"),
    Column("monthly_spend", "Monthly spend", "", "num"),
)
DEFAULT = tuple(column.key for column in COLUMNS[:10] if column.key != "users")


@dataclass(frozen=True)
class FieldFilter:
    """A filter by a custom field, product or workflow: `values` by parameter name, in words, and as a condition."""

    field: CustomField | Product | Workflow
    values: Mapping[str, str]
    words: str
    condition: Q


@dataclass(frozen=True)
class Asked:
    """The requested list. `params`: the filters of the address, without empty ones."""

    params: dict[str, list[str]]
    filters: selectors.CustomerFilters
    search: str
    sort: str
    csm_text: str
    columns: list[Column]
    chosen: bool
    own: list[FieldFilter]
    verdict: str
    usage: str
    fields: list[CustomField]
    products: list[Product]
    list_id: int | None

    @property
    def narrowed(self) -> bool:
        """Whether any filter is active."""
        return bool(self.params)

    @property
    def keys(self) -> list[str]:
        """The chosen columns; empty for the default."""
        return [column.key for column in self.columns] if self.chosen else []

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every parameter of the address, for the hidden inputs of forms that keep them."""
        return _pairs(self.params, self.keys, self.sort, self.list_id)

    def address(self, without: Iterable[str] = (), path: str = LIST, **more: str) -> str:
        """Returns the list's address without these parameters and with `more`."""
        return address(self.params, self.keys, self.sort, self.list_id, without=without, path=path, **more)


def asked(params: QueryDict, member: Member) -> Asked:
    """Reads an address. Unknown parameters and invalid values are ignored."""
    fields = [one for one in fields_of("customer") if one.visibility != CustomField.Visibility.HIDDEN]
    search = search_text(params)
    csm_text = params.get("csm", "")
    products = live_products()
    own = [found for one in fields if (found := field_filter(one, params)) is not None]
    own += [found for one in products if (found := _of_product(one, params)) is not None]
    own += _of_workflow(params)
    verdict = choice(params, "assessment", Status.values)
    usage = choice(params, "usage", selectors.HEALTHS)
    conditions = [found.condition for found in own]
    conditions += [Q(assessment__status=verdict)] if verdict else []
    conditions += [_usage_is(usage, member, params.get("sort", ""))] if usage else []
    filters = selectors.CustomerFilters(
        health=params.get("health", ""),
        csm=csm_of(csm_text, member),
        archived=params.get("archived") == "1",
        fields=tuple(conditions),
    )
    kept = {
        "q": search,
        "health": filters.health if filters.health in selectors.HEALTHS else "",
        "csm": csm_text if filters.csm is not None else "",
        "archived": "1" if filters.archived else "",
        "assessment": verdict,
        "usage": usage,
    }
    for found in own:
        kept |= found.values
    sort = params.get("sort", "")[:100] or selectors.DEFAULT_SORT
    if custom.is_alias(sort.removeprefix("-")) and sort.removeprefix("-") not in {one.alias for one in fields}:
        sort = selectors.DEFAULT_SORT
    columns, chosen = _columns(params.get("columns", ""), fields, bool(products))
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
        usage=usage,
        fields=fields,
        products=products,
        list_id=id_of(params.get("list", "")),
    )


def _of_workflow(params: QueryDict) -> list[FieldFilter]:
    """Returns the filter by workflow: workflow=id, for customers who are in it now."""
    text = params.get(WORKFLOW, "")
    workflow = row_of(Workflow.objects, text)
    return [FieldFilter(workflow, {WORKFLOW: text}, "workflow", enrolled_q(workflow.pk))] if workflow else []


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
    """Returns the address of a list with these filters, columns and order."""
    left_out = set(without)
    pairs = [pair for pair in _pairs(params, columns, sort, list_id, **more) if pair[0] not in left_out]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _pairs(
    params: Mapping[str, Sequence[str]], columns: Sequence[str], sort: str, list_id: int | None, **more: str
) -> list[tuple[str, str]]:
    extra = {"columns": ",".join(columns), "sort": "" if sort == selectors.DEFAULT_SORT else sort}
    extra |= {"list": str(list_id or "")} | more
    filters = [(key, value) for key, values in params.items() for value in values]
    return [*filters, *((key, value) for key, value in extra.items() if value)]


def _columns(text: str, fields: Sequence[CustomField], measured: bool) -> tuple[list[Column], bool]:
    known = {column.key: column for column in [*COLUMNS, *map(own_column, fields)]}
    keys = list(dict.fromkeys(key for key in text.split(",") if key in known))
    # Without products there is no usage health.
    usual = tuple(key for key in DEFAULT if measured or key != "usage")
    return [known[key] for key in keys or usual], bool(keys) and tuple(keys) != usual


def own_column(field: CustomField) -> Column:
    """Returns the column of a custom field."""
    number = field.type == CustomField.Type.NUMBER
    return Column(field.alias, field.name, field.alias, "num" if number else "", "desc" if number else "asc", "", field)


def field_filter(field: CustomField, params: QueryDict) -> FieldFilter | None:
    """Returns the filter by a field: alias=…, or for numbers and days alias-min and alias-max."""
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
        except BadValue:
            # Records may have an option that was removed since.
            if field.type != CustomField.Type.DROPDOWN:
                continue
            value = text
        condition &= Q(**{f"{column}{lookup}": value})
        words.append(f"{word} {('yes' if value else 'no') if isinstance(value, bool) else value}")
        values[name] = text
    return FieldFilter(field, values, " ".join(words), custom.has(field, condition)) if values else None


def _of_product(product: Product, params: QueryDict) -> FieldFilter | None:
    """Returns the filter by one product's health: product-<id>=poor."""
    name = f"{PRODUCT}{product.pk}"
    wanted = params.get(name, "")
    if wanted not in selectors.HEALTHS:
        return None
    rows = ProductHealth.objects.filter(product=product.pk, status__isnull=False)
    if wanted == NONE:
        condition = ~Q(pk__in=rows.values("customer"))
    else:
        condition = Q(pk__in=rows.filter(status=wanted).values("customer"))
    words = "without data" if wanted == NONE else f"is {health_label(wanted)}"
    return FieldFilter(product, {name: wanted}, words, condition)


def _usage_is(health: str, member: Member, sort: str) -> Q:
    if health == NONE:
        return Q(usage_health__status__isnull=True)
    if not sort:
        # The default order reads support health. Joining one table less takes half the time.
        return Q(pk__in=UsageHealth.objects.filter(status=health).values("customer"))
    # The organization again, for the table of health, whose index begins with it.
    return Q(usage_health__organization=member.organization_id, usage_health__status=health)
