"""Django's entry to this app: it registers what happens at intervals and what a new organization gets."""

from importlib import import_module

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "startdeliver.workflows"
    label = "workflows"

    def ready(self) -> None:
        """Registers the tick of `workflows.ticks`, and the default workflow with `tenancy.services`."""
        from startdeliver.tenancy.services import when_created
        from startdeliver.workflows.defaults import make_defaults

        import_module("startdeliver.workflows.ticks")
        when_created(make_defaults)
