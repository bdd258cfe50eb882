"""What the database itself does when customers and users change, whoever changes them and in whatever bulk.

Usage health and last login depend on columns of `customers` that many parts write: a user moves, leaves, is deleted, a
field gets a value. Each such change leaves a `Touch` in the same transaction, so nothing has to be told and nothing can
be forgotten. A deleted user takes its rollup along; `health.refresh` deletes its events.

The triggers are no migration: SQLite loses them when a later migration of `customers` rebuilds its table, and refuses
to rename tables that a trigger speaks of. So they go before migrations run and come back afterwards.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

_USER_COLUMNS = ["customer_id", "has_left_at", "archived_at", "is_non_user", "custom", "last_seen_at"]
_CUSTOMER_COLUMNS = ["custom", "archived_at"]
_NEEDED = {"usage_touch", "usage_usageday", "customers_customeruser", "customers_customer"}

# name, table, event and columns
_EVENTS = [
    ("usage_user_insert", "customers_customeruser", "INSERT", []),
    ("usage_user_update", "customers_customeruser", "UPDATE", _USER_COLUMNS),
    ("usage_user_delete", "customers_customeruser", "DELETE", []),
    ("usage_customer_insert", "customers_customer", "INSERT", []),
    ("usage_customer_update", "customers_customer", "UPDATE", _CUSTOMER_COLUMNS),
]

_TOUCH = "INSERT INTO usage_touch (organization_id, customer_id, user_id, login_only)"


def _bodies(differ: str) -> dict[str, list[str]]:
    health = " OR ".join(f"OLD.{column} {differ} NEW.{column}" for column in _USER_COLUMNS if column != "last_seen_at")
    return {
        "usage_user_insert": [f"{_TOUCH} VALUES (NEW.organization_id, NEW.customer_id, NEW.id, false)"],
        # Both customers: the one that lost the user and the one that has it.
        "usage_user_update": [
            f"{_TOUCH} VALUES (NEW.organization_id, OLD.customer_id, NEW.id, NOT ({health}))",
            f"{_TOUCH} SELECT NEW.organization_id, NEW.customer_id, NEW.id, false "
            f"WHERE OLD.customer_id {differ} NEW.customer_id",
        ],
        "usage_user_delete": [
            f"{_TOUCH} VALUES (OLD.organization_id, OLD.customer_id, OLD.id, false)",
            "DELETE FROM usage_usageday WHERE organization_id = OLD.organization_id AND user_id = OLD.id",
        ],
        "usage_customer_insert": [f"{_TOUCH} VALUES (NEW.organization_id, NEW.id, NULL, false)"],
        "usage_customer_update": [f"{_TOUCH} VALUES (NEW.organization_id, NEW.id, NULL, false)"],
    }


def before_migrations(using: str, **_: Any) -> None:
    """Takes the triggers away (receiver of `pre_migrate`)."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for name, table, _event, _columns in _EVENTS:
            if table in tables:
                on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")


def after_migrations(using: str, **_: Any) -> None:
    """Puts the triggers in place, once all tables are there (receiver of `post_migrate`)."""
    connection = connections[using]
    if not set(connection.introspection.table_names()) >= _NEEDED:
        return
    before_migrations(using)
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for name, table, event, columns in _EVENTS:
            differ = "IS DISTINCT FROM" if postgres else "IS NOT"
            body = "; ".join(_bodies(differ)[name])
            changed = " OR ".join(f"OLD.{column} {differ} NEW.{column}" for column in columns)
            head = f"CREATE TRIGGER {name} AFTER {event}"
            head += f" OF {', '.join(columns)}" if columns else ""
            head += f" ON {table} FOR EACH ROW"
            head += f" WHEN ({changed})" if columns else ""
            if postgres:
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$body$ BEGIN {body}; RETURN NULL; END $body$"
                )
                cursor.execute(f"{head} EXECUTE FUNCTION {name}()")
            else:
                cursor.execute(f"{head} BEGIN {body}; END")
