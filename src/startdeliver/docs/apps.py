from django.apps import AppConfig


class DocsConfig(AppConfig):
    name = "startdeliver.docs"
    label = "userdocs"
