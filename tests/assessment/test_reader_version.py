"""After an upgrade the tones that an older reader stored are read again: by themselves, in the background, in pages."""

from __future__ import annotations

import pytest

from startdeliver.assessment import stage
from startdeliver.assessment.models import AssessmentState, TicketTone
from startdeliver.assessment.reader import model, process, readings, tone
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs
from startdeliver.support.models import Ticket
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.assessment.test_evidence import say
from tests.support.factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


class WordsOnly:
    """A reader whose encoder does not load."""

    def has_encoder(self) -> bool:
        return False

    def tones(self, texts: list[str]) -> list[tone.Tone]:
        return model._by_words(texts)


def stored_by_an_older_reader(customer: Customer, ago: float = 3) -> Ticket:
    """A ticket that speaks of leaving, of which an older reader heard nothing."""
    ticket = make_ticket(customer, NOW - days(ago), title="Hello")
    say(ticket, (ago, "<p>We have decided not to renew and will move to another provider.</p>"))
    readings.read_due(customer.organization)
    row = TicketTone.objects.get(ticket=ticket)
    assert row.reader == tone.VERSION
    AssessmentState.objects.get_or_create(organization=customer.organization)
    deaf = readings.decode(row.data)
    deaf = readings.Reading({key: readings.Spoken(one.check, one.at, 0, 0, True) for key, one in deaf.m.items()})
    data = readings._encode(deaf).decode()
    TicketTone.objects.filter(pk=row.pk).update(reader=0, topic="other", data=data)
    return ticket


def hears_leaving(ticket: Ticket) -> bool:
    row = TicketTone.objects.get(ticket=ticket)
    return any(one.churn >= readings.LEAVING for one in readings.decode(row.data).m.values())


def test_what_an_older_reader_stored_is_read_again_and_assessed(scoped: Organization) -> None:
    customer = make_customer()
    ticket = stored_by_an_older_reader(customer)
    stage.read_again()
    jobs.run_inline()
    assert hears_leaving(ticket)
    row = TicketTone.objects.get(ticket=ticket)
    assert (row.reader, row.topic) == (tone.VERSION, "cancel")
    stage.read_again()
    jobs.run_inline()
    assert AssessmentState.objects.get().reader == tone.VERSION
    stage.read_again()
    assert not [job for job in jobs.select([jobs.Status.WAITING]) if job.kind == stage.AGAIN_JOB]


def test_a_look_reads_nothing_itself_and_a_job_one_page(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "_PAGE", 2)
    customer = make_customer()
    tickets = [stored_by_an_older_reader(customer, ago) for ago in (2, 3, 4)]
    stage.read_again()
    assert [hears_leaving(ticket) for ticket in tickets] == [False] * 3
    assert readings.read_outdated(scoped) == {customer.pk}
    assert [hears_leaving(ticket) for ticket in tickets] == [True, True, False]
    assert readings.read_outdated(scoped) == {customer.pk}
    assert readings.read_outdated(scoped) is None


def test_without_the_encoder_nothing_is_read_again(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = stored_by_an_older_reader(make_customer())
    with monkeypatch.context() as patched:
        patched.setattr(process, "reader", WordsOnly())
        stage.read_again()
        jobs.run_inline()
        assert TicketTone.objects.get(ticket=ticket).reader == 0
        assert AssessmentState.objects.get().reader == 0
    stage.read_again()
    jobs.run_inline()
    assert hears_leaving(ticket)


def test_what_a_list_of_words_read_is_read_again_when_the_encoder_loads(
    scoped: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(make_customer(), NOW - days(2), title="Hallo")
    say(ticket, (2, "<p>Wir werden den Vertrag nicht verlängern und wechseln den Anbieter.</p>"))
    AssessmentState.objects.update_or_create(organization=scoped, defaults={"reader": tone.VERSION})
    with monkeypatch.context() as patched:
        patched.setattr(process, "reader", WordsOnly())
        readings.read_due(scoped)
    assert not hears_leaving(ticket)
    assert TicketTone.objects.get(ticket=ticket).reader == 0
    stage.read_again()
    jobs.run_inline()
    assert hears_leaving(ticket)


def test_another_organization_is_left_alone(scoped: Organization, other_organization: Organization) -> None:
    ticket = stored_by_an_older_reader(make_customer())
    with organization_scope(other_organization):
        assert readings.read_outdated(other_organization) is None
    assert not hears_leaving(ticket)
