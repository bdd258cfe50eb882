from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "startdeliver.assessment"
    label = "assessment"

    def ready(self) -> None:
        # Registers the jobs and what happens at intervals.
        from startdeliver.assessment import for_workflows, stage  # noqa: F401
        from startdeliver.workflows import facts

        facts.register(for_workflows.rule_facts)
