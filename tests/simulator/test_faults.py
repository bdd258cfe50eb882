"""What can be made to go wrong, the log, and the control API."""

from __future__ import annotations

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from startdeliver.simulator import Clock, Workspace
from startdeliver.simulator.testing import Handle, run_in_thread

from .conftest import NOW, Caller, where


class TestAnswersThatFail:
    @pytest.mark.parametrize("kind", ["429", "500", "502", "503", "504"])
    def test_a_status_for_the_next_calls_that_match(self, sim: Handle, call: Caller, kind: str) -> None:
        sim.faults.fail_next(kind, "/conversations/*", times=2, after=1, method="GET")
        path = "/conversations/deleted"
        assert call.get("/me").status == 200
        assert [call.get(path).status for _ in range(4)] == [200, int(kind), int(kind), 200]

    def test_a_web_page_with_200(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("html", "/me")
        reply = call.get("/me")
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert reply.raw.startswith(b"<!doctype html>")

    def test_half_of_the_json(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("truncated", "/me")
        reply = call.get("/me")
        assert reply.status == 200
        with pytest.raises(json.JSONDecodeError):
            reply.json  # noqa: B018

    def test_a_connection_that_ends_early(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("cut", "/me")
        with pytest.raises(http.client.IncompleteRead):
            call.get("/me")

    def test_a_reset(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("reset", "/me")
        with pytest.raises(ConnectionError):
            call.get("/me")
        assert call.get("/me").status == 200

    def test_a_plan_restriction(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("plan", "/conversations")
        reply = call.get("/conversations")
        assert (reply.status, reply.code) == (403, "api_plan_restricted")

    def test_an_answer_of_ones_own(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("answer", "/me", status=418, body={"a": 1})
        assert (call.get("/me").status, call.get("/me").status) == (418, 200)

    def test_silence_until_released(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("hang", "/me")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(call.get, "/me")
            # Other calls are answered while one hangs, and by then it has arrived.
            while sim.log.active == 0:
                call.get("/tags")
            assert not waiting.done()
            while not waiting.done():
                sim.faults.release()
            assert waiting.result().status == 504

    def test_a_call_may_take_effect_though_its_answer_is_lost(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("reset", "/contacts", applied=True)
        with pytest.raises(ConnectionError):
            call.post("/contacts", {"external_id": "u1"})
        assert call.post("/contacts", {"external_id": "u1"}).status == 409

    def test_otherwise_it_takes_none(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("500", "/contacts")
        assert call.post("/contacts", {"external_id": "u1"}).status == 500
        assert call.post("/contacts", {"external_id": "u1"}).status == 200

    def test_a_dead_token_comes_before_any_fault(self, sim: Handle, call: Caller) -> None:
        sim.access.kill_tokens()
        sim.faults.fail_next("500", "/me")
        assert call.get("/me").status == 401

    def test_unknown_kinds_are_refused(self, sim: Handle) -> None:
        with pytest.raises(ValueError, match="unknown kind"):
            sim.faults.fail_next("explode")

    def test_clear_drops_what_is_planned(self, sim: Handle, call: Caller) -> None:
        sim.faults.fail_next("500", times=9)
        sim.faults.latency("/me", 60_000)
        sim.faults.clear()
        assert call.get("/me").status == 200


class TestLog:
    def test_counts_per_route_status_and_concurrency(self, sim: Handle, call: Caller) -> None:
        jo = sim.workspace.add_contact("Jo")
        call.get(f"/contacts/{jo.id}")
        call.get("/contacts/nobody")
        call.put(f"/contacts/{jo.id}", {"name": "Joe"})
        call.search("contacts", where("role", "=", "user"))
        assert sim.log.count("GET /contacts/{id}") == 2
        assert (sim.log.total, sim.log.statuses[404], sim.log.refused) == (4, 1, 0)
        write = sim.log.writes()
        assert [(e.method, json.loads(e.body), e.version) for e in write] == [("PUT", {"name": "Joe"}, "2.16")]
        sim.log.clear()
        assert sim.log.total == 0

    def test_knows_how_many_calls_ran_at_once(self, sim: Handle) -> None:
        sim.faults.fail_next("hang", "/me", times=3)
        threads = [threading.Thread(target=Caller(sim).get, args=("/me",)) for _ in range(3)]
        for thread in threads:
            thread.start()
        while sim.log.max_concurrency < 3:
            Caller(sim).get("/_control/state")
        while any(t.is_alive() for t in threads):
            sim.faults.release()
        assert sim.log.max_concurrency == 3
        assert sim.log.active == 0


class TestControl:
    def test_verbs_change_the_workspace(self, call: Caller) -> None:
        call.token = None
        company = call.post("/_control/verbs/add_company", {"name": "Acme", "company_id": "cus-1"}).json
        contact = call.post("/_control/verbs/add_contact", {"name": "Jo", "email": "jo@x.example"}).json
        call.post("/_control/verbs/attach", {"contact_id": contact["id"], "company_id": company["id"]})
        thread = call.post("/_control/verbs/add_conversation", {"contacts": [contact["id"]], "body": "<p>Hi</p>"}).json
        call.post("/_control/verbs/close", {"conversation_id": thread["id"]})
        workspace = call.handle.workspace
        assert workspace.conversation(thread["id"]).state == "closed"
        assert workspace.contact(contact["id"]).company_ids == [company["id"]]

    def test_mistakes_are_told(self, workspace: Workspace, call: Caller) -> None:
        conversation = workspace.add_conversation([workspace.add_contact("Jo")])
        unknown_part = {"conversation_id": conversation.id, "part_id": "1"}
        assert call.post("/_control/verbs/redact_part", unknown_part).status == 404
        assert call.post("/_control/verbs/_index", {}).status == 404
        assert call.post("/_control/verbs/close", {"conversation_id": "1"}).status == 404
        assert call.post("/_control/verbs/close", {"wrong": 1}).status == 400
        assert call.post("/_control/settings", {"wrong": 1}).status == 400
        assert call.post("/_control/faults", {"kind": "explode"}).status == 400
        assert call.get("/_control/nothing").status == 404

    def test_settings_clock_faults_tokens_scopes(self, call: Caller) -> None:
        state = call.post("/_control/settings", {"id_code": "other1", "rate_limit": 5, "index_lag": 2}).json
        assert (state["id_code"], state["rate_limit"], state["index_lag"]) == ("other1", 5, 2)
        assert call.get("/me").json["app"]["id_code"] == "other1"
        assert call.post("/_control/clock", {"advance": 100}).json == {"now": NOW + 100}
        assert call.post("/_control/clock", {"freeze": 5}).json == {"now": 5.0}
        call.post("/_control/settings", {"rate_limit": 0})
        call.post("/_control/faults", {"kind": "500", "path": "/me"})
        assert [call.get("/me").status for _ in range(2)] == [500, 200]
        call.post("/_control/tokens", {"code": "token_expired"})
        assert call.get("/me").code == "token_expired"
        call.post("/_control/tokens", {"revive": True})
        call.post("/_control/scopes", {"drop": ["Read tags"]})
        assert call.get("/tags").status == 403
        call.post("/_control/scopes", {"grant": ["Read tags"]})
        assert call.get("/tags").status == 200

    def test_the_log_leaves_itself_out(self, call: Caller) -> None:
        call.get("/me")
        log = call.get("/_control/log").json
        assert (log["total"], log["counts"], log["latest"]) == (1, {"GET /me": 1}, [["GET", "/me", 200]])
        call.delete("/_control/log")
        assert call.get("/_control/log").json["total"] == 0

    def test_changes_are_recorded_under_their_webhook_topics(self, workspace: Workspace, call: Caller) -> None:
        heard = []
        workspace.listeners.append(lambda change: heard.append(change.topic))
        jo = workspace.add_contact("Jo")
        thread = workspace.add_conversation([jo])
        workspace.reply(thread.id, "<p>Hi</p>")
        workspace.close(thread.id)
        workspace.delete_conversation(thread.id)
        expected = [
            "contact.user.created",
            "conversation.user.created",
            "conversation.admin.replied",
            "conversation.admin.closed",
            "conversation.deleted",
        ]
        assert heard == expected
        assert [c["topic"] for c in call.get("/_control/changes").json["changes"]] == expected

    def test_records_can_move_before_a_page(self, workspace: Workspace, call: Caller) -> None:
        jo = workspace.add_contact("Jo")
        made = [workspace.add_conversation([jo], updated_at=NOW - 9 + n).id for n in range(3)]
        call.post("/_control/before_page", {"path": "/conversations/search", "page": 2, "touch": [made[0]]})
        query = where("updated_at", ">", 1)
        first = call.search("conversations", query, per_page=2).json
        after = first["pages"]["next"]["starting_after"]
        second = call.search("conversations", query, per_page=2, starting_after=after).json
        assert [c["id"] for c in second["conversations"]] == [made[2], made[0]]


def test_a_workspace_with_a_clock_of_its_own_cannot_be_moved() -> None:
    with run_in_thread(Workspace(now=lambda: 5.0)) as handle:
        assert Caller(handle).post("/_control/clock", {"advance": 1}).status == 400
        with pytest.raises(TypeError):
            _ = handle.clock


def test_a_clock_runs_stands_still_and_moves() -> None:
    clock = Clock(100.0)
    clock.advance(5)
    assert clock() == 105
    clock.freeze()
    assert clock() == clock() == 105
    clock.reset()
    assert clock() > 1_700_000_000
