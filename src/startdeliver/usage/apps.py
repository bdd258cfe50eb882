from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class UsageConfig(AppConfig):
    name = "startdeliver.usage"
    label = "usage"

    def ready(self) -> None:
        from startdeliver.usage import triggers

        import_module("startdeliver.usage.ticks")
        import_module("startdeliver.usage.imports")
        pre_migrate.connect(triggers.before_migrations, sender=self, dispatch_uid="usage.triggers")
        post_migrate.connect(triggers.after_migrations, sender=self, dispatch_uid="usage.triggers")
