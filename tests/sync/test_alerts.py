"""One judgement for banner, note and e-mail: when a person is needed, and that they are written to once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.sync.alerts import alarm_of, enqueue_alerts
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Organization
from tests.conftest import NOW


@pytest.fixture
def link(scoped: Organization, frozen_now: datetime) -> Connection:
    return Connection.objects.create(
        organization=scoped,
        status="authenticated",
        workspace="w",
        saved_at=NOW - timedelta(days=9),
        last_success_at=NOW - timedelta(hours=1),
    )


def send_alerts() -> int:
    """How many connections were written about."""
    enqueue_alerts()
    before = len(mail.outbox)
    jobs.run_inline()
    return len(mail.outbox) - before


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(1, False), (26, False), (26.001, True), (200, True)],
)
def test_no_success_for_more_than_26_hours_is_an_alarm(link: Connection, hours: float, expected: bool) -> None:
    link.last_success_at = NOW - timedelta(hours=hours)
    assert (alarm_of(link) is not None) is expected


def test_never_synced_counts_from_the_save(link: Connection) -> None:
    link.last_success_at = None
    link.saved_at = NOW - timedelta(hours=25)
    assert alarm_of(link) is None
    link.saved_at = NOW - timedelta(hours=27)
    assert alarm_of(link) is not None


def test_a_revoked_connection_alarms_nobody(link: Connection) -> None:
    link.status, link.last_success_at = "revoked", NOW - timedelta(days=30)
    assert alarm_of(link) is None


def test_administrators_are_written_to_once_and_again_after_it_was_mended(
    link: Connection, administrator: Member, csm: Member
) -> None:
    link.last_success_at = NOW - timedelta(hours=27)
    link.save()
    assert send_alerts() == 1
    assert send_alerts() == 0
    assert [message.to for message in mail.outbox] == [[administrator.email]]
    assert "/apps/intercom" in mail.outbox[0].body
    Connection.objects.update(last_success_at=NOW)
    assert send_alerts() == 0
    with clock.frozen(NOW + timedelta(hours=27)):
        assert send_alerts() == 1
