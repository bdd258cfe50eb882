"""Filtering and sorting 100,000 customers by custom fields: the statements that lists and the API send."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.harness import Figures, Watch, arguments, fresh_database, median_and_slowest, settle


def main() -> None:
    options = arguments(__doc__ or "")
    customers = 10_000 if options.small else 100_000
    with fresh_database(options.database):
        from django.db.models import Q

        from benchmarks.generate import fill
        from startdeliver.customers import custom
        from startdeliver.customers.fields import field_create
        from startdeliver.customers.models import Customer
        from startdeliver.customers.selectors import CustomerFilters, customers_page, health_counts
        from startdeliver.tenancy.scope import organization_scope

        organization = fill(customers, 10)
        draw = random.Random(1)  # the same ones in each run
        figures = Figures("custom fields", options.database)
        with organization_scope(organization):
            kinds: dict[str, dict[str, Any]] = {
                "text": {},
                "number": {},
                "date": {},
                "boolean": {},
                "dropdown": {"options": ["Red", "Amber", "Green", "None of them"]},
            }
            fields = {
                kind: field_create(
                    organization=organization, by="bench", entity="customer", name=f"A {kind}", type=kind, **more
                )
                for kind, more in kinds.items()
            }
            values: dict[str, Any] = {
                "text": lambda: f"Value {draw.randrange(50_000)}",
                "number": lambda: draw.randrange(1_000_000) / 4,
                "date": lambda: f"20{draw.randrange(20, 32)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}",
                "boolean": lambda: draw.random() < 0.5,
                "dropdown": lambda: draw.choice(kinds["dropdown"]["options"]),
            }
            ids = list(Customer.objects.values_list("pk", flat=True))
            with Watch() as watch:
                for kind, field in fields.items():
                    rows = [(pk, field, values[kind]()) for pk in ids if draw.random() < 0.9]
                    custom.write_many("customer", rows)
            figures.add("value rows written", len(ids) * 5 * 9 // 10 / watch.seconds, "a second")
            settle()

            def page(filters: Any = None, sort: str = "worse", start: int = 0) -> int:
                return len(customers_page(filters, sort, start=start, stop=start + 51))

            def api(condition: Q, sort: str = "", offset: int = 0) -> int:
                rows = Customer.objects.filter(condition, archived_at__isnull=True).order_by("pk")
                if sort:
                    return len(custom.sorted_ids(rows, fields[sort], True, offset, offset + 500))
                return len(rows.order_by("name", "pk").values_list("pk", flat=True)[offset : offset + 500])

            day = "2026-06-01"
            by_number = fields["number"].alias
            cases: list[tuple[str, Any]] = []
            for kind, field in fields.items():
                cases.append((f"list by {kind}", lambda field=field: page(sort=field.alias)))
                cases.append((f"list by {kind}, the other way", lambda field=field: page(sort=f"-{field.alias}")))
                cases.append((f"API by {kind}, page at the end", lambda kind=kind: api(Q(), kind, customers - 500)))
            narrow = {
                "few texts": ("text", Q(text="Value 77")),
                "a range of numbers": ("number", Q(number__gte=200_000)),
                "days before one": ("date", Q(date__lt=day)),
                "yes": ("boolean", Q(flag=True)),
                "an option": ("dropdown", Q(text="Red")),
                "any value": ("text", Q()),
            }
            for what, (kind, condition) in narrow.items():
                filters = CustomerFilters(fields=(custom.has(fields[kind], condition),))
                cases.append((f"list of {what}", lambda filters=filters: page(filters)))
                cases.append((f"counts of {what}", lambda filters=filters: health_counts(filters)["none"]))
                cases.append((f"list of {what}, by number", lambda filters=filters: page(filters, by_number)))
                found = custom.has(fields[kind], condition)
                cases.append((f"API of {what}", lambda found=found: api(found)))
                cases.append((f"API of all but {what}, by number", lambda found=found: api(~found, "number")))
            for what, call in cases:
                call()
                median, slowest = median_and_slowest(call, 9)
                figures.add(what, median, "ms", "under 200")
                figures.add(f"{what}, slowest", slowest, "ms")
        figures.show()


if __name__ == "__main__":
    main()
