from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "startdeliver.assessment"
    label = "assessment"
