"""Django's entry to this app."""

from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class EngineConfig(AppConfig):
    name = "startdeliver.engine"
    label = "engine"

    def ready(self) -> None:
        """Prepares connections to the database; of the apps this is the first above `storage`."""
        import_module("startdeliver.engine.mail")
        from startdeliver.storage import times

        connection_created.connect(times.use_compiled_loader, dispatch_uid="storage.times")
