"""Runs: one at a time, taken over when their process dies, resumed where they committed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as database
from django.db.models import F
from django_scopes import scopes_disabled

from startdeliver import __version__
from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.owner import owner_id
from startdeliver.simulator.testing import Handle
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.sync import connect, pipeline, runs, schedule
from startdeliver.sync.alerts import alarm_of
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.engine.processes import SOURCE, known_worker

from .story import Story

DEAD = "elsewhere/0.0/1/1"


@pytest.fixture
def listing(story: Story) -> list[str]:
    """Four pages of conversations of somebody who is known."""
    story.user("ann@acme.example", story.customer())
    ann = story.workspace.add_contact("Ann", "ann@acme.example")
    at = int(story.workspace.now()) - 100_000
    return [story.workspace.add_conversation([ann], created_at=at + 60 * n).id for n in range(600)]


def dead_owner() -> str:
    """A process of this machine that does not live."""
    return f"{owner_id().rsplit('/', 2)[0]}/999999/1"


def claim(story: Story, owner: str = "") -> jobs.Job:
    """The job of the run that waits, claimed by another process."""
    job = jobs.store().claim(owner or DEAD, ["sync"])
    assert job is not None
    return job


def test_a_second_run_is_refused(story: Story) -> None:
    first = runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    claim(story)
    known_worker(DEAD)
    for ask in (
        lambda: runs.request_run(story.organization, SyncRun.Trigger.BUTTON),
        lambda: runs.run_now(story.organization),
    ):
        with pytest.raises(runs.AlreadyRunning, match="already running since") as refused:
            ask()
        assert refused.value.run == first


def test_the_button_is_refused_while_a_run_waits_but_the_command_line_does_it(story: Story) -> None:
    waiting = runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    with pytest.raises(runs.AlreadyRunning):
        runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    assert runs.run_now(story.organization) == waiting
    assert jobs.select(jobs.LIVE) == [] or all(job.kind != "sync" for job in jobs.select(jobs.LIVE))
    assert SyncRun.objects.get().status == "success"


def test_the_command_line_takes_the_run_of_a_process_of_this_machine_that_died(story: Story) -> None:
    run = runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    claim(story, dead_owner())
    SyncRun.objects.filter(pk=run.pk).update(status="running", attempts=1)
    done = runs.run_now(story.organization)
    assert (done, done.status, done.attempts) == (run, "success", 2)


def test_a_worker_goes_on_with_the_run_of_a_dead_one(story: Story) -> None:
    run = runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    claim(story, dead_owner())
    SyncRun.objects.filter(pk=run.pk).update(status="running", attempts=1)
    assert jobs.recover_stalled() == 1
    jobs.run_inline()
    assert SyncRun.objects.get().status == "success"


def test_a_run_that_killed_three_workers_waits_for_a_person(story: Story) -> None:
    run = runs.request_run(story.organization, SyncRun.Trigger.SCHEDULE)
    for _ in range(3):
        claim(story, dead_owner())
        SyncRun.objects.filter(pk=run.pk).update(status="running", attempts=F("attempts") + 1)
        assert jobs.recover_stalled() == 1
    jobs.run_inline()
    failed = SyncRun.objects.get()
    assert (failed.status, failed.error_code) == ("failed", "worker_died")
    assert "Sync now" in failed.error
    story.connection.refresh_from_db()
    alarm = alarm_of(story.connection)
    assert alarm is not None
    assert "worker process 3 times" in alarm.sentence
    story.set(next_sync_at=clock.now() - timedelta(hours=1))
    assert schedule.start_due() == 0, "not by itself"
    story.set(problem_version="0.0.1")
    assert schedule.start_due() == 1, "but with another version"
    jobs.run_inline()
    story.connection.refresh_from_db()
    assert story.connection.problem == ""


def test_a_person_begins_such_a_run_again(story: Story) -> None:
    story.set(problem_code="worker_died", problem="It died.", problem_version=__version__)
    runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    jobs.run_inline()
    assert SyncRun.objects.get().status == "success"


def test_who_lost_the_run_stops_at_the_next_page(story: Story, listing: list[str]) -> None:
    pages = 0

    def steal(progress: dict[str, Any]) -> None:
        nonlocal pages
        pages += progress["stage"] == "conversations" and progress["listed"] > 0
        if pages == 2:
            (job,) = jobs.select([jobs.Status.RUNNING])
            back = jobs.Outcome(jobs.Status.WAITING, not_before=clock.now())
            jobs.store().settle(job, back)
            claim(story)

    after = runs.run_now(story.organization, on_progress=steal)
    assert after.status == "running", "the loser writes nothing more"
    assert after.listed == 300
    assert len(story.tickets()) == 300
    (job,) = jobs.select([jobs.Status.RUNNING])
    assert job.owner == DEAD


def test_a_run_that_was_stopped_continues_where_it_committed(story: Story, listing: list[str]) -> None:
    runs.request_run(story.organization, SyncRun.Trigger.BUTTON)

    def stop(progress: dict[str, Any]) -> None:
        if progress["listed"] >= 300:
            raise jobs.Requeue

    waiting = runs.run_now(story.organization, on_progress=stop)
    assert (waiting.status, waiting.listed, waiting.attempts) == ("queued", 300, 0)
    story.intercom.log.clear()
    done = runs.run_now(story.organization)
    assert (done.status, done.listed, done.imported) == ("success", 600, 600)
    assert story.intercom.log.count("POST /conversations/search") == 2, "pages three and four"
    assert story.intercom.log.count("GET /contacts") == 0
    pipeline.run(story.organization)
    assert SupportHealth.objects.get().ticket_count == 600


def test_a_job_that_is_told_to_stop_hands_its_run_back(story: Story, listing: list[str]) -> None:
    runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    job = claim(story, owner_id())
    stop = threading.Event()
    stop.set()
    jobs.store().settle(job, jobs.execute(jobs.Context(job, stop)))
    waiting = jobs.get(job.id)
    assert waiting is not None
    assert waiting.status == jobs.Status.WAITING
    assert SyncRun.objects.get().status == "queued"
    story.intercom.scroll.drop()
    jobs.run_inline()
    assert SyncRun.objects.get().status == "success"


def test_what_is_due_runs_by_itself_and_again_after_a_day(story: Story) -> None:
    assert schedule.start_due() == 1
    assert schedule.start_due() == 0, "it is under way"
    jobs.run_inline()
    run = SyncRun.objects.get()
    assert (run.status, run.trigger) == ("success", "schedule")
    story.connection.refresh_from_db()
    assert story.connection.saved_at is not None
    assert story.connection.next_sync_at == story.connection.saved_at + timedelta(hours=24)
    assert schedule.start_due() == 0


def test_missed_slots_are_made_up_once(story: Story) -> None:
    first = clock.now() - timedelta(days=3, hours=5)
    story.set(saved_at=first, next_sync_at=first + timedelta(days=1))
    assert schedule.start_due() == 1
    jobs.run_inline()
    story.connection.refresh_from_db()
    assert story.connection.next_sync_at == first + timedelta(days=4), "back to the rhythm of the first save"


def test_a_run_whose_job_is_gone_gets_another(story: Story) -> None:
    runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    (job,) = (job for job in jobs.select(jobs.LIVE) if job.kind == "sync")
    jobs.cancel(job.id)
    assert schedule.start_due() == 1
    jobs.run_inline()
    assert SyncRun.objects.get().status == "success"


def test_a_moment_that_no_schedule_reaches_is_due(story: Story) -> None:
    """The clock was two days ahead when the last run ended."""
    story.set(next_sync_at=clock.now() + timedelta(hours=24, minutes=30))
    assert schedule.start_due() == 0
    story.set(next_sync_at=clock.now() + timedelta(days=3))
    assert schedule.start_due() == 1


def test_a_paused_connection_waits_for_a_person(story: Story) -> None:
    story.set(paused_at=clock.now())
    assert schedule.start_due() == 0
    connect.resume(story.organization)
    assert schedule.start_due() == 1


def test_a_run_that_ends_while_the_schedule_looks_is_not_begun_again(story: Story) -> None:
    assert schedule.start_due() == 1
    jobs.run_inline()
    assert schedule.start_due() == 0
    assert SyncRun.objects.count() == 1


def test_another_organization_runs_at_the_same_time(story: Story, other_organization: Organization) -> None:
    runs.request_run(story.organization, SyncRun.Trigger.BUTTON)
    with scopes_disabled():
        link = Connection(
            organization=other_organization,
            status="authenticated",
            workspace=story.connection.workspace,
            saved_at=clock.now(),
        )
        link.token = story.intercom.token
        link.save()
    # A request outside of any scope, as the tick makes it.
    from django_scopes import scope

    with scope():
        assert runs.request_run(other_organization, SyncRun.Trigger.BUTTON).organization == other_organization


_CHILD = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "child_settings"
import django
django.setup()
from startdeliver.sync import runs
from startdeliver.tenancy.models import Organization

def show(progress):
    if progress["listed"] >= 300:
        print("committed", flush=True)
        import time
        time.sleep(600)

runs.run_now(Organization.objects.get(pk=int(sys.argv[1])), on_progress=show)
"""


@pytest.mark.django_db(transaction=True)
def test_kill_9_in_the_middle_of_a_run(
    transactional_db: None, organization: Organization, intercom: Handle, tmp_path: Path
) -> None:
    (tmp_path / "child_settings.py").write_text(
        textwrap.dedent(
            f"""
            from startdeliver.project.settings_test import *
            from dataclasses import replace
            from startdeliver.common.crypto import KeyRing
            from startdeliver.project import settings_test
            DATABASES["default"].update(NAME={str(database.settings_dict["NAME"])!r})
            KEY_RING = KeyRing([bytes.fromhex({settings.CONFIG.encryption_keys[0].hex()!r})])
            CONFIG = replace(settings_test.CONFIG, intercom_api_url={intercom.url!r})
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"}
    with organization_scope(organization):
        link = Connection(
            organization=organization,
            status="authenticated",
            workspace=intercom.workspace.id_code,
            saved_at=clock.now(),
            next_sync_at=clock.now(),
        )
        link.token = intercom.token
        link.save()
        story = Story(organization, link, intercom)
        story.user("ann@acme.example", story.customer())
        ann = intercom.workspace.add_contact("Ann", "ann@acme.example")
        at = int(intercom.workspace.now()) - 100_000
        ids = {intercom.workspace.add_conversation([ann], created_at=at + 60 * n).id for n in range(600)}
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(organization.pk)], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "committed\n"
            with pytest.raises(runs.AlreadyRunning):
                runs.run_now(organization)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        committed = Ticket.objects.count()
        assert committed >= 300
        intercom.log.clear()
        began = time.monotonic()
        run = runs.run_now(organization)
        assert time.monotonic() - began < 60, "at once, not after a minute of silence"
        assert (run.status, run.attempts, run.listed) == ("success", 2, 600)
        assert story.tickets() == ids
        assert intercom.log.count("POST /conversations/search") == (600 - committed) // 150
        assert SupportHealth.objects.get().ticket_count == 600, "also of the pages before the kill"
