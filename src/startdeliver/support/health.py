"""Support health of all customers in one set-based pass, and what keeps it right while time goes by.

`recompute` counts, `refresh_due` finds the customers whose next ticket has become overdue since. Everything that shows,
lists or answers health calls `refresh_due` first: one index look-up when nothing is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from startdeliver.common import clock
from startdeliver.support.models import SupportHealth, SupportRule
from startdeliver.support.rules import overdue_since, rule, status_of
from startdeliver.support.snapshots import reconstruct, snapshot
from startdeliver.support.sql import db_time, differs, execute, health_writer, id_filter, organization_work
from startdeliver.support.stats import stats
from startdeliver.tenancy.models import Organization

__all__ = ["recompute", "reconstruct", "refresh_due", "rule", "set_rule", "snapshot", "stats", "status_of"]

_COUNT = """
INSERT INTO support_supporthealth (
    organization_id, customer_id, status, ticket_count, open_count, overdue_count, oldest_open_at, next_clock_from,
    changed_at, computed_at, resolved_30, resolved_90, rating_count)
SELECT %s, customer_id,
       CASE WHEN overdue >= %s THEN 'poor' WHEN overdue > 0 THEN 'fair' ELSE 'good' END,
       tickets, opened, overdue, oldest, upcoming, %s, %s, 0, 0, 0
  FROM (SELECT customer_id,
               COUNT(*) AS tickets,
               COUNT(CASE WHEN status = 'open' THEN 1 END) AS opened,
               COUNT(CASE WHEN status = 'open' AND clock_from <= %s THEN 1 END) AS overdue,
               MIN(CASE WHEN status = 'open' THEN clock_from END) AS oldest,
               MIN(CASE WHEN status = 'open' AND clock_from > %s THEN clock_from END) AS upcoming
          FROM support_ticket
         WHERE organization_id = %s AND customer_id IS NOT NULL{only}
         GROUP BY customer_id) AS counted
 WHERE true
ON CONFLICT (customer_id) DO UPDATE SET
    previous_status = CASE WHEN {status_differs} THEN support_supporthealth.status
                           ELSE support_supporthealth.previous_status END,
    changed_at = CASE WHEN {status_differs} THEN excluded.changed_at ELSE support_supporthealth.changed_at END,
    status = excluded.status,
    ticket_count = excluded.ticket_count,
    open_count = excluded.open_count,
    overdue_count = excluded.overdue_count,
    oldest_open_at = excluded.oldest_open_at,
    next_clock_from = excluded.next_clock_from,
    computed_at = excluded.computed_at
 WHERE support_supporthealth.organization_id = excluded.organization_id AND ({any_differs})
"""

# Customers whose last ticket went away have no data again; their row stays for what it remembers of the change.
_CLEAR = """
UPDATE support_supporthealth
   SET previous_status = status, changed_at = %s, status = NULL, ticket_count = 0, open_count = 0, overdue_count = 0,
       oldest_open_at = NULL, next_clock_from = NULL, computed_at = %s
 WHERE organization_id = %s AND ticket_count > 0{only}
   AND NOT EXISTS (SELECT 1 FROM support_ticket AS t
                    WHERE t.organization_id = support_supporthealth.organization_id
                      AND t.customer_id = support_supporthealth.customer_id)
"""

_COUNTED = ["status", "ticket_count", "open_count", "overdue_count", "oldest_open_at", "next_clock_from"]


def recompute(organization: Organization, customer_ids: Iterable[int] | None = None) -> int:
    """Computes status and counts anew, for these customers or (None) for all.

    Two statements whatever the number of customers. A row is written only when it changes; `previous_status` and
    `changed_at` move only with the status. Gives the number of rows written.
    """
    ids = None if customer_ids is None else sorted(set(customer_ids))
    if ids == []:
        return 0
    with health_writer(organization):
        current = rule(organization)
        now = db_time(clock.now())
        cutoff = db_time(overdue_since(current))
        only, only_values = id_filter("customer_id", ids)
        row, new = "support_supporthealth.", "excluded."
        count = _COUNT.format(
            only=only,
            status_differs=differs(f"{row}status", f"{new}status"),
            any_differs=" OR ".join(differs(row + name, new + name) for name in _COUNTED),
        )
        values: list[Any] = [organization.pk, current.overdue_until_poor, now, now, cutoff, cutoff, organization.pk]
        written = execute(count, [*values, *only_values])
        return written + execute(_CLEAR.format(only=only), [now, now, organization.pk, *only_values])


def refresh_due(organization: Organization) -> int:
    """Makes health right for this second: recomputes the customers of whom a ticket has become overdue since.

    One index look-up when there is none. Gives the number of customers looked at.
    """
    with organization_work(organization):
        due = SupportHealth.objects.filter(next_clock_from__lte=overdue_since(rule(organization)))
        ids = list(due.values_list("customer_id", flat=True))
    recompute(organization, ids)
    return len(ids)


def set_rule(organization: Organization, days: int, poor: int, by: str) -> SupportRule:
    """Saves the rule and computes every customer anew in the same transaction.

    `days` until a ticket is overdue (1 to 3650), `poor`: overdue tickets until Poor (1 to 100,000), `by`: who did it.
    Raises ValidationError, naming the field, for a number outside.
    """
    with health_writer(organization):
        changed = rule(organization)
        changed.days_until_overdue = days
        changed.overdue_until_poor = poor
        changed.updated_at = clock.now()
        changed.updated_by = by
        changed.full_clean(exclude=["organization"])
        changed.save()
        recompute(organization)
        return changed
