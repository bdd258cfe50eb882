"""Jobs are the only leases: keys are unique among waiting jobs, locks among running ones.

On PostgreSQL, jobs that wait or run move into Procrastinate's table.
"""

import json

from django.apps import apps as installed_apps
from django.db import migrations, models

PROCRASTINATE = installed_apps.is_installed("procrastinate.contrib.django")


def hand_over(apps, schema_editor):
    """Moves live jobs to Procrastinate, and puts running ones back into the queue elsewhere."""
    Job = apps.get_model("engine", "Job")
    live = Job.objects.filter(status__in=["queued", "running"])
    if schema_editor.connection.vendor != "postgresql":
        live.filter(status="running").update(status="queued", owner="")
        return
    with schema_editor.connection.cursor() as cursor:
        for job in live.order_by("pk"):
            arguments = json.dumps({"organization": job.organization_id, "payload": job.payload})
            cursor.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args) "
                "VALUES ('work', %s, 1000000, %s, %s, %s::jsonb)",
                [job.kind, f"{job.kind}:{job.organization_id}", job.key, arguments],
            )
    Job.objects.all().delete()


def index_locks(apps, schema_editor):
    """Workers look for other jobs with the same lock at each claim; Procrastinate has no index that begins with it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX IF NOT EXISTS engine_procrastinate_lock ON procrastinate_jobs (lock, status) "
            "WHERE status IN ('todo', 'doing')"
        )


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS engine_procrastinate_lock")


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0001_squashed"),
        *([("procrastinate", "0041_post_retry_failed_job")] if PROCRASTINATE else []),
    ]

    operations = [
        migrations.RunPython(hand_over, migrations.RunPython.noop),
        migrations.DeleteModel(name="TickTurn"),
        migrations.CreateModel(
            name="PeriodicCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("called_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="JobDetail",
            fields=[
                ("job_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("failures", models.IntegerField(default=0)),
                ("crashes", models.IntegerField(default=0)),
                ("progress", models.JSONField(default=dict)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveConstraint(model_name="job", name="job_one_live"),
        migrations.RemoveIndex(model_name="job", name="job_ready"),
        migrations.RemoveIndex(model_name="job", name="job_kind"),
        migrations.RemoveIndex(model_name="job", name="job_turn"),
        migrations.RemoveField(model_name="job", name="heartbeat_at"),
        migrations.AddField(
            model_name="job",
            name="lock",
            field=models.CharField(blank=True, help_text="At most one running job has it.", max_length=200),
        ),
        migrations.AddField(model_name="job", name="queue", field=models.CharField(default="work", max_length=16)),
        migrations.AddField(
            model_name="job",
            name="priority",
            field=models.IntegerField(default=0, help_text="Higher goes first."),
        ),
        migrations.AddField(
            model_name="job",
            name="failures",
            field=models.IntegerField(default=0, help_text="How often its handler raised."),
        ),
        migrations.AddField(
            model_name="job",
            name="crashes",
            field=models.IntegerField(default=0, help_text="How often the worker process died in it."),
        ),
        migrations.AlterField(
            model_name="job",
            name="attempts",
            field=models.IntegerField(default=0, help_text="How often it was claimed."),
        ),
        migrations.AlterField(
            model_name="job",
            name="key",
            field=models.CharField(help_text="At most one waiting job has it.", max_length=200),
        ),
        migrations.AddIndex(
            model_name="job", index=models.Index(fields=["status", "-priority", "id"], name="job_order")
        ),
        migrations.AddIndex(model_name="job", index=models.Index(fields=["status", "lock"], name="job_lock")),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "queued")), fields=("key",), name="job_one_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running"), models.Q(("lock", ""), _negated=True)),
                fields=("lock",),
                name="job_one_running",
            ),
        ),
        migrations.AlterField(model_name="worker", name="owner", field=models.CharField(max_length=200)),
        migrations.AddField(model_name="worker", name="number", field=models.BigIntegerField(default=0)),
        migrations.AddField(
            model_name="worker", name="suspected_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddConstraint(
            model_name="worker", constraint=models.UniqueConstraint(fields=("owner", "number"), name="worker_once")
        ),
        migrations.RunPython(index_locks, drop_index),
    ]
