"""Django's entry to this app: it registers the sync job and what happens at intervals."""

from importlib import import_module

from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "startdeliver.sync"
    label = "sync"

    def ready(self) -> None:
        """Registers the jobs of the sync and of the push, and the ticks of `sync.schedule`."""
        import_module("startdeliver.sync.schedule")
        import_module("startdeliver.sync.push.job")
