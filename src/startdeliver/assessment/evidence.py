"""The evidence of many customers at once: figures gathered in sets, put into words one by one, hashed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence

from startdeliver.assessment import describe_support, describe_usage, instructions
from startdeliver.assessment.ai_settings import ai_settings
from startdeliver.assessment.facts import Evidence, Fact
from startdeliver.assessment.gather import gather, shown_fields
from startdeliver.common import clock
from startdeliver.support.rules import rule
from startdeliver.tenancy.models import Organization

CHUNK = 4000
# Gives, by customer id, facts that another part knows of these customers, for example enrolments in workflows.
Source = Callable[[Organization, Sequence[int]], Mapping[int, Sequence[Fact]]]
_sources: list[Source] = []


def source(give: Source) -> Source:
    """Registers facts of another part (called in its `AppConfig.ready`). Their ids begin with its name, "workflow."."""
    if give not in _sources:
        _sources.append(give)
    return give


def collect(organization: Organization, customer_ids: Sequence[int], salt: str = "") -> Iterator[Evidence]:
    """The evidence of these customers, in chunks of a fixed number of statements each; archived ones are left out.

    `salt`: what else an assessment depends on; goes into the hash. Times in UTC, durations as the facts say.
    """
    now = clock.now()
    overdue_days = rule(organization).days_until_overdue
    reading = instructions.read(ai_settings(organization).instructions)
    told = instructions.facts(reading)
    fields = shown_fields(organization)
    for start in range(0, len(customer_ids), CHUNK):
        ids = customer_ids[start : start + CHUNK]
        found: list[Evidence] = []
        # Hundreds of thousands of small objects, all of which stay: looking for garbage among them costs a quarter.
        collecting = gc.isenabled()
        gc.disable()
        try:
            others = [give(organization, ids) for give in _sources]
            for pk, raw in gather(organization, ids, reading.ignored()).items():
                facts = [
                    *describe_support.describe(raw, now, overdue_days),
                    *describe_usage.describe(raw, now, organization.currency, fields),
                    *told,
                ]
                for other in others:
                    facts += other.get(pk, ())
                found.append(Evidence.of(pk, facts, salt))
        finally:
            if collecting:
                gc.enable()
        yield from found
