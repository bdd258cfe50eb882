"""Shared by the raw SQL statements of support: the lock of health's writers, the tenant's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django_scopes.exceptions import ScopeError

from startdeliver.storage.sql import id_list, one_of, one_writer, tune
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import current_organization

# First key of PostgreSQL's advisory locks of this app; the second is the organization.
_LOCK_CLASS = 73_121


@contextmanager
def health_writer(organization: Organization) -> Iterator[None]:
    """One transaction in which no other process writes this organization's health."""
    with one_writer(organization, _LOCK_CLASS):
        # With this a pass over a million tickets groups in memory; with the default of 4 MB it spills to disk.
        # Compiling the expressions takes longer than it saves.
        tune(work_mem="64MB", jit="off")
        yield


def required_organization() -> Organization:
    """Returns the organization of the open scope. Raises ScopeError if there is none or scopes are disabled."""
    organization = current_organization()
    if organization is None:
        raise ScopeError("this needs one organization's scope")
    return organization


def of_customers(organization: Organization, customer_ids: Sequence[int] | None) -> tuple[str, list[Any]]:
    """Returns SQL and parameters that select the rows of `organization`, of these customers only unless None."""
    if customer_ids is None:
        return "organization_id = %s", [organization.pk]
    return f"organization_id = %s AND {one_of('customer_id')}", [organization.pk, id_list(customer_ids)]
