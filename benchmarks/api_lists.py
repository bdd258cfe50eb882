"""API lists over 100,000 customers with support health, through the whole stack except the socket."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from benchmarks.harness import Figures, arguments, fresh_database, median_and_slowest, settle


def main() -> None:
    options = arguments(__doc__ or "")
    customers = 10_000 if options.small else 100_000
    with fresh_database(options.database):
        from django.db.models import F
        from django.test import Client

        from benchmarks.generate import fill
        from startdeliver.api import auth
        from startdeliver.api.limits import Buckets
        from startdeliver.customers.models import Customer
        from startdeliver.support import health
        from startdeliver.tenancy.models import ApiKey, Member
        from startdeliver.tenancy.scope import organization_scope

        auth.buckets = Buckets(burst=1e9, per_second=1e9)
        organization = fill(customers, customers)
        with organization_scope(organization):
            health.recompute(organization)
            # Rows as wide as in production: a CSM to join, amounts to sort by, and the sync's record of each field.
            source = {"source": "intercom", "at": "2026-01-01T00:00:00+00:00", "by": "Intercom"}
            Customer.objects.update(
                csm=Member.objects.get(organization=organization),
                arr=F("pk") % 9_973,
                plan="Enterprise",
                industry="Software",
                website="https://example.com/a/page",
                tags=["vip", "new"],
                field_sources=dict.fromkeys(("name", "plan", "website", "industry"), source),
            )
            _, key = ApiKey.issue(organization, "Benchmark")
        settle()
        program = Client()

        def ask(query: dict[str, Any]) -> int:
            address = "/api/v1/customer?query=" + quote(json.dumps(query))
            answer = program.get(address, headers={"Authorization": key, "Host": "localhost"})
            assert answer.status_code == 200, answer.content
            return len(answer.json()["result"])

        figures = Figures("api lists", options.database)
        last = customers - 500
        for what, query, claim in (
            ("500 at the start", {"limit": 500}, "under 200"),
            ("500 in the middle", {"limit": 500, "offset": customers // 2}, "under 200"),
            ("500 at the end", {"limit": 500, "offset": last}, "under 200"),
            ("100 at the end", {"limit": 100, "offset": customers - 100}, "under 100"),
            ("500 at the end, by name", {"limit": 500, "offset": last, "sort": "name"}, "under 200"),
            ("500 at the end, by ARR", {"limit": 500, "offset": last, "sort": "-arr"}, "under 200"),
            (
                "500 with fair or poor health",
                {"limit": 500, "filter": {"supportHealth": ["fair", "poor"]}},
                "under 200",
            ),
            ("500 by a wildcard", {"limit": 500, "filter": {"name": "*9*"}}, "under 200"),
        ):
            figures.add(f"{what}, records", ask(query))
            median, slowest = median_and_slowest(lambda query=query: ask(query), 15)
            figures.add(f"{what}, median", median, "ms", claim)
            figures.add(f"{what}, slowest", slowest, "ms")
        figures.show()


if __name__ == "__main__":
    main()
