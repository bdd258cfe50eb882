"""What each engine keeps of jobs: the records, and the operations that the port needs of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from startdeliver.engine.models import Status


class LeaseLost(Exception):
    """The job is not held under this claim any more: it was recovered, or its organization was deleted."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as both engines show it. Moments are aware datetimes in UTC.

    `key`: names the work; at most one waiting job has it. `lock`: at most one running job has it. `attempts`: how often
    it was claimed, which also tells one claim from the next. `failures`: how often its handler raised. `crashes`: how
    often the process that ran it died. `owner`: the process that runs it.
    """

    id: int
    kind: str
    key: str
    lock: str = ""
    priority: int = 0
    organization_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    status: Status = Status.WAITING
    not_before: datetime | None = None
    attempts: int = 0
    failures: int = 0
    crashes: int = 0
    cancel_requested: bool = False
    owner: str = ""
    progress: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one execution of a job ended. WAITING: it goes back into the queue and is due at `not_before`.

    `failures` and `crashes` are the new counts. `first`: it goes before all other jobs of its priority.
    """

    status: Status
    error: str = ""
    not_before: datetime | None = None
    failures: int = 0
    crashes: int = 0
    first: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """The worker of a running job: how long it has been silent, and for how long it has been suspected to be dead."""

    owner: str
    silent: timedelta
    suspected: timedelta | None
    number: int = 0


class JobStore(Protocol):
    """The operations of an engine. Each is one short transaction, or joins the caller's."""

    def add(self, job: Job, queue: str) -> int:
        """Stores a waiting job and returns its id, in the caller's transaction.

        If a job with its key waits already, that one's id is returned; it then starts no later than the new one would
        have, and not before the caller's transaction ends.
        """

    def add_all(self, jobs: list[Job], queue: str) -> None:
        """Stores waiting jobs that are due; one whose key waits already becomes due now instead."""

    def backlog(self, lock: str, most: int) -> int:
        """Returns how many jobs with this lock wait, at most `most`."""

    def select(
        self,
        *,
        ids: list[int] | None = None,
        keys: list[str] | None = None,
        statuses: list[Status] | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Returns the jobs that fit, newest first."""

    def claim(self, owner: str, kinds: list[str], job_id: int | None = None) -> Job | None:
        """Claims the next due job of these kinds (or the waiting job `job_id`, due or not) for the process `owner`.

        Returns None when there is none, or when a running job has its lock.
        """

    def hold(self, job: Job) -> None:
        """Keeps the job from being recovered until the caller's transaction ends. Raises LeaseLost."""

    def progress(self, job: Job, facts: dict[str, Any]) -> None:
        """Stores how far the job is. Raises LeaseLost."""

    def settle(self, job: Job, outcome: Outcome) -> None:
        """Stores how the claim ended. Raises LeaseLost."""

    def cancel(self, job_id: int) -> bool:
        """Ends a waiting job and asks a running one to stop. Returns False when it had ended."""

    def retry(self, job_id: int) -> bool:
        """Puts a failed or cancelled job back into the queue. Returns False when it is in another state."""

    def heartbeat(self, owner: str) -> None:
        """Records that the process lives."""

    def held(self) -> list[tuple[Job, Holder]]:
        """Returns the running jobs with their workers."""

    def suspect(self, holder: Holder) -> None:
        """Records that the worker was seen silent, unless it has given a sign of life meanwhile."""

    def living(self, silence: timedelta) -> list[Holder]:
        """Returns the workers that gave a sign of life within `silence`."""

    def leave(self, owner: str) -> None:
        """Forgets the worker rows of a process that ends."""

    def forget_workers(self) -> None:
        """Puts every running job back and forgets all workers and periodic calls; for a restored database."""

    def prune(self, kept: timedelta) -> int:
        """Deletes jobs that ended longer ago than `kept`, and workers that went silent; returns how many jobs."""
