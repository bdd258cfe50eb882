"""Gives the organizations that are there already the workflow that new ones begin with (`workflows.defaults`)."""

from django.db import migrations

DESCRIPTION = "Customers who may leave: agree on a next step with each, and keep at it until things are better."
RULE = [
    [{"fact": "assessment", "op": "is", "value": "risk"}],
    [
        {"fact": "support_health", "op": "is", "value": "poor"},
        {"fact": "usage_health", "op": "is", "value": "poor"},
    ],
]


def add(apps, schema_editor):
    Organization = apps.get_model("tenancy", "Organization")
    workflows = apps.get_model("workflows", "Workflow")._base_manager.using(schema_editor.connection.alias)
    for organization in Organization._base_manager.using(schema_editor.connection.alias).order_by("pk"):
        workflows.get_or_create(
            organization=organization,
            key="at_risk",
            defaults={
                "name": "At-risk",
                "description": DESCRIPTION,
                "enrol_rule": RULE,
                "leaves": "no_longer",
                "leave_after_days": 7,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
