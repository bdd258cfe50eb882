"""Medians, history and ratings of customers over 30 and 90 days: one statement for many customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from startdeliver.common import clock
from startdeliver.storage.sql import db_time, execute, organization_work
from startdeliver.support.counting import recompute
from startdeliver.support.models import SupportHealth
from startdeliver.support.sql import health_writer, of_customers
from startdeliver.tenancy.models import Organization

_TICKETS_AT_ONCE = 50_000

# An upsert instead of an update from a join: without fresh statistics the database may choose a slow plan for a join.
# The median of an even number of values is the mean of the middle two, rounded down, in both databases alike.
_STATS = """
INSERT INTO support_supporthealth (
    organization_id, customer_id, ticket_count, open_count, overdue_count, computed_at,
    resolved_30, resolved_90, median_first_reply, median_resolution, rating_count, rating_mean, stats_at)
SELECT %s, customer_id, 0, 0, 0, %s, COUNT(month), COUNT(quarter),
       (MIN(CASE WHEN reply_place IN ((replies + 1) / 2, (replies + 2) / 2) THEN reply END)
        + MAX(CASE WHEN reply_place IN ((replies + 1) / 2, (replies + 2) / 2) THEN reply END)) / 2,
       (MIN(CASE WHEN resolution_place IN ((resolutions + 1) / 2, (resolutions + 2) / 2) THEN resolution END)
        + MAX(CASE WHEN resolution_place IN ((resolutions + 1) / 2, (resolutions + 2) / 2) THEN resolution END)) / 2,
       COUNT(rated), AVG(rated), %s
  FROM (SELECT facts.*,
               ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY reply IS NULL, reply) AS reply_place,
               COUNT(reply) OVER (PARTITION BY customer_id) AS replies,
               ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY resolution IS NULL, resolution) AS resolution_place,
               COUNT(resolution) OVER (PARTITION BY customer_id) AS resolutions
          FROM (SELECT customer_id,
                       CASE WHEN status = 'resolved' AND resolved_at >= %s THEN 1 END AS month,
                       CASE WHEN status = 'resolved' AND resolved_at >= %s THEN 1 END AS quarter,
                       CASE WHEN status = 'resolved' AND resolved_at >= %s
                            THEN CAST(resolution_seconds AS BIGINT) END AS resolution,
                       CASE WHEN created_at >= %s THEN CAST(first_reply_seconds AS BIGINT) END AS reply,
                       CASE WHEN rated_at >= %s THEN 1.0 * rating END AS rated
                  FROM support_ticket
                 WHERE {of_customers} AND customer_id IS NOT NULL
                   AND (created_at >= %s OR resolved_at >= %s OR rated_at >= %s)) AS facts) AS placed
 GROUP BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET
    resolved_30 = excluded.resolved_30, resolved_90 = excluded.resolved_90,
    median_first_reply = excluded.median_first_reply, median_resolution = excluded.median_resolution,
    rating_count = excluded.rating_count, rating_mean = excluded.rating_mean, stats_at = excluded.stats_at
 WHERE support_supporthealth.organization_id = excluded.organization_id
"""

# Customers without tickets or ratings in the period.
_QUIET = """
UPDATE support_supporthealth
   SET resolved_30 = 0, resolved_90 = 0, median_first_reply = NULL, median_resolution = NULL, rating_count = 0,
       rating_mean = NULL, stats_at = %s
 WHERE {of_customers} AND (stats_at IS NULL OR stats_at <> %s)
"""


def stats(organization: Organization, customer_ids: Iterable[int] | None = None) -> int:
    """Recomputes the 30- and 90-day figures and the health, for these customers or (None) for all.

    Resolved counts and the median resolution time use tickets resolved in the period, the median first reply uses
    tickets created in it, ratings those given in it. Periods are exact multiples of 24 hours before now. Returns the
    number of customers.
    """
    ids = None if customer_ids is None else sorted(set(customer_ids))
    now = clock.now()
    recompute(organization, ids)
    return sum(_stats(organization, part, now) for part in (_parts(organization) if ids is None else [ids]))


def _parts(organization: Organization) -> Iterator[list[int]]:
    """All customers with a health row, in parts with few tickets, so that no writer waits long for another."""
    with organization_work(organization):
        rows = list(SupportHealth.objects.order_by("customer_id").values_list("customer_id", "ticket_count"))
    part: list[int] = []
    tickets = 0
    for customer_id, ticket_count in rows:
        part.append(customer_id)
        tickets += ticket_count + 1
        if tickets > _TICKETS_AT_ONCE:
            yield part
            part, tickets = [], 0
    yield part


def _stats(organization: Organization, ids: list[int], now: datetime) -> int:
    if not ids:
        return 0
    month, quarter = db_time(now - timedelta(days=30)), db_time(now - timedelta(days=90))
    which, which_values = of_customers(organization, ids)
    values: list[Any] = [organization.pk, db_time(now), db_time(now), month, *[quarter] * 4]
    values += [*which_values, *[quarter] * 3]
    with health_writer(organization):
        written = execute(_STATS.format(of_customers=which), values)
        # The plus makes the planner use the primary key.
        return written + execute(_QUIET.format(of_customers=f"+{which}"), [db_time(now), *which_values, db_time(now)])
