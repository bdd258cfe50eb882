from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "startdeliver.web"
    label = "web"
