"""What the raw statements of support share beyond `storage.sql`: the lock of health's writers, the tenant's rows."""

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
    """One transaction in which nobody else writes this organization's health."""
    with one_writer(organization, _LOCK_CLASS):
        # One pass over a million tickets groups in memory with this, and spills to disk with the usual 4 MB; compiling
        # its expressions takes longer than it saves.
        tune(work_mem="64MB", jit="off")
        yield


def required_organization() -> Organization:
    """The organization of the open scope; raises ScopeError when there is none or scopes are switched off."""
    organization = current_organization()
    if organization is None:
        raise ScopeError("this needs one organization's scope")
    return organization


def of_customers(organization: Organization, customer_ids: Sequence[int] | None) -> tuple[str, list[Any]]:
    """SQL and parameters that keep the rows of `organization`, and of these customers only unless None."""
    if customer_ids is None:
        return "organization_id = %s", [organization.pk]
    return f"organization_id = %s AND {one_of('customer_id')}", [organization.pk, id_list(customer_ids)]
