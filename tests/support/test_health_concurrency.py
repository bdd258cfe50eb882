"""Two processes that compute the same customer's health at once: the later truth stays."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import close_old_connections, connection, transaction

from startdeliver.support import health
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

from .factories import NOW, days, make_customer, make_ticket


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("frozen_now")
def test_a_page_that_is_shown_does_not_overwrite_what_the_sync_has_just_found() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    organization = Organization.objects.create(name="Acme", slug="acme")
    failures: list[BaseException] = []

    def show_a_page() -> None:
        try:
            health.recompute(organization)
        except BaseException as error:
            failures.append(error)
        finally:
            close_old_connections()
            connection.close()

    with organization_scope(organization):
        customer = make_customer()
        make_ticket(customer, NOW - days(8))
        health.recompute(organization)
        reader = threading.Thread(target=show_a_page)
        with transaction.atomic():
            Ticket.objects.update(status=Ticket.Status.RESOLVED, resolved_at=NOW)
            health.recompute(organization)
            reader.start()
            until = time.monotonic() + 10
            while not _somebody_waits():
                assert time.monotonic() < until, "the other one did not wait"
        reader.join(10)
        assert not failures
        assert SupportHealth.objects.get(customer=customer).status == "good"


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE NOT granted AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
