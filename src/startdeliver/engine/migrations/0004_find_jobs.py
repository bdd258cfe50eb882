"""Indexes of Procrastinate's table by which jobs are found: what lives by its key, and what failed."""

from django.db import migrations

INDEXES = {
    "engine_procrastinate_key": "(queueing_lock) WHERE status IN ('todo', 'doing')",
    "engine_procrastinate_failed": "(id) WHERE status = 'failed'",
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name, columns in INDEXES.items():
            schema_editor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON procrastinate_jobs {columns}")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("engine", "0003_one_lease")]
    operations = [migrations.RunPython(create, drop)]
