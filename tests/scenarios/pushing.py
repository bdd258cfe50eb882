"""What stories about pushes share: an organization whose customer and user are linked, and what was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from startdeliver.customers.models import Customer
from startdeliver.simulator.model.records import Contact
from startdeliver.sync.models import IntercomContact, PushRun
from startdeliver.sync.push import choices, runs
from startdeliver.usage.models import UsageHealth

from .story import Story

LOGIN = datetime(2026, 10, 1, 8, tzinfo=UTC)


class Out(Story):
    """A story about pushes."""

    def unlock(self) -> None:
        self.organization.advanced = True
        self.organization.save()

    def accept(self) -> None:
        choices.accept(self.organization, "ada@acme.test")

    def tick(self, *keys: str, **more: Any) -> None:
        choices.save(self.organization, by="ada@acme.test", ticked=keys, **more)

    def push(self, expect: str = PushRun.Status.SUCCESS) -> PushRun:
        run = runs.run_now(self.organization)
        assert run.status == expect, run.error
        return run

    def health(self, customer: Customer, status: str | None) -> None:
        UsageHealth.objects.update_or_create(
            customer=customer, defaults={"organization": self.organization, "status": status}
        )

    def company(self, **fields: Any) -> dict[str, Any]:
        """The custom attributes of the only company."""
        (company,) = self.workspace.companies.values()
        return company.custom_attributes

    def contact(self) -> Contact:
        """Ann's contact in Intercom."""
        (ref,) = IntercomContact.objects.filter(external_id="ann").values_list("ref", flat=True)
        return self.workspace.contact(ref)

    def writes(self) -> list[tuple[str, str]]:
        """What was written to Intercom since the log was cleared."""
        skip = ("/contacts/search", "/conversations/search", "/tickets/search", "/companies/list")
        return [(e.method, e.path) for e in self.intercom.log.entries if e.method != "GET" and e.path not in skip]
