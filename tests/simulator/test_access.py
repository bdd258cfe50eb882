"""OAuth, tokens, scopes, versions, the rate limit (docs: setting up OAuth, scopes, rate limiting)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from startdeliver.simulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET
from startdeliver.simulator.api.access import Access, Limiter
from startdeliver.simulator.testing import Handle, run_in_thread

from .conftest import Caller, where

BACK = "http://hub.example/callback"


class TestMe:
    def test_names_the_workspace_its_region_and_its_time_zone(self, call: Caller) -> None:
        app = call.get("/me").json["app"]
        assert (app["id_code"], app["region"], app["timezone"]) == ("sim1work", "US", "America/Los_Angeles")


class TestOAuth:
    def _page(self, call: Caller, **query: str) -> tuple[int, str]:
        call.token = None
        reply = call.get("/oauth?" + urlencode({"client_id": DEFAULT_CLIENT_ID, "redirect_uri": BACK, **query}))
        return reply.status, reply.raw.decode()

    def _decide(self, call: Caller, decision: str, state: str = "s t&1") -> dict[str, list[str]]:
        form = {"client_id": DEFAULT_CLIENT_ID, "redirect_uri": BACK, "state": state, "decision": decision}
        call.token = None
        reply = call(
            "POST", "/oauth", urlencode(form).encode(), **{"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert reply.status == 302
        assert reply.headers["Location"].startswith(BACK)
        return parse_qs(urlsplit(reply.headers["Location"]).query)

    def _exchange(self, call: Caller, code: str, secret: str = DEFAULT_CLIENT_SECRET) -> tuple[int, dict[str, str]]:
        body = {"code": code, "client_id": DEFAULT_CLIENT_ID, "client_secret": secret}
        reply = call.post("/auth/eagle/token", body)
        return reply.status, reply.json

    def test_the_page_names_the_workspace_the_scopes_and_both_buttons(self, call: Caller) -> None:
        status, text = self._page(call, state="abc")
        assert status == 200
        for wanted in ("sim1work", "Read conversations", "Authorize", "Cancel", 'value="abc"'):
            assert wanted in text

    def test_the_page_escapes_what_it_is_given(self, call: Caller) -> None:
        _, text = self._page(call, state='"><script>alert(1)</script>')
        assert "<script>" not in text

    def test_an_unknown_app_is_refused(self, call: Caller) -> None:
        assert self._page(call, client_id="nobody")[0] == 400

    def test_only_registered_addresses_are_sent_back_to(self) -> None:
        with run_in_thread(redirect_uris=[BACK]) as handle:
            call = Caller(handle)
            assert self._page(call)[0] == 200
            assert self._page(call, redirect_uri="http://evil.example/")[0] == 400

    def test_authorize_gives_a_code_that_ends_in_an_equals_sign_and_the_state(self, call: Caller) -> None:
        query = self._decide(call, "authorize")
        assert query["state"] == ["s t&1"]
        assert query["code"][0].endswith("=")

    def test_cancel_gives_an_error_and_no_code(self, call: Caller) -> None:
        query = self._decide(call, "cancel")
        assert query["error"] == ["access_denied"]
        assert "code" not in query

    def test_a_code_becomes_a_working_token_once(self, call: Caller) -> None:
        code = self._decide(call, "authorize")["code"][0]
        status, body = self._exchange(call, code)
        assert (status, body["token_type"]) == (200, "Bearer")
        assert body["token"] == body["access_token"]
        assert self._exchange(call, code)[0] == 401
        call.token = body["token"]
        assert call.get("/me").status == 200

    def test_a_code_without_its_equals_sign_is_refused(self, call: Caller) -> None:
        code = self._decide(call, "authorize")["code"][0]
        status, body = self._exchange(call, code.rstrip("="))
        assert (status, body["errors"][0]["message"]) == (401, "Unauthorized Code")  # type: ignore[index]

    def test_the_secret_is_checked(self, call: Caller) -> None:
        code = self._decide(call, "authorize")["code"][0]
        assert self._exchange(call, code, "wrong")[0] == 401

    def test_a_form_works_as_well_as_json(self, call: Caller) -> None:
        code = self._decide(call, "authorize")["code"][0]
        form = urlencode({"code": code, "client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert call("POST", "/auth/eagle/token", form.encode(), **headers).status == 200

    def test_the_exchange_can_fail_and_is_logged(self, sim: Handle, call: Caller) -> None:
        code = self._decide(call, "authorize")["code"][0]
        sim.faults.fail_next("502", "/auth/eagle/token")
        assert [self._exchange(call, code)[0] for _ in range(2)] == [502, 200]
        assert sim.log.count("POST /auth/eagle/token") == 2

    def test_a_code_dies_after_ten_minutes(self, sim: Handle, call: Caller) -> None:
        code = self._decide(call, "authorize")["code"][0]
        sim.clock.advance(601)
        assert self._exchange(call, code)[0] == 401

    def test_uninstall_revokes_the_token(self, call: Caller) -> None:
        assert call.post("/auth/uninstall").status == 200
        reply = call.get("/me")
        assert (reply.status, reply.code) == (401, "token_revoked")


class TestTokens:
    def test_no_token_and_a_wrong_token_are_401(self, call: Caller) -> None:
        call.token = None
        assert call.get("/me").code == "missing_authorization"
        call.token = "nonsense"
        assert (call.get("/me").status, call.get("/me").code) == (401, "unauthorized")

    @pytest.mark.parametrize("code", ["token_blocked", "token_expired", "token_not_found", "token_unauthorized"])
    def test_a_dead_token_says_why(self, sim: Handle, call: Caller, code: str) -> None:
        sim.access.kill_tokens(code)
        assert (call.get("/admins").status, call.get("/admins").code) == (401, code)
        sim.access.revive_tokens()
        assert call.get("/admins").status == 200

    @pytest.mark.parametrize(
        ("scope", "method", "path"),
        [
            ("Read conversations", "POST", "/conversations/search"),
            ("Read and list users and companies", "GET", "/companies/scroll"),
            ("Read and list users and companies", "POST", "/contacts/search"),
            ("Write data attributes", "POST", "/data_attributes"),
            ("Read events", "GET", "/events?type=user&email=a@b.example"),
            ("Read tags", "GET", "/tags"),
            ("Read tickets", "POST", "/tickets/search"),
        ],
    )
    def test_a_missing_scope_is_403(self, sim: Handle, call: Caller, scope: str, method: str, path: str) -> None:
        sim.access.drop_scope(scope)
        reply = call(method, path, {} if method == "POST" else None)
        assert (reply.status, reply.code) == (403, "forbidden")
        sim.access.grant_scope(scope)
        assert call(method, path, {} if method == "POST" else None).status != 403


class TestVersions:
    def test_the_version_is_echoed(self, call: Caller) -> None:
        assert call.get("/me").headers["Intercom-Version"] == "2.16"

    @pytest.mark.parametrize("version", ["2.17", "3.0", "latest", "2"])
    def test_an_unknown_version_is_400(self, call: Caller, version: str) -> None:
        call.version = version
        reply = call.get("/me")
        assert (reply.status, reply.code) == (400, "intercom_version_invalid")

    def test_an_endpoint_newer_than_the_version_is_400(self, call: Caller) -> None:
        call.version = "2.15"
        reply = call.get("/conversations/deleted")
        assert (reply.status, reply.code) == (400, "intercom_version_invalid")
        assert call.get("/me").status == 200

    def test_without_the_header_the_version_of_the_app_counts(self) -> None:
        with run_in_thread(app_version="2.11") as handle:
            call = Caller(handle)
            assert call.get("/conversations/deleted").status == 200
            call.version = None
            assert call.get("/conversations/deleted").code == "intercom_version_invalid"


class TestRateLimit:
    def test_windows_of_ten_seconds(self) -> None:
        now = [1000.0]
        limiter = Limiter(2, clock=lambda: now[0])
        allowed, headers = limiter.take()
        assert allowed
        assert headers == {
            "X-RateLimit-Limit": "2",
            "X-RateLimit-Remaining": "1",
            "X-RateLimit-Reset": "1010",
        }
        assert limiter.take()[0]
        now[0] = 1009.9
        refused, headers = limiter.take()
        assert (refused, headers["X-RateLimit-Remaining"]) == (False, "0")
        now[0] = 1010.0
        assert limiter.take()[0]

    def test_other_apps_use_up_the_share_of_the_workspace(self) -> None:
        limiter = Limiter(100, workspace_limit=10, clock=lambda: 5.0)
        limiter.others_use(9)
        allowed, headers = limiter.take()
        assert (allowed, headers["X-RateLimit-Remaining"]) == (True, "0")
        assert not limiter.take()[0]

    def test_the_answer_is_a_429_with_the_headers_of_the_window(self, sim: Handle, call: Caller) -> None:
        sim.limiter.limit = 1
        sim.limiter.clock = lambda: 1000.0
        assert call.get("/me").status == 200
        reply = call.get("/me")
        assert (reply.status, reply.code) == (429, "rate_limit_exceeded")
        assert reply.json["errors"][0]["message"] == "Exceeded rate limit of 1 in 10_seconds"
        assert (reply.headers["X-RateLimit-Remaining"], reply.headers["X-RateLimit-Reset"]) == ("0", "1010")
        assert "Retry-After" not in reply.headers
        assert sim.log.refused == 1

    def test_refused_calls_change_nothing(self, sim: Handle, call: Caller) -> None:
        sim.limiter.limit = 1
        sim.limiter.clock = lambda: 1000.0
        call.get("/me")
        assert call.post("/contacts", {"email": "a@b.example"}).status == 429
        assert len(sim.workspace.contacts) == 0


def test_a_new_token_has_the_scopes_that_the_app_has_then() -> None:
    access = Access()
    access.drop_scope("Read events")
    value = access.exchange(access.issue_code(), DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    assert "Read events" not in access.tokens[value].scopes


def test_an_unknown_path_is_404(call: Caller) -> None:
    assert call.get("/nothing/here").code == "not_found"


def test_a_body_that_is_not_json_is_400(call: Caller) -> None:
    assert call("POST", "/contacts/search", b"{").status == 400
    assert call.post("/contacts/search", {"query": where("email", "?", "x")}).status == 400
