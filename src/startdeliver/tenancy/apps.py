from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "startdeliver.tenancy"
    label = "tenancy"
    verbose_name = "Organizations and members"
