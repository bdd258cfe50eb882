"""What the database itself remembers when customers and their users change, whoever changes them and in whatever bulk.

Browser, API, CSV files and the sync write the same columns in different ways; a trigger sees them all, in the same
transaction, and writes one `Activity` for each record that really changed. Nothing has to be told, nothing can be
forgotten, and a page of a sync stays one statement.
"""

from __future__ import annotations

from startdeliver.storage.triggers import Trigger

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
_CUSTOMER_COLUMNS = (*_FIELDS, "custom", "archived_at")
_USER_COLUMNS = ("customer_id", "has_left_at", "archived_at")

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


def _entries(postgres: bool, *kinds: tuple[str, str], **more: str) -> list[str]:
    """The statements that write these kinds of entry."""
    array = "jsonb_build_array" if postgres else "json_array"
    object_of = "jsonb_build_object" if postgres else "json_object"
    words = {
        "differs": "IS DISTINCT FROM" if postgres else "IS NOT",
        "homes": f"{object_of}('customer', {array}(OLD.customer_id, NEW.customer_id))",
        "changed": "diff" if postgres else "c.changes",
        "changes": "diff" if postgres else _changes(postgres),
        **more,
    }
    form = "IF {when} THEN {insert} {entry}; END IF" if postgres else "{insert} {entry} WHERE {when}"
    return [
        form.format(insert=_INSERT, when=when.format(**words), entry=entry.format(**words)) for when, entry in kinds
    ]


def _customer(postgres: bool) -> list[str]:
    changes = [_changes(postgres)] if postgres else []
    return [*_entries(postgres, _ARCHIVED), *changes, *_entries(postgres, _CHANGED)]


def _user(postgres: bool) -> list[str]:
    return [
        *_entries(postgres, _USER_OUT, _USER_IN),
        *_entries(postgres, _USER_TURNED, column="has_left_at", back="user_back", gone="user_left"),
        *_entries(postgres, _USER_TURNED, column="archived_at", back="user_restored", gone="user_archived"),
    ]


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


TRIGGERS = [
    Trigger(
        "customers_customer_activity",
        "customers_customer",
        "UPDATE",
        _CUSTOMER_COLUMNS,
        _customer,
        "DECLARE diff jsonb;",
    ),
    Trigger("customers_user_activity", "customers_customeruser", "UPDATE", _USER_COLUMNS, _user),
]  # fmt: skip
