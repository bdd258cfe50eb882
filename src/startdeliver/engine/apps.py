from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "startdeliver.engine"
    label = "engine"
