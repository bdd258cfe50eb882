"""What follows when users are given to a customer. The package that knows of it (support, for tickets) says so here,
since this one knows nothing of tickets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from django.db.models import QuerySet

from startdeliver.customers.models import CustomerUser
from startdeliver.tenancy.models import Organization

Follower: TypeAlias = Callable[[Organization, QuerySet[CustomerUser]], int]
_followers: list[Follower] = []


def register(follower: Follower) -> Follower:
    """Calls `follower` from now on whenever users were given to a customer. It gives the number of records it moved."""
    if follower not in _followers:
        _followers.append(follower)
    return follower


def follow(organization: Organization, users: QuerySet[CustomerUser]) -> int:
    """Moves what belongs to these users along. Gives the number of records. Twice is once."""
    return sum(follower(organization, users) for follower in _followers)
