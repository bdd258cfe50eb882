from importlib import import_module

from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "startdeliver.usage"
    label = "usage"

    def ready(self) -> None:
        import_module("startdeliver.usage.imports")
