"""Evidence of many customers is the same whether it is read in one piece or ahead of the words."""

from __future__ import annotations

import pytest

from startdeliver.assessment.evidence import collect
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.support.factories import NOW, days, make_customer, make_ticket


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("frozen_now")
class TestPieces:
    def test_all_are_there_once_and_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        organization = Organization.objects.create(name="Acme", slug="acme")
        with organization_scope(organization):
            customers = [make_customer(f"Customer {number}") for number in range(7)]
            for number, customer in enumerate(customers):
                make_ticket(customer, NOW - days(number + 1))
        ids = [customer.pk for customer in customers]
        whole = list(collect.collect(organization, ids))
        monkeypatch.setattr(collect, "CHUNK", 2)
        assert [one.hash for one in collect.collect(organization, ids)] == [one.hash for one in whole]
        assert len({one.hash for one in whole}) == 7

    def test_an_error_while_reading_ahead_is_raised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        organization = Organization.objects.create(name="Acme", slug="acme")
        with organization_scope(organization):
            ids = [make_customer(f"Customer {number}").pk for number in range(4)]
        monkeypatch.setattr(collect, "CHUNK", 2)
        first = []

        def fails_later(some: object) -> dict[int, list[object]]:
            first.append(some)
            if len(first) > 1:
                raise RuntimeError("the second piece")
            return {}

        monkeypatch.setattr(collect.workflows, "describe", fails_later)
        with pytest.raises(RuntimeError, match="the second piece"):
            list(collect.collect(organization, ids))
