"""What the database itself remembers when customers and their users change, whoever changes them and in whatever bulk.

Browser, API, CSV files and the sync write the same columns in different ways; a trigger sees them all, in the same
transaction, and writes one `Activity` for each record that really changed. Nothing has to be told, nothing can be
forgotten, and a page of a sync stays one statement.

The triggers are no migration: SQLite loses them when a later migration rebuilds the table, and refuses to rename tables
that a trigger speaks of. So they go before migrations run and come back afterwards.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

_NEEDED = {"customers_activity", "customers_customer", "customers_customeruser"}

# Column of the customer, and its name in `changes` and `field_sources`.
_FIELDS = {
    "name": "name",
    "external_id": "external_id",
    "domain": "domain",
    "website": "website",
    "plan": "plan",
    "size": "size",
    "industry": "industry",
    "monthly_spend": "monthly_spend",
    "csm_id": "csm",
    "arr": "arr",
    "renewal_date": "renewal_date",
    "tags": "tags",
}
_CUSTOMER_COLUMNS = [*_FIELDS, "custom", "archived_at"]
_USER_COLUMNS = ["customer_id", "has_left_at", "archived_at"]

_INSERT = "INSERT INTO customers_activity (organization_id, customer_id, user_id, kind, changes, at, by)"

# Each kind of entry: when there is one, and what it says.
_ARCHIVED = (
    "(OLD.archived_at IS NULL) <> (NEW.archived_at IS NULL)",
    "SELECT NEW.organization_id, NEW.id, NULL, CASE WHEN NEW.archived_at IS NULL THEN 'restored' ELSE 'archived' END, "
    "'{{}}', NEW.updated_at, NEW.updated_by",
)
_CHANGED = (
    "{changed} <> '{{}}'",
    "SELECT NEW.organization_id, NEW.id, NULL, 'changed', c.changes, NEW.updated_at, NEW.updated_by "
    "FROM (SELECT {changes} AS changes) AS c",
)
_USER_OUT = (
    "OLD.customer_id IS NOT NULL AND OLD.customer_id {differs} NEW.customer_id",
    "SELECT NEW.organization_id, OLD.customer_id, NEW.id, 'user_out', {homes}, NEW.updated_at, NEW.updated_by",
)
_USER_IN = (
    "NEW.customer_id IS NOT NULL AND OLD.customer_id {differs} NEW.customer_id",
    "SELECT NEW.organization_id, NEW.customer_id, NEW.id, 'user_in', {homes}, NEW.updated_at, NEW.updated_by",
)
_USER_TURNED = (
    "NEW.customer_id IS NOT NULL AND (OLD.{column} IS NULL) <> (NEW.{column} IS NULL)",
    "SELECT NEW.organization_id, NEW.customer_id, NEW.id, "
    "CASE WHEN NEW.{column} IS NULL THEN '{back}' ELSE '{gone}' END, '{{}}', NEW.updated_at, NEW.updated_by",
)

# What did not change is null in the object, and a merge with nothing takes nulls out.
_CHANGES_SQLITE = """json_patch(json_patch('{{}}', json_object({fields})), (
    SELECT json_group_object(k.key, json_array(json(OLD.custom -> k.path), json(NEW.custom -> k.path),
                                               json(NEW.field_sources -> k.path)))
      FROM (SELECT key, '$."' || key || '"' AS path FROM json_each(OLD.custom)
            UNION SELECT key, '$."' || key || '"' FROM json_each(NEW.custom)) AS k
     WHERE (OLD.custom -> k.path) IS NOT (NEW.custom -> k.path)))"""
_FIELD_SQLITE = """'{name}', json(CASE WHEN OLD.{column} IS NOT NEW.{column} THEN
    json_array({old}, {new}, json(NEW.field_sources -> '$.{name}')) END)"""

# PostgreSQL compares field by field: plain comparisons cost next to nothing there, statements a lot.
_CHANGES_POSTGRES = """
diff := '{{}}';
{fields}
IF OLD.custom IS DISTINCT FROM NEW.custom THEN
    diff := diff || COALESCE((
        SELECT jsonb_object_agg(k.key, jsonb_build_array(OLD.custom -> k.key, NEW.custom -> k.key,
                                                         NEW.field_sources -> k.key))
          FROM (SELECT jsonb_object_keys(OLD.custom) AS key UNION SELECT jsonb_object_keys(NEW.custom)) AS k
         WHERE (OLD.custom -> k.key) IS DISTINCT FROM (NEW.custom -> k.key)), '{{}}');
END IF"""
_FIELD_POSTGRES = """IF OLD.{column} IS DISTINCT FROM NEW.{column} THEN diff := diff ||
    jsonb_build_object('{name}', jsonb_build_array({old}, {new}, NEW.field_sources -> '{name}')); END IF;"""


def _bodies(postgres: bool) -> dict[str, tuple[str, list[str], list[str]]]:
    """By the trigger's name: its table, the columns that it watches, its statements."""
    array = "jsonb_build_array" if postgres else "json_array"
    object_of = "jsonb_build_object" if postgres else "json_object"
    words = {
        "differs": "IS DISTINCT FROM" if postgres else "IS NOT",
        "homes": f"{object_of}('customer', {array}(OLD.customer_id, NEW.customer_id))",
        "changed": "diff" if postgres else "c.changes",
        "changes": "diff" if postgres else _changes(postgres),
    }

    def entry(kind: tuple[str, str], **more: str) -> str:
        when, said = (part.format(**words, **more) for part in kind)
        if postgres:
            return f"IF {when} THEN {_INSERT} {said}; END IF"
        return f"{_INSERT} {said} WHERE {when}"

    customer = [entry(_ARCHIVED), *([_changes(postgres)] if postgres else []), entry(_CHANGED)]
    user = [
        entry(_USER_OUT),
        entry(_USER_IN),
        entry(_USER_TURNED, column="has_left_at", back="user_back", gone="user_left"),
        entry(_USER_TURNED, column="archived_at", back="user_restored", gone="user_archived"),
    ]
    return {
        "customers_customer_activity": ("customers_customer", _CUSTOMER_COLUMNS, customer),
        "customers_user_activity": ("customers_customeruser", _USER_COLUMNS, user),
    }


def _changes(postgres: bool) -> str:
    form = _FIELD_POSTGRES if postgres else _FIELD_SQLITE
    fields = []
    for column, name in _FIELDS.items():
        as_json = column == "tags" and not postgres
        old, new = (f"json({row}.{column})" if as_json else f"{row}.{column}" for row in ("OLD", "NEW"))
        fields.append(form.format(name=name, column=column, old=old, new=new))
    if postgres:
        return _CHANGES_POSTGRES.format(fields="\n".join(fields))
    return _CHANGES_SQLITE.format(fields=", ".join(fields))


def before_migrations(using: str, **_: Any) -> None:
    """Takes the triggers away (receiver of `pre_migrate`)."""
    connection = connections[using]
    postgres = connection.vendor == "postgresql"
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for name, (table, _columns, _statements) in _bodies(postgres).items():
            if table in tables:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if postgres else ''}")


def after_migrations(using: str, **_: Any) -> None:
    """Puts the triggers in place, once all tables are there (receiver of `post_migrate`)."""
    connection = connections[using]
    if not set(connection.introspection.table_names()) >= _NEEDED:
        return
    before_migrations(using)
    postgres = connection.vendor == "postgresql"
    differs = "IS DISTINCT FROM" if postgres else "IS NOT"
    with connection.cursor() as cursor:
        for name, (table, columns, statements) in _bodies(postgres).items():
            body = ";".join(statements)
            changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
            head = (
                f"CREATE TRIGGER {name} AFTER UPDATE OF {', '.join(columns)} ON {table} FOR EACH ROW WHEN ({changed})"
            )
            if postgres:
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$body$ DECLARE diff jsonb; BEGIN {body}; RETURN NULL; END $body$"
                )
                cursor.execute(f"{head} EXECUTE FUNCTION {name}()")
            else:
                cursor.execute(f"{head} BEGIN {body}; END")
