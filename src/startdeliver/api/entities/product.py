"""product and usagetype: what is measured, and how usage health comes of it (Settings → Products)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, Row, field_of
from startdeliver.common.values import Ids, Integer, Text
from startdeliver.usage import services
from startdeliver.usage.models import Product, ProductUsageType, UsageType

_TYPES = "product usage types"
_type_field, _field = field_of(UsageType), field_of(Product)


def _attach(rows: list[Row], context: Context) -> None:
    types: dict[int, list[int]] = {row["pk"]: [] for row in rows}
    pairs = ProductUsageType.objects.filter(product__in=types).order_by("pk")
    for product, usage_type in pairs.values_list("product_id", "usage_type_id"):
        types[product].append(usage_type)
    for row in rows:
        row[_TYPES] = types[row["pk"]]


def _narrow_type(value: int, context: Context) -> Q:
    return Q(Exists(ProductUsageType.objects.filter(product=OuterRef("pk"), usage_type=value)))


USAGE_TYPE = Entity(
    name="usagetype",
    plural="usage types",
    description="One kind of thing that users do, for example “Invoice created”.",
    model=UsageType,
    hidden=common.HIDE_ARCHIVED,
    writes=common.writes(UsageType, "usage_type", services.usage_type_create, services.usage_type_update),
    removal=common.archive(
        UsageType,
        "usage_type",
        services.usage_type_archive,
        "Archives the usage type: new events of it are refused, stored ones still count.",
    ),
    fields=(
        common.IDENTITY,
        _type_field("name", writable=True, required=True),
        _type_field(
            "alias",
            "",
            "The name that programs use; made from the name when not given, fixed after creation.",
            nullable=True,
            writable=True,
        ),
        _type_field("unit", "", "Of quantities.", writable=True),
        _type_field("isLogin", "", "Its newest event is the user's last login.", writable=True),
        _type_field(
            "intercomEventName",
            "",
            "Events of this name in Intercom count as this type.",
            writable=True,
        ),
        *common.ARCHIVED,
        *common.STAMPS,
    ),
)

PRODUCT = Entity(
    name="product",
    plural="products",
    description="One thing whose usage is measured, with the rule of its health.",
    model=Product,
    hidden=common.HIDE_ARCHIVED,
    attach=_attach,
    writes=common.writes(Product, "product", services.product_create, services.product_update),
    removal=common.archive(
        Product,
        "product",
        services.product_archive,
        "Archives the product: it leaves usage health. Answers the archived record.",
    ),
    fields=(
        common.IDENTITY,
        _field("name", writable=True, required=True),
        _field(
            "abbreviation",
            "",
            "1 to 3 characters; made from the name when it is not given.",
            kind=Text(3),
            nullable=True,
            writable=True,
        ),
        _field(
            "lookBackDays",
            "",
            "Calendar days of the organization's time zone, today included.",
            kind=Integer(1, 3650),
            writable=True,
        ),
        _field("goalType", "goal", "What is compared with the targets.", writable=True),
        _field(
            "basis",
            "",
            "Whether each user's usage is compared, or the customer's in total.",
            writable=True,
        ),
        _field(
            "percent",
            "",
            "Per user: how many of a hundred users must reach the target.",
            kind=Integer(1, 100),
            writable=True,
        ),
        _field("fairTarget", writable=True, required=True),
        _field("goodTarget", writable=True, required=True),
        _field(
            "dependentUsageTypeId",
            "dependent_type_id",
            "Dependent count: the targets are percentages of this type's count.",
            stored="dependent_type",
            writable=True,
        ),
        _field("fieldAlias", "", "Field value: the alias of a number field.", writable=True),
        Field(
            name="usageTypeIds",
            kind=Ids(),
            read=lambda row, context: row[_TYPES],
            narrow=_narrow_type,
            stored="usage_types",
            writable=True,
            nullable=False,
            default=[],
            description="The usage types that count.",
        ),
        _field("onlyUsersWithProduct", "", "Per user: leave out who never used it.", writable=True),
        _field("noNewsIsGoodNews", "", "Less is better, and nothing is Good.", writable=True),
        _field("includeInAverage", "", "Counts in the customer's usage health.", writable=True),
        _field("position"),
        *common.ARCHIVED,
        *common.STAMPS,
    ),
)
