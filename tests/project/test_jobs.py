"""startdeliver jobs: list, show, retry and cancel, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from startdeliver.engine import jobs, registry
from startdeliver.tenancy.models import Organization

Run = Callable[..., Result]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind of job, which fails."""
    monkeypatch.setattr(registry, "handlers", {})

    @jobs.handler("broken", attempts=1)
    def broken(context: jobs.Context) -> None:
        raise ValueError("it broke")


@pytest.fixture
def failed(organization: Organization) -> jobs.Job:
    jobs.enqueue("broken", "first", organization=organization)
    (job,) = jobs.run_inline()
    return job


def document(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_list_shows_the_newest_first_and_filters(startdeliver: Run, failed: jobs.Job) -> None:
    waiting = jobs.enqueue("broken", "second")
    listed = document(startdeliver("jobs", "list", "--json"))["jobs"]
    assert [(job["id"], job["status"]) for job in listed] == [(waiting, "waiting"), (failed.id, "failed")]
    only = document(startdeliver("jobs", "list", "--status", "failed", "--json"))["jobs"]
    assert [(job["key"], job["error"]) for job in only] == [("first", "ValueError: it broke")]
    assert len(document(startdeliver("jobs", "list", "--limit", "1", "--json"))["jobs"]) == 1
    lines = startdeliver("jobs", "list").stdout.splitlines()
    assert lines[1].split()[:4] == [str(failed.id), "failed", "broken", "first"]
    assert startdeliver("jobs", "list", "--status", "running").stdout == "There are none.\n"


def test_show(startdeliver: Run, failed: jobs.Job, organization: Organization) -> None:
    shown = document(startdeliver("jobs", "show", str(failed.id), "--json"))
    assert shown["startedAt"]
    assert {name: shown[name] for name in ("kind", "organization", "attempts", "failures", "crashes")} == {
        "kind": "broken", "organization": organization.pk, "attempts": failed.attempts, "failures": 1, "crashes": 0,
    }  # fmt: skip
    assert "ValueError: it broke" in startdeliver("jobs", "show", str(failed.id)).stdout


def test_retry_puts_a_failed_job_back_once(startdeliver: Run, failed: jobs.Job) -> None:
    again = document(startdeliver("jobs", "retry", str(failed.id), "--json"))
    assert (again["status"], again["failures"]) == ("waiting", 0)
    refused = startdeliver("jobs", "retry", str(failed.id))
    assert refused.exit_code == 1
    assert "is waiting; only a failed or cancelled one can be retried" in refused.stderr


def test_cancel_ends_a_waiting_job_once(startdeliver: Run) -> None:
    job_id = str(jobs.enqueue("broken", "waits"))
    assert document(startdeliver("jobs", "cancel", job_id, "--json"))["status"] == "cancelled"
    refused = startdeliver("jobs", "cancel", job_id)
    assert refused.exit_code == 1
    assert "has ended already (cancelled)" in refused.stderr


@pytest.mark.parametrize("command", ["show", "retry", "cancel"])
def test_a_job_that_is_not_there(startdeliver: Run, command: str) -> None:
    done = startdeliver("jobs", command, "987654321")
    assert done.exit_code == 1
    assert "There is no job 987654321" in done.stderr
