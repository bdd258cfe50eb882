"""The usage and custom fields of the demo's customers: the same at every start, different per customer."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

_DAYS = 60
_PLANS = ("Monthly", "Yearly", "Three years")


def seed_fields(organization: Any, by: str, customers: Mapping[str, Any]) -> None:
    """Creates three custom fields, filled for every customer."""
    from startdeliver.common import clock
    from startdeliver.customers.fields import field_create
    from startdeliver.customers.services import customer_update

    contract = field_create(
        organization=organization, by=by, entity="customer", name="Contract", type="dropdown", options=_PLANS
    )
    seats = field_create(organization=organization, by=by, entity="customer", name="Seats", type="number")
    live = field_create(organization=organization, by=by, entity="customer", name="Live since", type="date")
    today = clock.today(organization.time_zone)
    for external_id, customer in customers.items():
        mark = _mark(external_id)
        customer_update(
            customer=customer,
            by=by,
            values={
                contract.alias: _PLANS[mark % 3],
                seats.alias: 5 + mark % 20 * 5,
                live.alias: today - timedelta(days=120 + mark % 900),
            },
        )


def seed_usage(organization: Any, by: str, users: Mapping[int, tuple[int, str]], now: datetime) -> None:
    """Creates three products and sixty days of events. `users`: id → (number, external id of the customer)."""
    from startdeliver.usage import health
    from startdeliver.usage.ingest import Event, store
    from startdeliver.usage.services import product_create, usage_type_create

    def kind(name: str, **values: Any) -> Any:
        return usage_type_create(organization=organization, by=by, values={"name": name, **values})

    log_in, report = kind("Log-in", is_login=True), kind("Report opened")
    # The simulated workspace has events of this name and others. They are read once the advanced tier is unlocked.
    export = kind("Export made", intercom_event_name="report-exported")
    product_create(
        organization=organization,
        by=by,
        values={
            "name": "Analytics",
            "abbreviation": "AN",
            "goal": "unique_days",
            "fair_target": 4,
            "good_target": 10,
            "usage_types": [log_in.pk, report.pk],
        },
    )
    product_create(
        organization=organization,
        by=by,
        values={
            "name": "Exports",
            "abbreviation": "EX",
            "goal": "usage_count",
            "fair_target": 2,
            "good_target": 6,
            "usage_types": [export.pk],
        },
    )
    product_create(
        organization=organization,
        by=by,
        values={
            "name": "Adoption",
            "abbreviation": "AD",
            "goal": "unique_days",
            "basis": "per_user",
            "percent": 50,
            "look_back_days": 28,
            "fair_target": 3,
            "good_target": 8,
            "usage_types": [log_in.pk],
        },
    )
    events = []
    for pk, (number, external_id) in users.items():
        # How active a customer is, from rarely to daily. A few went quiet three weeks ago.
        busy, quiet = _mark(external_id) % 5, _mark(external_id) % 11 == 0
        for day in range(_DAYS):
            if (quiet and day < 21) or _mark(f"{number}.{day}") % 5 > busy:
                continue
            at = now - timedelta(days=day, minutes=30 + _mark(f"{number}:{day}") % 400)
            # People work on weekdays, and few at weekends.
            if at > now or (at.weekday() > 4 and _mark(f"{number}~{day}") % 8):
                continue
            moment = int(at.timestamp() * 1000)
            events.append(Event(pk, log_in.pk, moment))
            events.append(Event(pk, report.pk, moment + 60_000))
            if _mark(f"{day}-{number}") % 4 == 0:
                events.append(Event(pk, export.pk, moment + 120_000))
    for start in range(0, len(events), 2000):
        store(organization, events[start : start + 2000])
    health.refresh(organization)


def _mark(text: str) -> int:
    """Returns a pseudo-random number that is always the same for the same text."""
    return zlib.crc32(text.encode())
