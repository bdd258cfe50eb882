from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "startdeliver.workflows"
    label = "workflows"
