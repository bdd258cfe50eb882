"""The tenant scope: reads outside it raise, writes into another organization raise.

The scope is that of `django_scopes`. The manager below applies it to reads and bulk writes, `TenantModel.save` to
single writes. Cross-tenant work (periodic tasks, log-in) opens `django_scopes.scopes_disabled()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django_scopes import get_scope, scope
from django_scopes.exceptions import ScopeError

from startdeliver.tenancy.organization import Organization

M = TypeVar("M", bound="TenantModel")


class CrossTenantWrite(Exception):
    """A row of one organization was about to be written while another organization's scope was open."""


def organization_scope(organization: Organization) -> AbstractContextManager[Any]:
    """Limits every tenant query inside the block to `organization`'s rows."""
    context: AbstractContextManager[Any] = scope(organization=organization)
    return context


def current_organization() -> Organization | None:
    """Returns the organization of the open scope; None if scopes are disabled. Raises ScopeError if none is open."""
    current = get_scope()
    if not current.get("_enabled", True):
        return None
    organization: Organization | None = current.get("organization")
    if organization is None:
        raise ScopeError("no organization's scope is open; use organization_scope() or scopes_disabled()")
    return organization


def check_rows(rows: Iterable[TenantModel]) -> None:
    """Raises CrossTenantWrite when a row to be written belongs to another organization than the open scope."""
    organization = current_organization()
    if organization is None:
        return
    for row in rows:
        if row.organization_id != organization.pk:
            raise CrossTenantWrite(f"{type(row).__name__} of organization {row.organization_id} outside its scope")


class TenantManager(models.Manager[M]):
    """Sees the rows of the open scope's organization only."""

    def get_queryset(self) -> models.QuerySet[M]:
        organization = current_organization()
        rows = super().get_queryset()
        return rows if organization is None else rows.filter(organization=organization)

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        rows = list(objs)
        check_rows(rows)
        return super().bulk_create(rows, *args, **kwargs)


class TenantModel(models.Model):
    """A row that belongs to exactly one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True

    organization_id: int

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves, unless the row belongs to another organization than the open scope (CrossTenantWrite)."""
        check_rows([self])
        super().save(*args, **kwargs)
