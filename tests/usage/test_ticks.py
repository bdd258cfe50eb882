"""What happens by itself."""

from __future__ import annotations

import pytest

from startdeliver.common import clock
from startdeliver.engine.registry import ticks
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health
from startdeliver.usage import ticks as usage_ticks
from startdeliver.usage.models import Goal, UsageHealth, UsageState
from startdeliver.usage.rules import Person, Rule
from tests.usage.factories import NOW, TODAY, build


def test_one_organizations_failure_stops_no_other(
    organization: Organization, other_organization: Organization, frozen_now: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (organization, other_organization):
        with organization_scope(each):
            build(Rule(Goal.USAGE_COUNT, 1, 2), [Person(usage={TODAY: 2})])

    def fails_for_one(each: Organization) -> set[int]:
        if each == organization:
            raise RuntimeError("broken")
        return health.refresh(each)

    monkeypatch.setattr(usage_ticks, "refresh", fails_for_one)
    ticks["usage-refresh"].call()
    with organization_scope(other_organization):
        assert UsageHealth.objects.get().status == "good"
    with organization_scope(organization):
        assert not UsageHealth.objects.exists()


def test_an_organization_without_usage_is_left_alone(organization: Organization, unscoped: None) -> None:
    assert usage_ticks.refresh_all() == {}
    assert not UsageState.objects.exists()


def test_a_refresh_that_died_is_done_again(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    customer, _ = build(Rule(Goal.USAGE_COUNT, 1, 2), [Person(usage={TODAY: 2})])
    with clock.frozen(NOW):

        def dies(*_: object) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(health.logins, "compute", dies)
            with pytest.raises(RuntimeError):
                health.refresh(scoped)
        assert usage_ticks.refresh_all().keys() == {scoped.pk}
        assert usage_ticks.refresh_all() == {}
    assert UsageHealth.objects.get(customer=customer).status == "good"
