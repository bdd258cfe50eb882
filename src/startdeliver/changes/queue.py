"""Recording changes, and handing them out to the stages of the pipeline.

Rows are deleted by their ids, never by comparing times, so a change that is committed late is taken late and not
missed. A stage that dies finds its rows again, so every stage must be repeatable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from startdeliver.changes.models import HEARS, Change, Kind, Stage
from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.storage import bulk
from startdeliver.storage.sql import among, execute, fetch, id_list, one_of, organization_work
from startdeliver.tenancy.models import Organization

JOB = "changes"
# Above so many customers, a stage is told that all may have changed: a full pass takes less than naming them.
_MANY = 20_000
_AT_ONCE = 50_000
# These have to know which users.
_PRECISE = (Stage.USAGE, Stage.REMATCH)
_RETRY_FIRST, _RETRY_LAST = timedelta(seconds=10), timedelta(minutes=30)

_TAKE_NEW = """
DELETE FROM changes_change
 WHERE id IN (SELECT id FROM changes_change WHERE organization_id = %(org)s AND stage = '' ORDER BY id LIMIT %(most)s)
RETURNING kind, customer_id, user_id, usage_type_id, product_id
"""
_HOMES = "SELECT id, customer_id FROM customers_customeruser WHERE organization_id = %(org)s AND {}"
_DELETE = "DELETE FROM changes_change WHERE organization_id = %(org)s AND {}"
_COMPACT = """
DELETE FROM changes_change WHERE id IN (
    SELECT id FROM (
        SELECT id, ROW_NUMBER() OVER (
                   PARTITION BY organization_id, kind, customer_id, user_id ORDER BY id DESC) AS newer
          FROM changes_change WHERE stage = %(stage)s) AS numbered
     WHERE newer > 1)
"""


class Facts(NamedTuple):
    """What a change is about; see `models.Change`."""

    kind: str
    customer_id: int | None = None
    user_id: int | None = None
    usage_type_id: int | None = None
    product_id: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether it concerns all customers."""
        return self.customer_id is None and self.user_id is None


class ChangeRow(NamedTuple):
    """The columns of a `Change`. `not_before` is unix seconds."""

    kind: str
    stage: str
    customer_id: int | None
    user_id: int | None
    usage_type_id: int | None
    product_id: int | None
    not_before: int | None


def record(
    organization: Organization,
    kind: Kind,
    customers: Iterable[int] | None = None,
    *,
    users: Iterable[int] | None = None,
    usage_types: Iterable[tuple[int, int]] | None = None,
    product: int | None = None,
    begin: bool = True,
) -> None:
    """Notes a change of these customers or users, of (user, usage type) pairs, or (nothing given) of all customers.

    Part of the caller's transaction. The pipeline is started when that is committed, with `begin` False only when it is
    looked for next, within seconds.
    """
    if customers is not None:
        facts = [Facts(kind, customer) for customer in sorted(set(customers))]
    elif users is not None:
        facts = [Facts(kind, user_id=user) for user in sorted(set(users))]
    elif usage_types is not None:
        facts = [Facts(kind, user_id=user, usage_type_id=pk) for user, pk in sorted(set(usage_types))]
    else:
        facts = [Facts(kind, product_id=product)]
    if facts:
        with organization_work(organization):
            _insert(organization, [(one, Stage.NEW, None) for one in facts])
            if begin:
                start_after_commit(organization)


def record_all(changes: list[Change]) -> None:
    """Notes changes of several organizations, in some statements for all of them. Call without a tenant scope."""
    Change.objects.bulk_create(changes, batch_size=1000)
    jobs.enqueue_all(JOB, {change.organization for change in changes})


def hand_over(
    organization: Organization, stage: Stage, customers: Iterable[int], kind: Kind = Kind.EVIDENCE, seconds: int = 0
) -> None:
    """Has one stage look at these customers, after so many seconds."""
    later = int(clock.now().timestamp()) + seconds if seconds else None
    with organization_work(organization):
        _insert(organization, [(Facts(kind, customer), stage, later) for customer in sorted(set(customers))])


def start_after_commit(organization: Organization) -> None:
    """Has the pipeline run as soon as the caller's transaction is committed, for writers whose changes triggers
    record."""
    transaction.on_commit(lambda: start(organization), robust=True)


def start(organization: Organization) -> None:
    """Has a worker run the pipeline. Changes that nobody started it for are found within seconds (`sync.pipeline`)."""
    jobs.enqueue(JOB, f"{JOB}:{organization.pk}", organization=organization)


def hand_out(organization: Organization) -> None:
    """Gives new rows to the stages that hear of them, each fact once for each stage."""
    with organization_work(organization):
        while Change.objects.filter(stage=Stage.NEW).exists():
            with transaction.atomic():
                taken = fetch(_TAKE_NEW, {"org": organization.pk, "most": _AT_ONCE})
                _hand_out(organization, {Facts(*row) for row in taken})


def _hand_out(organization: Organization, changes: set[Facts]) -> None:
    homeless = {one.user_id for one in changes if one.user_id is not None and one.customer_id is None}
    found = fetch(_HOMES.format(one_of("id", "ids")), {"org": organization.pk, "ids": id_list(homeless)})
    homes: dict[int | None, int | None] = dict(found)
    changes = {one._replace(customer_id=one.customer_id or homes.get(one.user_id)) for one in changes}
    rows: list[tuple[Facts, str, int | None]] = []
    now = int(clock.now().timestamp())
    for stage, hears in HEARS.items():
        heard = {one if stage in _PRECISE else _plain(one) for one in changes if one.kind in hears}
        if len(heard) > _MANY and stage not in _PRECISE:
            heard = {Facts(kind) for kind in {one.kind for one in heard}}
        for one in heard:
            delay = hears[Kind(one.kind)]
            rows.append((one, stage, now + delay if delay else None))
    _insert(organization, rows)


def _plain(change: Facts) -> Facts:
    """The customer alone, where it has one."""
    return Facts(change.kind, change.customer_id, None if change.customer_id else change.user_id)


def _insert(organization: Organization, rows: list[tuple[Facts, str, int | None]]) -> None:
    values = [
        ChangeRow(one.kind, stage, one.customer_id, one.user_id, one.usage_type_id, one.product_id, not_before)
        for one, stage, not_before in rows
    ]
    bulk.upsert(Change, organization.pk, values, key=("id",))


@dataclass
class Batch:
    """The changes that a stage works on."""

    organization: Organization
    stage: Stage
    changes: list[Facts] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    attempts: int = 0
    _until: datetime | None = None
    _next: Stage | None = None

    def has(self, *kinds: Kind) -> bool:
        """Whether a change of one of these kinds is among them."""
        return any(one.kind in kinds for one in self.changes)

    def customers(self, *kinds: Kind) -> set[int] | None:
        """The customers that changed, or None: all of them. `kinds`: only changes of these kinds."""
        found = [one for one in self.changes if not kinds or one.kind in kinds]
        if any(one.is_all for one in found):
            return None
        return {one.customer_id for one in found if one.customer_id is not None}

    def users(self) -> set[int]:
        """The users that changed and have no customer."""
        return {one.user_id for one in self.changes if one.user_id is not None and one.customer_id is None}

    def keep(self, seconds: float = 0) -> None:
        """Leaves the rows for later instead of deleting them."""
        self._until = clock.now() + timedelta(seconds=seconds)

    def move(self, stage: Stage) -> None:
        """Gives the rows to another stage instead of deleting them."""
        self._next = stage

    def _end(self) -> None:
        if self._next is not None:
            Change.objects.filter(among("id", self.ids, "bigint")).update(stage=self._next, attempts=0, not_before=None)
        elif self._until is not None:
            Change.objects.filter(among("id", self.ids, "bigint")).update(not_before=self._until)
        else:
            values = {"org": self.organization.pk, "ids": id_list(self.ids)}
            execute(_DELETE.format(one_of("id", "ids")), values)

    def _failed(self) -> None:
        wait = min(_RETRY_LAST, _RETRY_FIRST * (1 << min(self.attempts, 10)))
        rows = Change.objects.filter(among("id", self.ids, "bigint"))
        rows.update(attempts=min(self.attempts + 1, 99), not_before=clock.now() + wait)


@contextmanager
def taken(organization: Organization, stage: Stage, most: int = _AT_ONCE, *, early: bool = False) -> Iterator[Batch]:
    """The rows that wait for a stage, oldest first and at most `most`. Deletes them when the block ends.

    `early`: also rows that were to be collected for a moment.

    When the block raises, the rows stay and wait: 10 s, 20 s, 40 s … at most 30 min. Rows that failed are taken apart
    from others and in ever smaller batches, down to one, so one customer that cannot be computed does not hold up the
    others.
    """
    with organization_work(organization):
        hand_out(organization)
        batch = Batch(organization, stage)
        due = _due(stage) if not early else Change.objects.filter(stage=stage)
        rows = list(due.order_by("attempts", "pk").values_list("attempts", "pk", *Facts._fields)[:most])
        if rows:
            batch.attempts = rows[0][0]
            same = [row for row in rows if row[0] == batch.attempts][: max(1, most >> 4 * batch.attempts)]
            batch.ids = [row[1] for row in same]
            batch.changes = [Facts(*row[2:]) for row in same]
        try:
            yield batch
        except Exception:
            if batch.ids:
                batch._failed()
            raise
        if batch.ids:
            batch._end()


def waits(organization: Organization, stage: Stage) -> bool:
    """Whether there is something for the stage to do now."""
    with organization_work(organization):
        hand_out(organization)
        return _due(stage).exists()


def _due(stage: Stage) -> QuerySet[Change]:
    return Change.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=clock.now()), stage=stage)


def compact(stage: Stage) -> None:
    """Keeps the newest of equal rows, of all organizations, of a stage that takes long to come. Whoever has read the
    older ones is not harmed: the newest stays."""
    execute(_COMPACT, {"stage": stage})
