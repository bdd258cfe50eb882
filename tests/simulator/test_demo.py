"""The demo workspace, the pages for people, and the command that starts the server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest

from startdeliver.simulator import Clock, Workspace
from startdeliver.simulator.demo import demo_companies, demo_people, seed_demo
from startdeliver.simulator.testing import run_in_thread

from .conftest import NOW, Caller

WEEK = 7 * 86_400


@pytest.fixture(scope="module")
def demo() -> Workspace:
    workspace = Workspace("demo1abc", now=Clock(NOW))
    seed_demo(workspace, NOW)
    return workspace


class TestContent:
    def test_it_is_the_same_every_time(self, demo: Workspace) -> None:
        again = Workspace("demo1abc", now=Clock(NOW))
        seed_demo(again, NOW)
        ids = [i for _, i in demo.conversations.updated]
        assert [i for _, i in again.conversations.updated] == ids
        assert all(again.conversation_json(i) == demo.conversation_json(i) for i in ids)

    def test_the_size_of_everything(self, demo: Workspace) -> None:
        assert 560 <= len(demo.conversations) <= 640
        assert len(demo.companies) == 40
        assert 130 <= len(demo.contacts) <= 170
        oldest = min(c.created_at for c in demo.conversations)
        assert 150 * 86_400 < NOW - oldest < 190 * 86_400

    def test_nothing_happens_in_the_future_or_out_of_order(self, demo: Workspace) -> None:
        for conversation in demo.conversations:
            times = [conversation.created_at, *(p.created_at for p in conversation.parts)]
            assert times == sorted(times), conversation.id
            assert times[-1] <= conversation.updated_at <= NOW

    def test_every_health_is_there(self, demo: Workspace) -> None:
        """With the product's defaults: three threads open for over a week make Poor, one makes Fair."""
        overdue: Counter[str] = Counter()
        for conversation in demo.conversations:
            if conversation.state != "closed" and conversation.created_at < NOW - WEEK:
                overdue[str(conversation.company_id)] += 1
        asked = {c.company_id for c in demo.conversations if c.company_id}
        poor = sum(1 for n in overdue.values() if n >= 3)
        assert poor >= 5
        assert len(overdue) - poor >= 5
        assert len(asked) - len(overdue) >= 15

    def test_the_oddities_are_there(self, demo: Workspace) -> None:
        conversations = list(demo.conversations)
        assert max(len(c.parts) for c in conversations) > 500
        assert any("<script>" in c.source.body for c in conversations)
        assert any(c.ticket for c in conversations)
        assert any(c.ai_agent for c in conversations)
        assert any(c.state == "snoozed" for c in conversations)
        assert any(c.source.attachments for c in conversations)
        assert sum(c.rating is not None and bool(c.rating.remark) for c in conversations) > 50
        assert any(p.part_type == "note" for c in conversations for p in c.parts)
        outbound = [c for c in conversations if c.source.author.type == "admin"]
        assert sum(not any(p.author.type == "user" for p in c.parts) for c in outbound) > 10
        assert any(c.archived for c in demo.contacts)
        assert any(c.merged_into for c in demo.contacts)
        mails = Counter(c.email for c in demo.contacts if c.email and c.active)
        assert mails.most_common(1)[0][1] > 1
        assert demo.deleted_conversations
        assert sum(len(e) for e in demo.events.values()) > 1000

    def test_no_slot_is_left_unfilled(self, demo: Workspace) -> None:
        for conversation in demo.conversations:
            for text in (conversation.title, conversation.source.subject, *(p.body for p in conversation.parts)):
                assert "{" not in (text or "")

    def test_the_lists_for_the_hub_match_the_workspace(self, demo: Workspace) -> None:
        listed = demo_companies()
        assert json.loads(json.dumps(listed)) == listed
        assert {c["company_id"] for c in listed} == set(demo.companies_by_external)
        assert 30 <= sum(c["in_hub"] for c in listed) < 40
        people = demo_people()
        assert {p["external_id"] for p in people if p["external_id"]} <= set(demo.contacts_by_external)
        assert 0 < sum(not p["in_hub"] for p in people) < len(people) / 2


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.links += [v for k, v in attrs if k == "href" and v]
        assert not any(k.startswith("on") for k, _ in attrs)


class TestPages:
    def test_every_page_escapes_what_people_wrote_and_every_link_leads_somewhere(self, demo: Workspace) -> None:
        hostile = next(c for c in demo.conversations if "<script>" in c.source.body)
        company, contact = demo.companies[str(hostile.company_id)], hostile.contact_ids[0]
        with run_in_thread(demo) as handle:
            call = Caller(handle)
            call.token = None
            for path in (
                "/",
                f"/a/apps/demo1abc/companies/{company.id}",
                f"/a/apps/demo1abc/users/{contact}",
                f"/a/inbox/demo1abc/inbox/conversation/{hostile.id}",
                f"/a/inbox/demo1abc/inbox/shared/all/conversation/{hostile.id}",
            ):
                reply = call.get(path)
                assert reply.status == 200
                page = _Page(reply.raw.decode())
                assert not {"script", "iframe", "img", "form", "svg"} & set(page.tags)
                assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
                for link in page.links[:5]:
                    assert call.get(link).status == 200
            assert call.get(f"/a/apps/other/companies/{company.id}").status == 404
            assert call.get("/a/apps/demo1abc/companies/none").status == 404

    def test_pushed_attributes_can_be_seen(self) -> None:
        with run_in_thread() as handle:
            call = Caller(handle)
            company = handle.workspace.add_company("Acme <Ltd>", "cus-1")
            handle.workspace.define_attribute("company", "usage health")
            call.put(f"/companies/{company.id}", {"custom_attributes": {"usage health": "Poor & falling"}})
            text = call.get(f"/a/apps/sim1work/companies/{company.id}").raw.decode()
            assert "usage health" in text
            assert "Poor &amp; falling" in text
            assert "Acme &lt;Ltd&gt;" in text


class TestCommand:
    def start(self, *options: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "startdeliver.simulator", "--port", "0", *options]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        line = process.stdout.readline()
        return process, line.rpartition(" on http://")[2].strip()

    def me(self, address: str) -> dict[str, str]:
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/me", headers={"Authorization": "Bearer sim-access-token"})
        app: dict[str, str] = json.loads(connection.getresponse().read())["app"]
        connection.close()
        return app

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_prints_its_address_and_ends_at_a_signal(self, number: int) -> None:
        process, address = self.start("--conversations", "50", "--region", "EU", "--workspace-id", "mine1")
        try:
            assert self.me(address)["id_code"] == "mine1"
            assert self.me(address)["region"] == "EU"
            process.send_signal(number)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()

    def test_the_demo_workspace(self) -> None:
        process, address = self.start("--demo", "--demo-at", str(NOW))
        try:
            assert self.me(address)["id_code"] == "demo1abc"
        finally:
            process.terminate()
            assert process.wait(10) == 0

    def test_a_port_in_use_is_told_in_one_line(self) -> None:
        process, address = self.start()
        try:
            command = [sys.executable, "-m", "startdeliver.simulator", "--port", address.rpartition(":")[2]]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            second = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20)
            assert second.returncode == 1
            assert second.stderr.startswith("Cannot listen on 127.0.0.1:")
            assert len(second.stderr.splitlines()) == 1
        finally:
            process.terminate()
            process.wait(10)
