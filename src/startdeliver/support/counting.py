"""Status and counts of customers: one statement over the tickets' index for any number of customers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from startdeliver.common import clock
from startdeliver.storage.sql import db_time, differs, execute
from startdeliver.support.models import SupportHealth
from startdeliver.support.rules import overdue_since, rule
from startdeliver.support.sql import health_writer, of_customers
from startdeliver.tenancy.models import Organization

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
         WHERE {of_customers} AND customer_id IS NOT NULL
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

# Customers whose last ticket was removed have no data again. Their row is kept, because it stores the last change.
_CLEAR = """
UPDATE support_supporthealth
   SET previous_status = status, changed_at = %s, status = NULL, ticket_count = 0, open_count = 0, overdue_count = 0,
       oldest_open_at = NULL, next_clock_from = NULL, computed_at = %s
 WHERE {of_customers} AND ticket_count > 0
   AND NOT EXISTS (SELECT 1 FROM support_ticket AS t
                    WHERE t.organization_id = support_supporthealth.organization_id
                      AND t.customer_id = support_supporthealth.customer_id)
"""

_COUNTED = ["status", "ticket_count", "open_count", "overdue_count", "oldest_open_at", "next_clock_from"]


def recompute(organization: Organization, customer_ids: Iterable[int] | None = None) -> int:
    """Recomputes status and counts, for these customers or (None) for all.

    Takes two statements for any number of customers. A row is written only when it changes. `previous_status` and
    `changed_at` change only with the status. Returns the number of rows written.
    """
    ids = None if customer_ids is None else sorted(set(customer_ids))
    if ids == []:
        return 0
    with health_writer(organization):
        current = rule(organization)
        now = db_time(clock.now())
        cutoff = db_time(overdue_since(current))
        which, which_values = of_customers(organization, ids)
        row, new = "support_supporthealth.", "excluded."
        count = _COUNT.format(
            of_customers=which,
            status_differs=differs(f"{row}status", f"{new}status"),
            any_differs=" OR ".join(differs(row + name, new + name) for name in _COUNTED),
        )
        values: list[Any] = [organization.pk, current.overdue_until_poor, now, now, cutoff, cutoff, *which_values]
        written = execute(count, values)
        if ids is None and written == SupportHealth.objects.filter(ticket_count__gt=0).count():
            return written  # every row was just written, so none is outdated
        # The plus makes the planner use the primary key: an index of the whole organization is slow for a few rows.
        own = which if ids is None else f"+{which}"
        return written + execute(_CLEAR.format(of_customers=own), [now, now, *which_values])
