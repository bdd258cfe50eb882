"""What it means that a customer spoke of leaving, and what takes it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.assessment.evidence import messages
from startdeliver.assessment.evidence.collect import collect
from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.reader import readings
from startdeliver.assessment.rules.assessor import assess
from startdeliver.customers.models import Customer
from startdeliver.support.models import Ticket
from startdeliver.tenancy.models import Organization
from tests.assessment.test_evidence import say
from tests.support.factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")

LEAVING = "We have decided not to renew and will move to another provider."


def heard(customer: Customer) -> Evidence:
    readings.read_due(customer.organization)
    return next(iter(collect(customer.organization, [customer.pk])))


def wrote(customer: Customer, ago: float, text: str, open_: bool = False) -> Ticket:
    resolved = None if open_ else NOW - days(ago) + timedelta(hours=5)
    ticket = make_ticket(customer, NOW - days(ago), resolved=resolved, last_contact_reply_at=NOW - days(ago))
    say(ticket, (ago, f"<p>{text}</p>"))
    return ticket


def test_talk_of_leaving_puts_at_risk(scoped: Organization) -> None:
    customer = make_customer()
    wrote(customer, 20, LEAVING)
    assert assess(heard(customer)).status == "risk"


@pytest.mark.parametrize(
    "later",
    [
        "Don't worry, we are not leaving. We have signed the renewal for two more years.",
        "Please disregard our cancellation, the problems are solved and we want to continue.",
    ],
)
def test_who_takes_it_back_in_another_ticket_is_not_leaving(scoped: Organization, later: str) -> None:
    customer = make_customer()
    wrote(customer, 20, LEAVING)
    wrote(customer, 5, later)
    found = heard(customer)
    assert [fact.value["settled"] for fact in found.starting("churn.")] == [True]
    assert assess(found).status != "risk"


def test_leaving_is_remembered_for_half_a_year_and_then_forgotten(scoped: Organization) -> None:
    recent, old = make_customer("Recent"), make_customer("Old")
    wrote(recent, 150, LEAVING)
    wrote(old, 185, LEAVING)
    assert heard(recent).starting("churn.")
    assert not heard(old).starting("churn.")


def test_an_automatic_reply_is_no_sign_of_life(scoped: Organization) -> None:
    customer = make_customer()
    wrote(customer, 80, "Where is the invoice?")
    wrote(customer, 3, "I am out of the office until Monday.")
    found = heard(customer)
    assert found.get("contact.in")["days"] == 80
    assert found.get("tone.recent") is None


def test_a_quiet_time_that_was_announced_is_no_news(scoped: Organization) -> None:
    customer = make_customer()
    Customer.objects.filter(pk=customer.pk).update(last_login_at=NOW - days(40))
    before = assess(heard(customer)).status
    wrote(customer, 45, "We close for the winter, see you in March.")
    assert (before, assess(heard(customer)).status) == ("attention", "neutral")


def test_what_a_mail_quotes_is_not_said(scoped: Organization) -> None:
    customer = make_customer()
    wrote(customer, 3, f"Thank you.</p><blockquote>{LEAVING}</blockquote><p>")
    assert not heard(customer).starting("churn.")


@pytest.mark.parametrize(
    ("sure", "text", "counts"),
    [
        (0.6, "We will terminate the agreement in June", True),
        (0.6, "Can the planner see last week as well?", False),
        (0.98, "Ours will be another one by June", True),
        (0.6, "Vi har beslutat att inte förlänga", True),
        (0.6, "Vi förlänger alltså inte i vår", True),
        (0.6, "Vi har lagt upp tio kollegor och vill också komma igång", False),
        (0.85, "Vi går vår egen väg från våren", True),
        (0.6, "Não vamos renovar em março", True),
        (0.6, "O nosso informático quer ligar as rotas ao sistema", False),
        (0.6, "Ihr Vertragspartner ist insolvent, der Verwalter prüft alle Verträge", True),
        (0.6, "Nous ne souhaitons pas renouveler en mai", True),
    ],
)
def test_what_is_called_leaving_has_a_word_for_it(sure: float, text: str, counts: bool) -> None:
    quote = readings.Quote("entry", 0, 0.0, sure, text, "leaving")
    assert messages._is_worded(quote) is counts
