"""Last login of users and customers.

A user's is its newest event of a usage type marked as login, else its last seen. A customer's is the newest of its
users, without those who left or are archived.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from startdeliver.common import clock
from startdeliver.storage.sql import execute, id_list, is_postgres, literals, one_of
from startdeliver.tenancy.models import Organization
from startdeliver.usage.models import UsageType
from startdeliver.usage.sql import health_writer, tune

_PAUSE = timedelta(seconds=1)

_USERS = """
SELECT u.id, u.customer_id, {login} AS newest
  FROM customers_customeruser AS u
  LEFT JOIN (SELECT d.user_id, MAX(d.last_at) AS at FROM usage_usageday AS d
              WHERE d.organization_id = %(org)s AND d.usage_type_id IN {types}{only_d}
              GROUP BY d.user_id) AS l ON l.user_id = u.id
 WHERE u.organization_id = %(org)s{only_u} AND u.last_login_at {differ} {login}
"""

_CUSTOMERS = """
SELECT c.id, c.id AS customer_id, n.newest
  FROM customers_customer AS c
  LEFT JOIN (SELECT u.customer_id, MAX(u.last_login_at) AS newest FROM customers_customeruser AS u
              WHERE u.organization_id = %(org)s AND u.has_left_at IS NULL AND u.archived_at IS NULL{only_u}
              GROUP BY u.customer_id) AS n ON n.customer_id = c.id
 WHERE c.organization_id = %(org)s{only_c} AND c.last_login_at {differ} n.newest
"""

_WRITE = "UPDATE {table} SET last_login_at = x.newest FROM ({query}) AS x WHERE {table}.id = x.id"

_WRITE_WITHOUT_WAITING = """
WITH differing AS MATERIALIZED ({query}),
held AS MATERIALIZED (SELECT id FROM {table} WHERE id IN (SELECT id FROM differing) FOR NO KEY UPDATE SKIP LOCKED),
written AS (UPDATE {table} SET last_login_at = x.newest FROM differing AS x JOIN held USING (id)
             WHERE {table}.id = x.id)
INSERT INTO changes_change (organization_id, kind, stage, customer_id, user_id, not_before)
SELECT %(org)s, 'user_details', 'usage', x.customer_id, {user}, %(later)s FROM differing AS x
 WHERE x.id NOT IN (SELECT id FROM held)
"""


def compute(organization: Organization, users: Collection[int] | None, customers: Collection[int] | None) -> None:
    """Writes the last logins of these users and customers (None: all) where they differ from what is stored.

    The rows are other people's to edit, so a row that someone holds is not waited for but left to the next refresh:
    waiting here, with other rows held, could end in a deadlock with an import.
    """
    with health_writer(organization):
        _compute(organization, users, customers)


def _compute(organization: Organization, users: Collection[int] | None, customers: Collection[int] | None) -> None:
    differ = "IS DISTINCT FROM" if is_postgres() else "IS NOT"
    types = literals(UsageType.objects.filter(is_login=True).values_list("pk", flat=True))
    if users is None or users:
        query = _USERS.format(
            login=f"COALESCE({_moment('l.at')}, u.last_seen_at)",
            types="(0)" if types == "()" else types,
            only_d="" if users is None else f" AND {one_of('d.user_id', 'ids')}",
            only_u="" if users is None else f" AND {one_of('u.id', 'ids')}",
            differ=differ,
        )
        _write(organization, "customers_customeruser", query, users or [], "x.id")
    if customers is None or customers:
        query = _CUSTOMERS.format(
            only_u="" if customers is None else f" AND {one_of('u.customer_id', 'ids')}",
            only_c="" if customers is None else f" AND {one_of('c.id', 'ids')}",
            differ=differ,
        )
        _write(organization, "customers_customer", query, customers or [], "CAST(NULL AS bigint)")


def _write(organization: Organization, table: str, query: str, ids: Collection[int], user: str) -> None:
    values = {"org": organization.pk, "ids": id_list(ids), "later": clock.now() + _PAUSE}
    if is_postgres():
        tune()
        execute(_WRITE_WITHOUT_WAITING.format(table=table, query=query, user=user), values)
    else:
        execute(_WRITE.format(table=table, query=query), values)


def _moment(column: str) -> str:
    """SQL for a time in milliseconds since 1970 as the database keeps times."""
    if is_postgres():
        return f"to_timestamp({column} / 1000.0)"
    # Exactly as Django writes it: equal times must be equal texts.
    return (
        f"(datetime({column} / 1000, 'unixepoch') || "
        f"CASE WHEN {column} %% 1000 = 0 THEN '' ELSE printf('.%%03d000', {column} %% 1000) END)"
    )
