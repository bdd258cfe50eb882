"""Django's entry to this app: it registers the background job that imports files."""

from importlib import import_module

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "startdeliver.customers"
    label = "customers"

    def ready(self) -> None:
        """Registers the job of `customers.imports.service`."""
        import_module("startdeliver.customers.imports.service")
