"""On PostgreSQL, the rollup's key carries the quantity along: health then reads the index and not the table."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_KEY = (
    "ALTER TABLE usage_usageday DROP CONSTRAINT usage_usageday_pkey, "
    "ADD CONSTRAINT usage_usageday_pkey PRIMARY KEY (organization_id, user_id, usage_type_id, day)"
)


def cover(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(f"{_KEY} INCLUDE (quantity)")


def uncover(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(_KEY)


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_health_change")]

    operations = [migrations.RunPython(cover, uncover)]
