"""An organization, its simulated workspace, and the verbs that the stories are told with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.simulator.testing import Handle
from startdeliver.simulator.workspace import Workspace
from startdeliver.support.models import Ticket
from startdeliver.sync import runs
from startdeliver.sync.models import Connection, Skip, SyncRun
from startdeliver.tenancy.models import Organization


@dataclass
class Story:
    """An organization and its simulated workspace, and the verbs that tests use on both."""

    organization: Organization
    connection: Connection
    intercom: Handle

    @property
    def workspace(self) -> Workspace:
        return self.intercom.workspace

    def sync(self, *, expect: str = SyncRun.Status.SUCCESS, messages: bool = True) -> SyncRun:
        """One run, from asking to its end. `expect`: its status."""
        run = runs.run_now(self.organization, messages=messages)
        assert run.status == expect, (run.error_code, run.error, run.warnings)
        self.connection.refresh_from_db()
        return run

    def set(self, **answers: Any) -> None:
        """Changes settings of the connection."""
        for name, value in answers.items():
            setattr(self.connection, name, value)
        self.connection.save()
        record(self.organization, Kind.MATCHING)

    def customer(self, name: str = "Acme", **fields: Any) -> Customer:
        return Customer.objects.create(organization=self.organization, name=name, **fields)

    def user(self, email: str = "", customer: Customer | None = None, **fields: Any) -> CustomerUser:
        return CustomerUser.objects.create(organization=self.organization, email=email, customer=customer, **fields)

    def ticket(self, conversation: Any) -> Ticket:
        """The ticket of a conversation (or its id)."""
        return Ticket.objects.get(external_id=getattr(conversation, "id", conversation))

    def tickets(self) -> set[str]:
        return set(Ticket.objects.values_list("external_id", flat=True))

    def skip(self, conversation: Any) -> Skip:
        return Skip.objects.get(external_id=getattr(conversation, "id", conversation))

    def skips(self) -> dict[str, str]:
        """{conversation: reason} of the present skips."""
        return dict(Skip.objects.filter(resolved_at__isnull=True).values_list("external_id", "reason"))
