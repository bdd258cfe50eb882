"""What the raw statements of workflows share beyond `storage.sql`: the lock of who enrols."""

from __future__ import annotations

from contextlib import AbstractContextManager

from startdeliver.storage import sql
from startdeliver.tenancy.models import Organization

# First key of PostgreSQL's advisory locks of this app; the second is the organization.
_LOCK_CLASS = 73_125


def enrolment_writer(organization: Organization) -> AbstractContextManager[None]:
    """One transaction in which nobody else enrols or removes customers of this organization.

    On PostgreSQL two passes at once could decide on facts of different moments, so facts are read only after the lock
    is held.
    """
    return sql.one_writer(organization, _LOCK_CLASS)
