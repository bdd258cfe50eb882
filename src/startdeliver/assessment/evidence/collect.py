"""The evidence of many customers at once: figures gathered in sets, put into words one by one, hashed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from django.db import connection, connections

from startdeliver.assessment.ai_settings import ai_settings
from startdeliver.assessment.evidence import instructions, support, usage, workflows
from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.evidence.figures import Raw, gather, shown_fields
from startdeliver.common import clock
from startdeliver.common.garbage import paused
from startdeliver.storage.sql import organization_work
from startdeliver.support.rules import rule
from startdeliver.tenancy.models import Organization

CHUNK = 4000
# The figures of some customers, and the facts about their workflows.
Figures = tuple[dict[int, Raw], Mapping[int, Sequence[Fact]]]


def collect(organization: Organization, customer_ids: Sequence[int], salt: str = "") -> Iterator[Evidence]:
    """The evidence of these customers, in chunks of a fixed number of statements each; archived ones are left out.

    `salt`: what else an assessment depends on; goes into the hash. Times in UTC, durations as the facts say.
    """
    now = clock.now()
    overdue_days = rule(organization).days_until_overdue
    reading = instructions.read(ai_settings(organization).instructions)
    told = instructions.facts(reading)
    fields = shown_fields(organization)

    def read(ids: Sequence[int]) -> Figures:
        with organization_work(organization), paused():
            return gather(organization, ids, reading.ignored()), workflows.describe(ids)

    chunks = [customer_ids[start : start + CHUNK] for start in range(0, len(customer_ids), CHUNK)]
    for raws, enrolments in _ahead(read, chunks):
        collected: list[Evidence] = []
        with paused():
            for pk, raw in raws.items():
                facts = [
                    *support.describe(raw, now, overdue_days),
                    *usage.describe(raw, now, organization.currency, fields),
                    *told,
                    *enrolments.get(pk, ()),
                ]
                collected.append(
                    Evidence.of(pk, facts, salt, any(heard.reading.source == "words" for heard in raw.heard))
                )
        yield from collected


def _ahead(read: Callable[[Sequence[int]], Figures], chunks: Sequence[Sequence[int]]) -> Iterator[Figures]:
    """The figures of each chunk. PostgreSQL works on the next one while this one is put into words; not inside a
    transaction, of which another connection sees nothing."""
    if len(chunks) < 2 or connection.vendor != "postgresql" or connection.in_atomic_block:
        yield from map(read, chunks)
        return
    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(copy_context().run, read, chunks[0])
        try:
            for following in chunks[1:]:
                figures = waiting.result()
                waiting = reader.submit(copy_context().run, read, following)
                yield figures
            yield waiting.result()
        finally:
            reader.submit(connections.close_all).result()
