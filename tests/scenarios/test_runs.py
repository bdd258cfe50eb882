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
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.models import Job
from startdeliver.engine.owner import owner_id
from startdeliver.simulator.testing import Handle
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.sync import runs, schedule
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

from .story import Story

DEAD = "elsewhere/0.0/1/1"


@pytest.fixture
def listing(story: Story) -> list[str]:
    """Four pages of conversations of somebody who is known."""
    story.user("ann@acme.example", story.customer())
    ann = story.workspace.add_contact("Ann", "ann@acme.example")
    at = int(story.workspace.now()) - 100_000
    return [story.workspace.add_conversation([ann], created_at=at + 60 * n).id for n in range(600)]


def ask(story: Story, trigger: str = SyncRun.Trigger.CLI) -> SyncRun:
    return runs.request_run(story.organization, trigger)


def test_a_second_run_is_refused(story: Story) -> None:
    first = ask(story)
    SyncRun.objects.filter(pk=first.pk).update(status="running", owner=owner_id(), heartbeat_at=clock.now())
    with pytest.raises(runs.AlreadyRunning, match="already running since") as refused:
        ask(story)
    assert refused.value.run == first
    with pytest.raises(runs.AlreadyRunning):
        runs.execute(SyncRun.objects.get(pk=first.pk))


def test_the_button_is_refused_while_a_run_waits_but_the_command_line_does_it(story: Story) -> None:
    waiting = ask(story, SyncRun.Trigger.BUTTON)
    assert Job.objects.get().payload == {"run": waiting.pk}
    with pytest.raises(runs.AlreadyRunning):
        ask(story, SyncRun.Trigger.BUTTON)
    assert ask(story) == waiting
    runs.execute(waiting)
    assert jobs.run_inline()[0].status == Job.Status.DONE, "the worker finds nothing left to do"
    assert SyncRun.objects.get().attempts == 1


def test_a_silent_run_elsewhere_is_taken_over_after_a_minute(story: Story) -> None:
    run = ask(story)
    fresh, silent = clock.now(), clock.now() - timedelta(seconds=61)
    SyncRun.objects.filter(pk=run.pk).update(status="running", owner=DEAD, heartbeat_at=fresh)
    with pytest.raises(runs.AlreadyRunning):
        ask(story)
    SyncRun.objects.filter(pk=run.pk).update(heartbeat_at=silent)
    assert ask(story) == run
    done = runs.execute(run)
    assert (done.status, done.attempts) == ("success", 1)


def test_a_dead_process_of_this_machine_is_seen_at_once(story: Story) -> None:
    run = ask(story)
    machine = owner_id().rsplit("/", 2)[0]
    SyncRun.objects.filter(pk=run.pk).update(status="running", owner=f"{machine}/999999/1", heartbeat_at=clock.now())
    assert runs.take_over_dead(clock.now()) == 1
    assert jobs.run_inline()[0].status == Job.Status.DONE
    assert SyncRun.objects.get().status == "success"


def test_who_lost_the_run_stops_at_the_next_page(story: Story, listing: list[str]) -> None:
    run = ask(story)
    pages = 0

    def steal(progress: dict[str, Any]) -> None:
        nonlocal pages
        pages += progress["stage"] == "conversations" and progress["listed"] > 0
        if pages == 2:
            SyncRun.objects.filter(pk=run.pk).update(owner=DEAD, heartbeat_at=clock.now())

    after = runs.execute(run, on_progress=steal)
    assert (after.status, after.owner) == ("running", DEAD), "the loser writes nothing more"
    assert after.listed == 300
    assert len(story.tickets()) == 300


def test_a_run_that_was_stopped_continues_where_it_committed(story: Story, listing: list[str]) -> None:
    run = ask(story, SyncRun.Trigger.BUTTON)

    def stop(progress: dict[str, Any]) -> None:
        if progress["listed"] >= 300:
            raise runs.StopRun

    with pytest.raises(runs.StopRun):
        runs.execute(run, on_progress=stop)
    waiting = SyncRun.objects.get()
    assert (waiting.status, waiting.owner, waiting.listed) == ("queued", "", 300)
    story.intercom.log.clear()
    done = runs.execute(waiting)
    assert (done.status, done.attempts, done.listed, done.imported) == ("success", 2, 600, 600)
    assert story.intercom.log.count("POST /conversations/search") == 2, "pages three and four"
    assert story.intercom.log.count("GET /contacts") == 0
    assert SupportHealth.objects.get().ticket_count == 600


def test_a_job_that_is_told_to_stop_hands_its_run_back(story: Story, listing: list[str]) -> None:
    ask(story, SyncRun.Trigger.BUTTON)
    job = jobs.claim()
    assert job is not None
    stop = threading.Event()
    stop.set()
    jobs.run(jobs.Context(job, owner_id(), stop))
    job.refresh_from_db()
    assert job.status == Job.Status.QUEUED
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


def test_a_run_that_nobody_picked_up_is_handed_out_again(story: Story) -> None:
    run = ask(story, SyncRun.Trigger.BUTTON)
    Job.objects.all().delete()
    assert runs.take_over_dead(clock.now()) == 0
    assert runs.take_over_dead(clock.now() + timedelta(seconds=90)) == 1
    assert Job.objects.get().payload == {"run": run.pk}


def test_another_organization_runs_at_the_same_time(story: Story, other_organization: Organization) -> None:
    ask(story)
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
        assert runs.request_run(other_organization, SyncRun.Trigger.CLI).organization == other_organization


_CHILD = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "child_settings"
import django
django.setup()
from startdeliver.sync import runs
from startdeliver.sync.models import SyncRun
from startdeliver.tenancy.models import Organization

def show(progress):
    if progress["listed"] >= 300:
        print("committed", flush=True)
        import time
        time.sleep(600)

runs.execute(runs.request_run(Organization.objects.get(pk=int(sys.argv[1])), SyncRun.Trigger.CLI), on_progress=show)
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
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
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
                ask(story)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        committed = Ticket.objects.count()
        assert committed >= 300
        intercom.log.clear()
        began = time.monotonic()
        run = runs.execute(ask(story))
        assert time.monotonic() - began < 60, "at once, not after a minute of silence"
        assert (run.status, run.attempts, run.listed) == ("success", 2, 600)
        assert story.tickets() == ids
        assert intercom.log.count("POST /conversations/search") == (600 - committed) // 150
        assert SupportHealth.objects.get().ticket_count == 600, "also of the pages before the kill"
