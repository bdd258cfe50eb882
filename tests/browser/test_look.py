"""Every page at two widths and in both themes: nothing sticks out, nothing is inaccessible."""

from __future__ import annotations

from collections.abc import Callable

from startdeliver.customers.imports import service
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import Ticket
from startdeliver.sync.models import Skip, SyncRun
from startdeliver.tenancy.scope import organization_scope
from startdeliver.workflows.models import Workflow
from startdeliver.workflows.services import enrol, workflow_create
from tests.browser.accessibility import problems_of
from tests.browser.conftest import Hub, Watched
from tests.browser.test_stories import synced


def addresses(hub: Hub) -> list[str]:
    with organization_scope(hub.organization):
        customer = Ticket.objects.filter(customer__isnull=False).first().customer  # type: ignore[union-attr]
        assert isinstance(customer, Customer)
        ticket = Ticket.objects.order_by("-message_count").first()
        user = CustomerUser.objects.filter(customer=customer).first()
        files = imports(hub)
        run, skip = SyncRun.objects.first(), Skip.objects.filter(resolved_at__isnull=True).first()
    assert ticket is not None
    assert user is not None
    assert run is not None
    assert skip is not None
    return [
        "/customers",
        "/customers/new",
        "/customers/import",
        *files,
        "/users",
        "/users?view=has-left",
        "/users/new",
        "/users/unassigned",
        f"/customers/{customer.pk}",
        f"/customers/{customer.pk}/assessment",
        f"/users/{user.pk}",
        "/tickets",
        f"/tickets/{ticket.pk}",
        "/search?q=in",
        "/apps",
        "/apps/intercom",
        "/apps/intercom/skips",
        f"/apps/intercom/skips/{skip.pk}",
        "/apps/intercom/fields",
        "/apps/intercom/runs",
        f"/apps/intercom/runs/{run.pk}",
        *workflows(hub, customer),
        "/settings",
        "/settings/health",
        "/settings/team",
        "/settings/apikeys",
        "/settings/ai",
        "/settings/fields",
        "/settings/fields/new",
        "/settings/products",
        "/settings/products/new",
        "/settings/products/types/new",
        "/docs/intercom",
        "/docs/import",
        "/docs/api",
    ]


def workflows(hub: Hub, customer: Customer) -> list[str]:
    """A workflow that a customer is in, by a rule that has conditions of several kinds."""
    with organization_scope(hub.organization):
        made = workflow_create(
            organization=hub.organization,
            by="setup",
            values={
                "name": f"Renewals {Workflow.objects.count()}",
                "enrol_rule": [
                    [{"fact": "renewal_date", "op": "next_days", "value": 60}],
                    [{"fact": "support_health", "op": "is", "value": "poor"}, {"fact": "plan", "op": "empty"}],
                ],
            },
        )
        enrol(workflow=made, customers=[customer.pk], by="setup", reason="They asked for a call.")
    own = f"/workflows/{made.pk}"
    return [
        *("/workflows", "/workflows/new", "/workflows/bulk", own, f"{own}?tab=history", f"{own}?tab=rules"),
        *(f"{own}/edit", f"/customers/{customer.pk}?tab=workflows"),
    ]


def imports(hub: Hub) -> list[str]:
    """Three files on their way in: just chosen, checked, and imported but for a row."""
    text = b"Company,ID,ARR\nOne,axe-1,5\nTwo,axe-2,much\n"
    found = []
    for step in range(3):
        made = service.upload(
            organization=hub.organization, by="ada", target="customer", filename=f"{step}.csv", data=text
        )
        if step:
            service.check(made)
        if step == 2:
            made.status, made.finished_at = "done", made.created_at
            made.save()
        found.append(f"/customers/import/{made.pk}")
    return found


def test_every_page_fits_and_is_accessible(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    page = watch().log_in(hub.administrator)
    problems: list[str] = []
    for address in addresses(hub):
        answer = page.goto(f"{hub.url}{address}")
        assert answer is not None
        assert answer.status == 200, address
        problems += problems_of(page)
    assert problems == []
