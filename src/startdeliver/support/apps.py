from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "startdeliver.support"
    label = "support"
