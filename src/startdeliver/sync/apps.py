"""Django's entry to this app: it registers the sync job and what happens at intervals."""

from importlib import import_module

from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "startdeliver.sync"
    label = "sync"

    def ready(self) -> None:
        """Registers jobs, the ticks of `sync.schedule`, and what goes out of workflows."""
        import_module("startdeliver.sync.pipeline")
        import_module("startdeliver.sync.schedule")
        import_module("startdeliver.sync.push.job")
        from startdeliver.sync.push import sources, workflows

        sources.register(workflows.sources)
