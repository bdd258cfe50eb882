from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "startdeliver.customers"
    label = "customers"
