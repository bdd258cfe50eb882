"""Intercom as its description allows it to be but as the simulated workspace is not: bare answers, parts that are late,
characters cut in half, addresses that do not exist."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import Thread, Ticket
from startdeliver.sync import runs
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.models import Organization

NOW = 1_790_000_000
EMPTY = {
    "/me": {"type": "admin", "id": "1", "app": {"id_code": "ws_other", "name": "Other"}},
    "/admins": {"admins": []},
    "/teams": {"teams": []},
    "/companies/scroll": {"data": []},
    "/contacts": {"data": [{"id": "c1", "email": "ann@acme.example", "role": "user"}]},
    "/contacts/search": {"data": []},
    "/conversations/search": {"conversations": []},
    "/conversations/deleted": {"conversations": []},
    "/tickets/search": {"tickets": []},
}


def conversation(ref: str, **facts: Any) -> dict[str, Any]:
    """A conversation as bare as the description allows."""
    return {
        "id": ref,
        "created_at": NOW,
        "updated_at": NOW,
        "state": "open",
        "open": True,
        "source": {"type": "email", "id": "1", "body": "<p>Help</p>", "author": {"type": "user", "id": "c1"}},
        "contacts": {"contacts": [{"id": "c1"}]},
        **facts,
    }


def parts(count: int) -> dict[str, Any]:
    made = [
        {
            "id": f"p{n}",
            "part_type": "comment",
            "body": f"<p>{n}</p>",
            "created_at": NOW + n,
            "author": {"type": "admin"},
        }
        for n in range(count)
    ]
    return {"conversation_parts": made}


@dataclass
class Other:
    """An Intercom that answers `answers` by path: JSON, ready bytes, a status, or what makes one of these."""

    answers: dict[str, Any] = field(default_factory=lambda: dict(EMPTY))
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def holds(self, *conversations: dict[str, Any]) -> None:
        self.answers["/conversations/search"] = {"conversations": list(conversations)}
        for one in conversations:
            self.answers[f"/conversations/{one['id']}"] = one

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        found = self.answers.get(request.path, 404)
        if isinstance(found, Callable):  # type: ignore[arg-type]
            found = found()
        if isinstance(found, int):
            return web.json_response({"type": "error.list", "errors": [{"code": "not_found"}]}, status=found)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return web.Response(body=body, content_type="application/json")


@pytest.fixture
def other(scoped: Organization, settings: Any) -> Iterator[Other]:
    """Such a server, to which an organization with the user Ann is connected."""
    server, loop, ready = Other(), asyncio.new_event_loop(), threading.Event()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = "http://127.0.0.1:{1}".format(*runner.addresses[0])
        ready.set()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    settings.CONFIG = replace(settings.CONFIG, intercom_api_url=server.url, intercom_app_url=server.url)
    link = Connection(
        organization=scoped,
        status=Connection.Status.AUTHENTICATED,
        token_kind="token",
        workspace="ws_other",
        saved_at=clock.now(),
        next_sync_at=clock.now(),
    )
    link.token = "tok"
    link.save()
    acme = Customer.objects.create(organization=scoped, name="Acme")
    CustomerUser.objects.create(organization=scoped, email="ann@acme.example", customer=acme)
    yield server
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def sync(organization: Organization) -> SyncRun:
    run = runs.run_now(organization)
    assert run.status == SyncRun.Status.SUCCESS, (run.error_code, run.error)
    return run


def test_bare_answers_suffice(scoped: Organization, other: Other) -> None:
    other.holds(conversation("1"), conversation("2", state="closed", open=False, conversation_parts=parts(2)))
    assert sync(scoped).imported == 2
    assert dict(Ticket.objects.values_list("external_id", "status")) == {"1": "open", "2": "resolved"}
    assert sync(scoped).imported == 0


@pytest.mark.parametrize("cut", [b"\\ud83d", b"\xf0\x9f"], ids=["surrogate", "utf-8"])
def test_half_a_character_costs_no_page(scoped: Organization, other: Other, cut: bytes) -> None:
    one, two = conversation("1", title="CUT"), conversation("2", title="Whole \U0001f600")
    other.holds(one, two)
    listed = json.dumps({"conversations": [one, two]}).encode().replace(b"CUT", b"Half " + cut)
    other.answers["/conversations/search"] = listed
    other.answers["/conversations/1"] = json.dumps(one).encode().replace(b"CUT", b"Half " + cut)
    assert sync(scoped).imported == 2
    titles = dict(Ticket.objects.values_list("external_id", "title"))
    assert titles["1"].startswith("Half �")
    assert titles["2"] == "Whole \U0001f600"


def test_parts_that_are_late_are_asked_for_once_more(scoped: Organization, other: Other) -> None:
    counted = {"count_conversation_parts": 3}
    other.holds(conversation("1", statistics=counted, conversation_parts=parts(1)))
    sync(scoped)
    assert Ticket.objects.get().incomplete
    other.answers["/conversations/1"] = conversation("1", statistics=counted, conversation_parts=parts(3))
    sync(scoped)
    ticket = Ticket.objects.get()
    assert (ticket.incomplete, ticket.stored_part_count, ticket.message_count) == (False, 3, 4)
    assert "<p>2</p>" in Thread.objects.get().entries


def test_parts_that_never_come_are_not_asked_for_for_ever(scoped: Organization, other: Other) -> None:
    other.holds(conversation("1", statistics={"count_conversation_parts": 3}, conversation_parts=parts(1)))
    sync(scoped)
    sync(scoped)
    other.asked.clear()
    sync(scoped)
    assert "/conversations/1" not in other.asked
    assert Ticket.objects.get().incomplete


@pytest.mark.parametrize("path", ["/tickets/search", "/conversations/deleted", "/teams", "/admins"])
def test_a_part_that_intercom_does_not_offer_is_left_out(scoped: Organization, other: Other, path: str) -> None:
    other.holds(conversation("1"))
    other.answers[path] = 404
    run = sync(scoped)
    assert run.imported == 1
    assert "does not offer this" in " ".join(run.warnings)


def test_companies_are_listed_where_they_cannot_be_scrolled(scoped: Organization, other: Other) -> None:
    Customer.objects.update(external_id="acme")
    other.holds(conversation("1", company={"id": "co1"}))
    other.answers["/companies/scroll"] = 404
    other.answers["/companies/list"] = {"data": [{"id": "co1", "company_id": "acme", "industry": "Toys"}]}
    run = sync(scoped)
    assert (run.imported, run.warnings) == (1, [])
    assert Customer.objects.get().industry == "Toys"


def test_without_any_listing_of_companies_tickets_arrive(scoped: Organization, other: Other) -> None:
    other.holds(conversation("1"))
    other.answers["/companies/scroll"] = 404
    run = sync(scoped)
    assert run.imported == 1
    assert "Companies could not be read" in " ".join(run.warnings)
