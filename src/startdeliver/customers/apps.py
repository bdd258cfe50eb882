"""Django's entry to this app: the background job that imports files, the ticks, and the triggers of the activity."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CustomersConfig(AppConfig):
    name = "startdeliver.customers"
    label = "customers"

    def ready(self) -> None:
        """Registers the job of `customers.imports.service` and what `ticks` and `triggers` do."""
        from startdeliver.customers import triggers

        import_module("startdeliver.customers.imports.service")
        import_module("startdeliver.customers.ticks")
        pre_migrate.connect(triggers.before_migrations, sender=self, dispatch_uid="customers.triggers")
        post_migrate.connect(triggers.after_migrations, sender=self, dispatch_uid="customers.triggers")
