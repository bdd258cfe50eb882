"""Whole stories: an organization connected to a simulated Intercom workspace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.sync import session
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization

from .story import Story


@pytest.fixture
def intercom(settings: Any) -> Iterator[Handle]:
    """A simulated workspace; requests go there."""
    with run_in_thread() as handle:
        settings.CONFIG = replace(settings.CONFIG, intercom_api_url=handle.url, intercom_app_url=handle.url)
        yield handle


@pytest.fixture
def story(scoped: Organization, intercom: Handle) -> Story:
    """An organization that is connected, with nothing synced yet."""
    link = Connection(
        organization=scoped,
        status=Connection.Status.AUTHENTICATED,
        token_kind="token",
        workspace=intercom.workspace.id_code,
        saved_at=clock.now(),
        next_sync_at=clock.now(),
    )
    link.token = intercom.token
    link.save()
    return Story(scoped, link, intercom)


@pytest.fixture
def naps(intercom: Handle, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The client's pauses take no time; gives how long they would have been. The workspace's clock moves on by them."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)
        intercom.clock.advance(seconds)

    monkeypatch.setattr(session, "pause", pause)
    return taken
