from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "startdeliver.changes"
    label = "changes"

    def ready(self) -> None:
        """Registers the triggers that record changes."""
        from startdeliver.changes.triggers import RETIRED, TRIGGERS
        from startdeliver.storage import triggers

        triggers.register(self, TRIGGERS, RETIRED)
