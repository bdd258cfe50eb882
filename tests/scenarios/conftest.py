"""Whole stories: an organization connected to a simulated Intercom workspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.sync import session
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization

from .pushing import LOGIN, Out
from .story import Story


@pytest.fixture
def intercom(settings: Any) -> Iterator[Handle]:
    """A simulated workspace that receives the requests."""
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
    """Makes the client's pauses take no time; returns their lengths.

    The clocks of the workspace, of its rate limit and of the client's limiter advance by them.
    """
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)
        intercom.clock.advance(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(session, "pause", pause)
    monkeypatch.setattr(session, "steady", lambda: time.monotonic() + sum(taken))
    monkeypatch.setattr(intercom.limiter, "clock", lambda: time.time() + sum(taken))
    return taken


@pytest.fixture
def out(story: Story) -> Out:
    """Acme and Ann are linked to a company and a contact; nothing has been sent."""
    out = Out(story.organization, story.connection, story.intercom)
    acme = out.customer("Acme", external_id="acme")
    out.user("ann@acme.example", acme, name="Ann", external_id="ann")
    company = out.workspace.add_company("Acme", "acme")
    out.workspace.add_contact("Ann", "ann@acme.example", companies=[company], external_id="ann")
    out.sync(messages=False)
    out.intercom.log.clear()
    return out


@pytest.fixture
def pushed(out: Out, monkeypatch: pytest.MonkeyPatch) -> Out:
    """The tier is unlocked, the preview accepted, and the first push is done.

    The tests set health, so a sync does not compute it.
    """
    monkeypatch.setattr("startdeliver.usage.health.refresh", lambda organization: set())
    out.unlock()
    out.accept()
    out.health(Customer.objects.get(), "poor")
    Customer.objects.update(last_login_at=LOGIN)
    CustomerUser.objects.update(last_login_at=LOGIN)
    out.push()
    out.intercom.log.clear()
    return out
