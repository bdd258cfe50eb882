from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "startdeliver.assessment"
    label = "assessment"

    def ready(self) -> None:
        # Registers the jobs and what happens at intervals.
        from startdeliver.assessment import work  # noqa: F401
