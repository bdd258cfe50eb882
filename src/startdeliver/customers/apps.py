"""Django's entry to this app: the background job that imports files, the ticks, and the triggers of the activity."""

from importlib import import_module

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "startdeliver.customers"
    label = "customers"

    def ready(self) -> None:
        """Registers the job of `customers.imports.service` and what `ticks` and `triggers` do."""
        from startdeliver.customers.triggers import TRIGGERS
        from startdeliver.storage import triggers

        import_module("startdeliver.customers.imports.service")
        import_module("startdeliver.customers.ticks")
        triggers.register(self, TRIGGERS)
