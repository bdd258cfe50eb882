"""product and usagetype: what is measured, and how usage health comes of it (Settings → Products)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entities.field import require_administrator
from startdeliver.api.entity import Context, Entity, Field, Row, Writes, register
from startdeliver.api.kinds import ID, Boolean, Choice, Ids, Integer, Number, Text
from startdeliver.usage import services
from startdeliver.usage.models import Basis, Goal, Product, ProductUsageType, UsageType

_PAIRS = "product usage types"


def _types(row: Row, context: Context) -> list[int]:
    """The attached usage types; all pairs are looked up once for a request, since products are few."""
    if _PAIRS not in context.memo:
        pairs: dict[int, list[int]] = {}
        for product, usage_type in ProductUsageType.objects.order_by("pk").values_list("product_id", "usage_type_id"):
            pairs.setdefault(product, []).append(usage_type)
        context.memo[_PAIRS] = pairs
    found: list[int] = context.memo[_PAIRS].get(row["pk"], [])
    return found


def _create_product(context: Context, values: Mapping[str, Any]) -> int:
    require_administrator(context)
    context.memo.pop(_PAIRS, None)
    return services.product_create(organization=context.organization, by=context.caller.name, values=values).pk


def _update_product(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    require_administrator(context)
    context.memo.pop(_PAIRS, None)
    services.product_update(product=Product.objects.get(pk=pk), by=context.caller.name, values=values)


def _archive_product(context: Context, pk: int) -> None:
    require_administrator(context)
    services.product_archive(product=Product.objects.get(pk=pk), by=context.caller.name)


def _create_type(context: Context, values: Mapping[str, Any]) -> int:
    require_administrator(context)
    return services.usage_type_create(organization=context.organization, by=context.caller.name, values=values).pk


def _update_type(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    require_administrator(context)
    services.usage_type_update(usage_type=UsageType.objects.get(pk=pk), by=context.caller.name, values=values)


def _archive_type(context: Context, pk: int) -> None:
    require_administrator(context)
    services.usage_type_archive(usage_type=UsageType.objects.get(pk=pk), by=context.caller.name)


def _narrow_type(value: int, context: Context) -> Q:
    return Q(Exists(ProductUsageType.objects.filter(product=OuterRef("pk"), usage_type=value)))


def _product_rows(context: Context) -> QuerySet[Any]:
    return Product.objects.all()


def _type_rows(context: Context) -> QuerySet[Any]:
    return UsageType.objects.all()


def _switch(name: str, column: str, description: str, default: bool = False) -> Field:
    return Field(
        name=name,
        kind=Boolean(),
        column=column,
        writable=True,
        nullable=False,
        default=default,
        description=description,
    )


USAGE_TYPE = register(
    Entity(
        name="usagetype",
        plural="usage types",
        description="One kind of thing that users do, for example “Invoice created”.",
        model=UsageType,
        rows=_type_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        writes=Writes(
            create=_create_type,
            update=_update_type,
            remove=_archive_type,
            remove_means="Archives the usage type: new events of it are refused, stored ones still count.",
        ),
        fields=(
            common.IDENTITY,
            Field(name="name", kind=Text(100), column="name", writable=True, required=True, nullable=False),
            Field(
                name="alias",
                kind=Text(100),
                column="alias",
                writable=True,
                default="",
                description="The name that programs use; made from the name when not given, fixed after creation.",
            ),
            Field(name="unit", kind=Text(30), column="unit", writable=True, default="", description="Of quantities."),
            _switch("isLogin", "is_login", "Its newest event is the user's last login."),
            Field(
                name="intercomEventName",
                kind=Text(255),
                column="intercom_event_name",
                writable=True,
                default="",
                description="Events of this name in Intercom count as this type.",
            ),
            *common.ARCHIVED,
            *common.STAMPS,
        ),
    )
)

PRODUCT = register(
    Entity(
        name="product",
        plural="products",
        description="One thing whose usage is measured, with the rule of its health.",
        model=Product,
        rows=_product_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        writes=Writes(
            create=_create_product,
            update=_update_product,
            remove=_archive_product,
            remove_means="Archives the product: it leaves usage health. Answers the archived record.",
        ),
        fields=(
            common.IDENTITY,
            Field(name="name", kind=Text(100), column="name", writable=True, required=True, nullable=False),
            Field(
                name="abbreviation",
                kind=Text(3),
                column="abbreviation",
                writable=True,
                default="",
                description="1 to 3 characters; made from the name when it is not given.",
            ),
            Field(
                name="lookBackDays",
                kind=Integer(1, 3650),
                column="look_back_days",
                writable=True,
                nullable=False,
                default=35,
                description="Calendar days of the organization's time zone, today included.",
            ),
            Field(
                name="goalType",
                kind=Choice(tuple(Goal.values)),
                column="goal",
                writable=True,
                nullable=False,
                default=Goal.UNIQUE_DAYS.value,
                description="What is compared with the targets.",
            ),
            Field(
                name="basis",
                kind=Choice(tuple(Basis.values)),
                column="basis",
                writable=True,
                nullable=False,
                default=Basis.CUSTOMER.value,
                description="Whether each user's usage is compared, or the customer's in total.",
            ),
            Field(
                name="percent",
                kind=Integer(1, 100),
                column="percent",
                writable=True,
                nullable=False,
                default=50,
                description="Per user: how many of a hundred users must reach the target.",
            ),
            Field(
                name="fairTarget",
                kind=Number(limit=10**11),
                column="fair_target",
                writable=True,
                required=True,
                nullable=False,
            ),
            Field(
                name="goodTarget",
                kind=Number(limit=10**11),
                column="good_target",
                writable=True,
                required=True,
                nullable=False,
            ),
            Field(
                name="dependentUsageTypeId",
                kind=ID,
                column="dependent_type_id",
                stored="dependent_type",
                writable=True,
                description="Dependent count: the targets are percentages of this type's count.",
            ),
            Field(
                name="fieldAlias",
                kind=Text(100),
                column="field_alias",
                writable=True,
                default="",
                description="Field value: the alias of a number field.",
            ),
            Field(
                name="usageTypeIds",
                kind=Ids(),
                read=_types,
                narrow=_narrow_type,
                stored="usage_types",
                writable=True,
                nullable=False,
                default=[],
                description="The usage types that count.",
            ),
            _switch("onlyUsersWithProduct", "only_users_with_product", "Per user: leave out who never used it."),
            _switch("noNewsIsGoodNews", "no_news_is_good_news", "Less is better, and nothing is Good."),
            _switch("includeInAverage", "include_in_average", "Counts in the customer's usage health.", True),
            Field(name="position", kind=Integer(), column="position", nullable=False),
            *common.ARCHIVED,
            *common.STAMPS,
        ),
    )
)
