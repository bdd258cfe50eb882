from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "startdeliver.sync"
    label = "sync"
