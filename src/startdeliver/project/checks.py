"""The checks of `startdeliver doctor`. Each check is one line with its remedy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, connection
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.project.console import count

OVERDUE_HOURS = 26
_MEGABYTE = 1024 * 1024


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One line of the answer. `remedy` says what to do; empty if nothing."""

    name: str
    verdict: Verdict
    text: str
    remedy: str = ""


def run(*, online: bool) -> Iterator[Check]:
    """Yields the result of every check; `online` also asks Intercom."""
    yield _disk()
    yield _time_zones()
    usable = True
    for check in _database():
        usable = usable and check.verdict != Verdict.FAILED
        yield check
    if not usable:
        return
    yield _clock()
    with scopes_disabled():
        yield _keys()
        yield _organization_zones()
        yield _worker()
        yield from _connections(online)
    if connection.vendor == "postgresql":
        yield _housekeeping()
        yield _client_programs()
    if online:
        yield _intercom_clock()


def _disk() -> Check:
    place = Path(settings.CONFIG.data_dir)
    if connection.vendor == "sqlite":
        place = Path(settings.DATABASES["default"]["NAME"]).parent
    if not place.exists():
        return Check("disk", Verdict.OK, "nothing is kept on this disk")
    free = shutil.disk_usage(place).free // _MEGABYTE
    if free < 200:
        return Check("disk", Verdict.FAILED, f"{free:,} MB free at {place}", "Free some space before writes fail.")
    if free < 2000:
        return Check("disk", Verdict.WARNING, f"{free:,} MB free at {place}", "Free some space, or move the data.")
    return Check("disk", Verdict.OK, f"{free:,} MB free at {place}")


def _time_zones() -> Check:
    try:
        ZoneInfo("Europe/Stockholm")
    except (KeyError, OSError):
        remedy = "Install the Python package tzdata (it is among the requirements)."
        return Check("time zones", Verdict.FAILED, "there is no time zone data", remedy)
    return Check("time zones", Verdict.OK, "time zone data is there")


def _database() -> Iterator[Check]:
    from startdeliver.project.database import state

    try:
        migrations = state()
    except DatabaseError as error:
        said = " ".join(str(error).split())
        yield Check("database", Verdict.FAILED, f"cannot be used ({said})", "Check DATABASE_URL and the server.")
        return
    if connection.vendor == "postgresql":
        version = connection.pg_version // 10000  # type: ignore[attr-defined]
        if version < 15:
            yield Check("database", Verdict.FAILED, f"is PostgreSQL {version}", "Use PostgreSQL 15 or newer.")
        else:
            yield Check("database", Verdict.OK, f"PostgreSQL {version} answers")
    else:
        yield Check("database", Verdict.OK, f"SQLite at {settings.DATABASES['default']['NAME']}")
    if migrations.unknown:
        remedy = "Install that version, or restore a backup."
        yield Check("migrations", Verdict.FAILED, "the database belongs to a newer version", remedy)
    elif migrations.missing:
        text = f"{count(len(migrations.missing), 'migration')} missing"
        yield Check("migrations", Verdict.FAILED, text, "Run `startdeliver migrate`.")
    else:
        yield Check("migrations", Verdict.OK, "the database fits this version")


def _clock() -> Check:
    if connection.vendor != "postgresql":
        return Check("clock", Verdict.OK, "the database uses the clock of this machine")
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    return _skew("clock", theirs, "the database server")


def _skew(name: str, theirs: datetime, whose: str) -> Check:
    # Not `common.clock`, which tests can set: this checks the machine's clock.
    seconds = abs((theirs - datetime.now(UTC)).total_seconds())
    text = f"{seconds:.0f} s apart from {whose}"
    remedy = "Synchronise the clocks (NTP): a worker counts as dead after 60 s of silence."
    if seconds > 30:
        return Check(name, Verdict.FAILED, text, remedy)
    return Check(name, Verdict.WARNING if seconds > 5 else Verdict.OK, text, remedy if seconds > 5 else "")


def _keys() -> Check:
    from startdeliver.sync.models import Connection

    total = unreadable = 0
    for link in Connection.objects.filter(token_cipher__isnull=False):
        total += 1
        try:
            _ = link.token
        except DecryptionError:
            unreadable += 1
    if unreadable:
        text = f"{unreadable} of {total} stored tokens cannot be read"
        remedy = "Put the key that encrypted them into STARTDELIVER_ENCRYPTION_KEYS, or authenticate again."
        return Check("keys", Verdict.FAILED, text, remedy)
    return Check("keys", Verdict.OK, f"the keys read what is stored ({count(total, 'token')})")


def _organization_zones() -> Check:
    from startdeliver.tenancy.models import Organization

    wrong = []
    for organization in Organization.objects.all():
        try:
            ZoneInfo(organization.time_zone)
        except (KeyError, ValueError, OSError):
            wrong.append(f"{organization.name}: {organization.time_zone}")
    if wrong:
        return Check("organizations", Verdict.FAILED, f"unknown time zone ({'; '.join(wrong)})", "Correct it.")
    number = Organization.objects.count()
    if not number:
        remedy = 'Run `startdeliver org create "Example Inc" --admin you@example.com`.'
        return Check("organizations", Verdict.WARNING, "there is none yet", remedy)
    return Check("organizations", Verdict.OK, count(number, "organization"))


def _worker() -> Check:
    from startdeliver.engine.jobs import living
    from startdeliver.sync.models import Connection

    number = len(living())
    if number:
        return Check("worker", Verdict.OK, f"{number} at work")
    remedy = "Start `startdeliver worker`, or `startdeliver up`."
    waiting = Connection.objects.filter(saved_at__isnull=False).exists()
    text = "none is running" + (", so nothing syncs by itself" if waiting else "")
    return Check("worker", Verdict.FAILED if waiting else Verdict.WARNING, text, remedy)


def _connections(online: bool) -> Iterator[Check]:
    from startdeliver.sync.models import Connection

    for link in Connection.objects.select_related("organization").order_by("pk"):
        name = f"intercom {link.organization.slug}"
        if not link.is_ready:
            yield Check(name, Verdict.OK, "not connected")
        elif online and (refusal := _ask(link)):
            yield Check(name, Verdict.FAILED, refusal, "See Apps → Intercom.")
        elif link.paused_at is not None:
            remedy = f"Run `startdeliver intercom resume {link.organization.slug}`, or click Resume on Apps → Intercom."
            yield Check(name, Verdict.WARNING, "paused since a backup was restored, so nothing syncs by itself", remedy)
        elif link.problem:
            yield Check(name, Verdict.WARNING, link.problem, "See Apps → Intercom.")
        elif link.last_success_at is None:
            yield Check(name, Verdict.WARNING, "no sync has completed yet", "Start a worker, and wait for it.")
        else:
            hours = (clock.now() - link.last_success_at).total_seconds() / 3600
            late = hours > OVERDUE_HOURS
            # The clock was ahead when that sync ended, so its time is meaningless.
            ago = f"{hours:.0f} h ago" if hours >= 0 else "at a moment that has not come yet (the clock was set back)"
            text = f"last complete sync {ago}" + (", Intercom answers" if online else "")
            remedy = "Look at the last runs on Apps → Intercom." if late else ""
            yield Check(name, Verdict.WARNING if late else Verdict.OK, text, remedy)


def _ask(link: object) -> str:
    """Asks Intercom which workspace the token belongs to. Returns a sentence if it is another workspace."""
    from startdeliver.intercom import Fetcher, IntercomClient, IntercomError, Limiter, regions
    from startdeliver.sync.models import Connection

    assert isinstance(link, Connection)
    try:
        base = regions.api_url(link.region, settings.CONFIG.intercom_api_url)
        with Fetcher(IntercomClient(link.token, base, limiter=Limiter())) as fetcher:
            me = fetcher.call(fetcher.client.me())
    except DecryptionError as error:
        return f"The token cannot be read: {error}."
    except IntercomError as error:
        return error.sentence
    if me.workspace_id != link.workspace:
        return f"The token belongs to workspace {me.workspace_id}, not {link.workspace}."
    return ""


def _housekeeping() -> Check:
    if _autovacuum():
        return Check("housekeeping", Verdict.OK, "PostgreSQL's autovacuum is on")
    remedy = "Set autovacuum = on in postgresql.conf and reload the server, or long lists get slower with each change."
    return Check("housekeeping", Verdict.WARNING, "PostgreSQL's autovacuum is off", remedy)


def _autovacuum() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW autovacuum")
        setting: str = cursor.fetchone()[0]
    return setting == "on"


def _client_programs() -> Check:
    missing = [name for name in ("pg_dump", "pg_restore", "psql") if shutil.which(name) is None]
    if missing:
        remedy = "Install PostgreSQL's client programs (Debian: postgresql-client)."
        return Check("backup", Verdict.WARNING, f"{', '.join(missing)} not found, so no backup from here", remedy)
    return Check("backup", Verdict.OK, "pg_dump, pg_restore and psql are there")


def _intercom_clock() -> Check:
    from startdeliver.intercom import regions

    url = regions.api_url(None, settings.CONFIG.intercom_api_url)
    try:
        with urlopen(Request(url, method="HEAD"), timeout=15) as answer:  # noqa: S310 -- checked to be http or https
            stated = answer.headers.get("Date")
    except HTTPError as error:
        stated = error.headers.get("Date")
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        return Check("intercom", Verdict.FAILED, f"{url} cannot be reached ({reason})", "Check network and proxy.")
    if not stated:
        return Check("intercom", Verdict.OK, f"{url} answers")
    return _skew("intercom", parsedate_to_datetime(stated), url)
