from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "startdeliver.api"
    label = "api"
