"""Assessing what is due, and only that; history, trend, corrections, jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.assessment import selectors, services, stage
from startdeliver.assessment.models import Assessment, LatestAssessment
from startdeliver.assessment.statuses import Trend
from startdeliver.assessment.trend import trend
from startdeliver.changes.models import Change, Kind, Stage
from startdeliver.changes.queue import record, waits
from startdeliver.common import clock
from startdeliver.support import health
from startdeliver.sync import pipeline
from startdeliver.tenancy.models import Member, Organization
from tests.support.factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


def settle(organization: Organization) -> None:
    while pipeline.run(organization):
        pass


def test_unchanged_evidence_is_never_assessed_again(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(9))
    assert services.assess_due(scoped) == 1
    monkeypatch.setattr(services, "assess", lambda evidence: pytest.fail("assessed again"))
    assert services.assess_due(scoped) == 0


def test_the_page_gets_status_summary_action_and_facts(scoped: Organization) -> None:
    customer = make_customer()
    tickets = [make_ticket(customer, NOW - days(9 + n), title="Export broken") for n in range(3)]
    health.recompute(scoped)
    services.assess_due(scoped)
    shown = selectors.panel(customer)
    assert shown is not None
    assert shown.status == "attention"
    assert shown.summary.startswith("3 tickets are overdue, the oldest open since 22 October")
    assert "Export broken" in shown.action
    assert shown.source == "Built in"
    links = [fact["link"] for signal in selectors.analysis(shown.assessment) for fact in signal.facts]
    assert f"/tickets/{tickets[0].pk}" in links
    assert selectors.status_counts()["attention"] == 1


def test_archived_customers_are_left_alone(scoped: Organization) -> None:
    customer = make_customer()
    type(customer).objects.filter(pk=customer.pk).update(archived_at=NOW)
    assert services.assess_due(scoped) == 0


def test_a_ticket_that_becomes_overdue_by_time_alone_changes_the_assessment(scoped: Organization) -> None:
    customer = make_customer()
    for _ in range(3):
        make_ticket(customer, NOW - days(7) + timedelta(minutes=5))
    record(scoped, Kind.DAY)
    settle(scoped)
    before = LatestAssessment.objects.get(customer=customer)
    with clock.frozen(NOW + timedelta(minutes=6)):
        pipeline.record_time()
        settle(scoped)
        after = LatestAssessment.objects.get(customer=customer)
    assert (before.status, after.status) == ("neutral", "attention")
    assert after.changed_at == NOW + timedelta(minutes=6)


def test_a_new_day_has_everybody_looked_at_in_batches(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "CHUNK", 2)
    for number in range(5):
        make_customer(f"Customer {number}")
    Change.objects.all().delete()
    record(scoped, Kind.DAY)
    stage.refresh(scoped)
    assert LatestAssessment.objects.count() == 0
    sizes = []
    while waits(scoped, Stage.ASSESSMENT):
        stage.refresh(scoped)
        sizes.append(LatestAssessment.objects.count())
    assert sizes == [2, 4, 5]


def test_the_same_verdict_gets_no_further_row_of_history(scoped: Organization) -> None:
    customer = make_customer()
    for number in range(3):
        make_ticket(customer, NOW - days(9 + number))
    health.recompute(scoped)
    services.assess_due(scoped)
    make_ticket(customer, NOW - days(8))
    health.recompute(scoped)
    assert services.assess_due(scoped) == 1
    row = Assessment.objects.get(customer=customer)
    assert row.summary[0]["text"].startswith("4 tickets are overdue")


def test_a_correction_stands_until_something_new_comes_up(scoped: Organization, csm: Member) -> None:
    customer = make_customer()
    for number in range(3):
        make_ticket(customer, NOW - days(9 + number))
    health.recompute(scoped)
    services.assess_due(scoped)
    current = LatestAssessment.objects.select_related("assessment").get(customer=customer)
    services.mark_wrong(current.assessment, member=csm, reason="They asked us to wait", status="neutral")
    settle(scoped)
    current.refresh_from_db()
    assert current.status == "neutral"
    make_ticket(customer, NOW - days(3), rating=1, rated_at=NOW, waiting_since=NOW - days(3))
    make_ticket(customer, NOW - days(30), resolved=NOW - days(2), rating=1, rated_at=NOW, reopen_count=2)
    services.assess_due(scoped)
    current.refresh_from_db()
    assert current.status in ("attention", "risk")


def test_a_correction_needs_a_reason(scoped: Organization, csm: Member) -> None:
    customer = make_customer()
    services.assess_due(scoped)
    with pytest.raises(ValueError, match="why"):
        services.mark_wrong(Assessment.objects.get(customer=customer), member=csm, reason="  ")


def test_reassess_now(scoped: Organization) -> None:
    customer = make_customer()
    services.assess_due(scoped)
    with clock.frozen(NOW + timedelta(hours=1)):
        assert services.reassess(customer) is None
    assert LatestAssessment.objects.get(customer=customer).assessed_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("statuses", "before", "expected"),
    [
        (["engaged"], "steady", Trend.STEADY),
        (["engaged", "engaged", "risk"], "steady", Trend.DETERIORATING),
        (["risk", "risk", "engaged"], "steady", Trend.IMPROVING),
        (["engaged", "neutral"] * 3, "steady", Trend.STEADY),
        (["neutral", "engaged"] * 3, "steady", Trend.STEADY),
        (["neutral", "engaged"] * 3, "improving", Trend.IMPROVING),
    ],
)
def test_trend(statuses: list[str], before: str, expected: Trend) -> None:
    points = [(NOW - timedelta(weeks=len(statuses) - number), status) for number, status in enumerate(statuses)]
    points[-1] = (NOW, points[-1][1])
    assert trend(points, NOW, before) == expected


def test_a_trend_fades_with_time(scoped: Organization) -> None:
    points = [(NOW - days(60), "engaged"), (NOW, "risk")]
    assert trend(points, NOW) == Trend.DETERIORATING
    assert trend(points, NOW + days(60), Trend.DETERIORATING) == Trend.STEADY


def test_what_another_organization_has_stays_there(scoped: Organization, other_organization: Organization) -> None:
    from django_scopes import scope

    with scope(organization=other_organization):
        theirs = type(make_customer("Theirs"))  # made in the scope of its own organization
        services.assess_due(other_organization)
        assert LatestAssessment.objects.count() == 1
        assert theirs.objects.count() == 1
    assert services.assess_due(scoped) == 0
    assert LatestAssessment.objects.count() == 0
