"""Medians, history and ratings of customers over 30 and 90 days: one statement for any number of customers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from startdeliver.common import clock
from startdeliver.support.sql import db_time, execute, health_writer, id_filter
from startdeliver.tenancy.models import Organization

# The median of an even number of values is the mean of the middle two, rounded down, in both databases alike.
_MEDIAN = """
SELECT customer_id, (MIN(seconds) + MAX(seconds)) / 2 AS median
  FROM (SELECT customer_id, CAST({column} AS BIGINT) AS seconds,
               ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY {column}) AS place,
               COUNT(*) OVER (PARTITION BY customer_id) AS number
          FROM support_ticket
         WHERE organization_id = %s AND customer_id IS NOT NULL AND {since} >= %s
           AND {column} IS NOT NULL{only}) AS placed
 WHERE place IN ((number + 1) / 2, (number + 2) / 2)
 GROUP BY customer_id
"""

_RESOLVED = " AND status = 'resolved'"

_HISTORY = """
SELECT customer_id,
       COUNT(CASE WHEN status = 'resolved' AND resolved_at >= %s THEN 1 END) AS resolved_30,
       COUNT(CASE WHEN status = 'resolved' AND resolved_at >= %s THEN 1 END) AS resolved_90,
       COUNT(CASE WHEN rated_at >= %s THEN rating END) AS rating_count,
       AVG(CASE WHEN rated_at >= %s THEN 1.0 * rating END) AS rating_mean
  FROM support_ticket
 WHERE organization_id = %s AND customer_id IS NOT NULL{only}
 GROUP BY customer_id
"""

_UPDATE = """
WITH history AS ({history}), reply AS ({reply}), resolution AS ({resolution})
UPDATE support_supporthealth
   SET resolved_30 = found.resolved_30, resolved_90 = found.resolved_90, median_first_reply = found.reply,
       median_resolution = found.resolution, rating_count = found.rating_count, rating_mean = found.rating_mean,
       stats_at = %s
  FROM (SELECT health.customer_id,
               COALESCE(history.resolved_30, 0) AS resolved_30, COALESCE(history.resolved_90, 0) AS resolved_90,
               COALESCE(history.rating_count, 0) AS rating_count, history.rating_mean,
               reply.median AS reply, resolution.median AS resolution
          FROM support_supporthealth AS health
          LEFT JOIN history ON history.customer_id = health.customer_id
          LEFT JOIN reply ON reply.customer_id = health.customer_id
          LEFT JOIN resolution ON resolution.customer_id = health.customer_id
         WHERE health.organization_id = %s{only_health}) AS found
 WHERE support_supporthealth.customer_id = found.customer_id AND support_supporthealth.organization_id = %s
"""


def stats(organization: Organization, customer_ids: Iterable[int] | None = None) -> int:
    """Computes 30- and 90-day figures anew, for these customers or (None) for all that have a health row.

    Resolved counts and the median resolution time take tickets resolved in the period, the median first reply takes
    tickets created in it, ratings those given in it. Periods are exact multiples of 24 hours before now. Gives the
    number of customers.
    """
    ids = None if customer_ids is None else sorted(set(customer_ids))
    if ids == []:
        return 0
    now = clock.now()
    month, quarter = db_time(now - timedelta(days=30)), db_time(now - timedelta(days=90))
    only, only_values = id_filter("customer_id", ids)
    only_health, _ = id_filter("health.customer_id", ids)
    statement = _UPDATE.format(
        history=_HISTORY.format(only=only),
        reply=_MEDIAN.format(column="first_reply_seconds", since="created_at", only=only),
        resolution=_MEDIAN.format(column="resolution_seconds", since="resolved_at", only=only + _RESOLVED),
        only_health=only_health,
    )
    org = organization.pk
    values: list[Any] = [month, quarter, quarter, quarter, org, *only_values]
    values += [org, quarter, *only_values]
    values += [org, quarter, *only_values]
    values += [db_time(now), org, *only_values, org]
    with health_writer(organization):
        return execute(statement, values)
