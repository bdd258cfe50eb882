"""One judgement for banner, note and e-mail: when a person is needed, and that they are written to once."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine import mail as mail_jobs
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


def test_a_mail_server_that_never_answers_holds_up_nothing_and_the_alert_is_sent_later(
    link: Connection, administrator: Member, settings: Any
) -> None:
    backend = settings.EMAIL_BACKEND
    link.last_success_at = NOW - timedelta(hours=27)
    link.save()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = deaf.getsockname()
        settings.EMAIL_TIMEOUT = 0.3
        enqueue_alerts()
        (tried,) = jobs.run_inline(limit=1)
    assert (tried.status, tried.failures) == (jobs.Status.WAITING, 1)
    link.refresh_from_db()
    assert link.alerted_at is None, "nobody was written to"
    settings.EMAIL_BACKEND = backend
    assert send_alerts() == 1, "the next look sends it at once"
    link.refresh_from_db()
    assert link.alerted_at is not None


def test_one_mail_that_fails_holds_up_no_other(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    send = mail_jobs.send_mail

    def refuse(subject: str, text: str, sender: None, to: list[str]) -> int:
        if to == ["bad@acme.test"]:
            raise OSError("the server refuses this address")
        return send(subject, text, sender, to)

    monkeypatch.setattr(mail_jobs, "send_mail", refuse)
    for to in ("bad@acme.test", "good@acme.test"):
        mail_jobs.enqueue_mail(to=to, subject="Hello", text="Hello")
    jobs.run_inline()
    assert [message.to for message in mail.outbox] == [["good@acme.test"]]
