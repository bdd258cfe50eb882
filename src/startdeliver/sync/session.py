"""Opening a line to a connection's workspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from startdeliver import __version__
from startdeliver.intercom import Backoff, Fetcher, IntercomClient, Limiter, Timeouts, regions
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization

# How long a run waits for one answer, and how often it asks for it.
PATIENCE = (Timeouts(), Backoff())
# What a person waits for in a request must not take as long as a run may.
_QUICK = (Timeouts(connect=5, read=10, total=15, deadline=20), Backoff(attempts=2, first=0.2, longest=1.0))


LOCK = "intercom"
"""Prefix of the lock of jobs that sync or push: one of an organization runs at a time."""


def lock_of(organization: Organization) -> str:
    """The lock of the organization's jobs that sync or push."""
    return f"{LOCK}:{organization.pk}"


async def pause(seconds: float) -> None:
    """How the client waits between attempts; a function of its own so that tests need not wait."""
    await asyncio.sleep(seconds)


def steady() -> float:
    """The clock that those waits are measured by, in seconds; with `pause` all that a test needs to make them short."""
    return time.monotonic()


@contextmanager
def line(link: Connection, *, token: str = "", region: str = "", quick: bool = False) -> Iterator[Fetcher]:
    """A `Fetcher` for the connection's workspace, closed at the end. `token` and `region` replace the stored ones.

    `quick`: for work that somebody waits for. Raises crypto.DecryptionError when the stored token cannot be read.
    """
    timeouts, backoff = _QUICK if quick else PATIENCE
    client = IntercomClient(
        token or link.token,
        regions.api_url(region or link.region, settings.CONFIG.intercom_api_url),
        limiter=Limiter(reserve=link.rate_reserve, clock=lambda: steady(), sleep=lambda seconds: pause(seconds)),
        timeouts=timeouts,
        backoff=backoff,
        sleep=lambda seconds: pause(seconds),
        user_agent=f"Startdeliver/{__version__}",
    )
    with Fetcher(client) as fetcher:
        yield fetcher
