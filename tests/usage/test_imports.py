"""Usage events from CSV files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from startdeliver.customers.imports import service
from startdeliver.customers.models import CsvImport, CsvProblem
from startdeliver.engine import jobs
from startdeliver.tenancy.models import Organization
from startdeliver.usage.models import UsageEvent
from tests.usage.factories import make_type, make_user

LINES = [
    "E-mail;Event;Date;Event ID;Count",
    "ada@acorn.test;login;02.11.2026 08:30;;",
    "ADA@acorn.test;login;2026-11-02T07:30:00Z;;",
    "ada@acorn.test;login;2026-11-02T07:30:00Z;e-2;5",
    "who@acorn.test;login;02.11.2026;;",
    "ada@acorn.test;unheard;02.11.2026;;",
    "ada@acorn.test;login;soon;;many",
    "ada@acorn.test;login;;;",
]


def load(organization: Organization, lines: list[str]) -> CsvImport:
    file = service.upload(
        organization=organization, by="ada", target="usage", filename="u.csv", data="\n".join(lines).encode()
    )
    service.check(file)
    said = (file.created_count, file.unchanged_count, file.failed_count)
    stored = UsageEvent.objects.count()
    service.start(file)
    assert UsageEvent.objects.count() == stored
    jobs.run_inline()
    file.refresh_from_db()
    assert (file.created_count, file.unchanged_count, file.failed_count) == said
    return file


def test_events_come_in_once_whatever_is_imported_again(scoped: Organization, frozen_now: datetime) -> None:
    Organization.objects.filter(pk=scoped.pk).update(time_zone="Europe/Berlin")
    scoped.refresh_from_db()
    user = make_user(email="ada@acorn.test")
    make_type("login")
    file = load(scoped, LINES)
    # The first two are the same moment: half past eight in Berlin.
    assert (file.created_count, file.unchanged_count, file.failed_count) == (2, 1, 4)
    at = int(datetime(2026, 11, 2, 7, 30, tzinfo=UTC).timestamp() * 1000)
    rows = UsageEvent.objects.order_by("pk").values_list("user", "timestamp", "external_id", "quantity")
    assert list(rows) == [(user.pk, at, "", 1), (user.pk, at, "e-2", 5)]
    problems = CsvProblem.objects.filter(csv_import=file).order_by("row", "pk").values_list("row", "column")
    assert list(problems) == [(5, "E-mail"), (6, "Event"), (7, "Date"), (7, "Count"), (8, "Date")]
    assert load(scoped, LINES).created_count == 0


def test_users_can_be_matched_by_their_id(scoped: Organization, frozen_now: datetime) -> None:
    make_user(email="ada@acorn.test", external_id="u-1")
    make_type("login")
    data = b"user id,type,when\nu-1,login,2026-11-01\n"
    file = service.upload(organization=scoped, by="ada", target="usage", filename="u.csv", data=data)
    assert service.check(file).failed_count == 1
    service.set_mapping(file=file, mapping=file.mapping, options={"match_on": "externalId"})
    assert service.check(file).created_count == 1


@pytest.mark.parametrize("mapping", [{"0": "userId", "1": "usageType"}, {"0": "userId", "2": "timestamp"}])
def test_user_type_and_time_are_needed(scoped: Organization, mapping: dict[str, str]) -> None:
    file = service.upload(organization=scoped, by="ada", target="usage", filename="u.csv", data=b"a,b,c\n1,2,3\n")
    with pytest.raises(service.BadFile, match="Choose the column"):
        service.set_mapping(file=file, mapping=mapping, options={})
