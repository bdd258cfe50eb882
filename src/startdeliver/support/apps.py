"""Django's entry to this app: it registers what happens at intervals."""

from importlib import import_module

from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "startdeliver.support"
    label = "support"

    def ready(self) -> None:
        """Registers the ticks of `support.daily`, and that tickets follow their users."""
        import_module("startdeliver.support.daily")
        import_module("startdeliver.support.moves")
