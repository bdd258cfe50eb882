"""Tenant isolation: reads fail closed, writes into another organization raise."""

from __future__ import annotations

import pytest
from django_scopes.exceptions import ScopeError

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite, organization_scope


def test_reading_without_a_scope_raises(organization: Organization) -> None:
    with pytest.raises(ScopeError):
        Customer.objects.count()


def test_a_scope_sees_only_its_own_rows(organization: Organization, other_organization: Organization) -> None:
    with organization_scope(other_organization):
        theirs = Customer.objects.create(organization=other_organization, name="Theirs")
    with organization_scope(organization):
        assert not Customer.objects.filter(pk=theirs.pk).exists()


def test_writes_into_another_organization_raise(organization: Organization, other_organization: Organization) -> None:
    with organization_scope(organization):
        with pytest.raises(CrossTenantWrite):
            Customer(organization=other_organization, name="Smuggled").save()
        with pytest.raises(CrossTenantWrite):
            Customer.objects.bulk_create([Customer(organization=other_organization, name="Smuggled")])


def test_related_rows_are_scoped_too(organization: Organization) -> None:
    with organization_scope(organization):
        customer = Customer.objects.create(organization=organization, name="Ours")
    with pytest.raises(ScopeError):
        customer.users.count()
