"""The hostile server: refusals with odd headers, answers that stall, break off or are not what they say, listings that
repeat themselves, and records full of nonsense. A run ends with everything stored, or says in a sentence why not."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any, cast

import pytest
from aiohttp import web
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.intercom import Backoff, Timeouts
from startdeliver.simulator.testing import Handle
from startdeliver.support.models import Ticket
from startdeliver.sync import runs, session
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.engine.processes import running, until

from .hostile import Change, Meddler, labelled, refuse
from .story import Story

FAILED = SyncRun.Status.FAILED
SEARCH = "/conversations/search"
REFUSED = b'{"type":"error.list","errors":[{"code":"rate_limit_exceeded","message":"Exceeded rate limit"}]}'
FAULT = b'{"type":"error.list","errors":[{"code":"server_error","message":"Internal"}]}'
PAGE = b"<!doctype html><html><body><h1>Access denied by the company proxy</h1></body></html>"


@pytest.fixture
def meddler(monkeypatch: pytest.MonkeyPatch) -> Meddler:
    made = Meddler()
    made.install(monkeypatch)
    return made


@pytest.fixture
def intercom(meddler: Meddler, intercom: Handle) -> Handle:
    """The simulated workspace, with the meddler before it."""
    return intercom


@pytest.fixture
def listing(story: Story, naps: list[float]) -> set[str]:
    """Two pages of conversations of somebody who is known."""
    story.user("ann@acme.example", story.customer())
    ann = story.workspace.add_contact("Ann", "ann@acme.example")
    at = int(story.workspace.now()) - 100_000
    return {story.workspace.add_conversation([ann], created_at=at + n).id for n in range(200)}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run waits for a fifth of a second for what it usually waits for half a minute for."""
    monkeypatch.setattr(session, "PATIENCE", (Timeouts(connect=5, read=0.2, total=5), Backoff(attempts=3)))


def comes_back_soon(story: Story) -> bool:
    """Nobody has to do anything: the next attempt is near, and it is no problem of the connection."""
    due = story.connection.next_sync_at
    return story.connection.problem == "" and due is not None and due <= clock.now() + timedelta(minutes=15)


# ------------------------------------------------------------------------------------------------------- the rate limit

LIMITS: dict[str, Change] = {
    "no headers": refuse(429, REFUSED),
    "no body": refuse(429, b""),
    "a page": refuse(429, PAGE, "text/html"),
    "reset past": refuse(429, REFUSED, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"),
    "reset long ago": refuse(429, REFUSED, X_RateLimit_Remaining="0", X_RateLimit_Reset="1500000000"),
    "reset far": refuse(429, REFUSED, X_RateLimit_Remaining="0", X_RateLimit_Reset="4102444800"),
    "reset in milliseconds": refuse(429, REFUSED, X_RateLimit_Remaining="0", X_RateLimit_Reset="1790000000000"),
    "reset garbage": refuse(429, REFUSED, X_RateLimit_Remaining="none", X_RateLimit_Reset="soon"),
    "limit of zero": refuse(429, REFUSED, X_RateLimit_Limit="0", X_RateLimit_Remaining="-7", X_RateLimit_Reset="nan"),
    "retry garbage": refuse(429, REFUSED, Retry_After="later"),
    "retry negative": refuse(429, REFUSED, Retry_After="-30"),
    "retry for years": refuse(429, REFUSED, Retry_After="99999999999"),
    "retry not a number": refuse(429, REFUSED, Retry_After="nan"),
    "retry long ago": refuse(429, REFUSED, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "retry in 2099": refuse(429, REFUSED, Retry_After="Wed, 21 Oct 2099 07:28:00 GMT"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_refusals_are_waited_out_whatever_their_headers_say(
    story: Story, listing: set[str], meddler: Meddler, naps: list[float], name: str
) -> None:
    meddler.change(SEARCH, LIMITS[name], times=4)
    story.sync(messages=False)
    assert story.tickets() == listing
    assert sum(naps) > 1, "not hammered"
    assert max(naps) <= 61, "and never for longer than a minute at a time"


@pytest.mark.parametrize("name", ["no headers", "reset past", "reset far", "retry garbage", "retry for years"])
def test_refusals_without_end_end_the_run(
    story: Story, listing: set[str], meddler: Meddler, naps: list[float], name: str
) -> None:
    meddler.change(SEARCH, LIMITS[name])
    run = story.sync(expect=FAILED)
    assert "rate limit" in run.error
    assert comes_back_soon(story)
    assert 10 < sum(naps) < 15 * 60
    assert story.intercom.log.count(f"POST {SEARCH}") < 40
    meddler.clear()
    story.sync(messages=False)
    assert story.tickets() == listing


@pytest.mark.parametrize(
    "headers",
    [
        {"X_RateLimit_Limit": "x", "X_RateLimit_Remaining": "y", "X_RateLimit_Reset": "z"},
        {"X_RateLimit_Limit": "-1", "X_RateLimit_Remaining": "-1", "X_RateLimit_Reset": "-1"},
        {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "4102444800"},
        {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"},
        {"Date": "yesterday, about noon"},
        {"Date": "Wed, 21 Oct 2099 07:28:00 GMT"},
    ],
    ids=["words", "negative", "far", "past", "date in words", "date in 2099"],
)
def test_good_answers_under_odd_headers(
    story: Story, listing: set[str], meddler: Meddler, naps: list[float], headers: dict[str, str]
) -> None:
    meddler.change("*", labelled(**headers))
    story.sync(messages=False)
    assert story.tickets() == listing


# ------------------------------------------------------------------------------------------- faults, and broken answers

BROKEN: dict[str, tuple[Change, str]] = {
    "unavailable": (refuse(503, FAULT, Retry_After="soon"), "internal error"),
    "unavailable for years": (refuse(503, FAULT, Retry_After="99999999"), "internal error"),
    "unavailable since 2015": (refuse(503, FAULT, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), "internal error"),
    "bad gateway page": (refuse(502, PAGE, "text/html"), "internal error"),
    "unknown fault": (refuse(599, b""), "internal error"),
    "proxy says no": (refuse(403, PAGE, "text/html"), "was a web page instead of data"),
    "proxy asks who": (refuse(401, PAGE, "text/html"), "was a web page instead of data"),
    "proxy knows nothing": (refuse(404, PAGE, "text/html"), "was a web page instead of data"),
    "page": (refuse(200, PAGE, "text/html"), "was a web page instead of data"),
    "page as JSON": (refuse(200, PAGE), "was a web page instead of data"),
    "empty": (refuse(200, b""), "broke off before its end"),
    "half": (refuse(200, b'{"type":"conversation.list","conversations":[{"id":"1","cre'), "broke off before its end"),
    "gzip that is none": (refuse(200, b"not compressed at all", Content_Encoding="gzip"), "broke off before its end"),
    "half a gzip": (refuse(200, gzip.compress(b"{}" * 900)[:20], Content_Encoding="gzip"), "broke off before its end"),
    "unknown coding": (refuse(200, b"\x00\x01\x02", Content_Encoding="zstd-9"), "broke off before its end"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_two_broken_answers_are_tried_again_and_more_end_the_run(
    story: Story, listing: set[str], meddler: Meddler, naps: list[float], name: str
) -> None:
    change, words = BROKEN[name]
    # What is to be waited out for a minute each time is given up sooner: the next run is not far.
    burst = 1 if name == "unavailable for years" else 2
    for path in ("/me", SEARCH, "/contacts"):
        meddler.change(path, change, times=burst)
    story.sync(messages=False)
    assert story.tickets() == listing
    assert max(naps) <= 61
    meddler.clear()
    meddler.change(SEARCH, change)
    run = story.sync(expect=FAILED)
    assert words in run.error
    assert comes_back_soon(story), "a proxy's page must not pass for Intercom's word on the token"
    meddler.clear()
    story.sync(messages=False)


@pytest.mark.parametrize("path", ["/me", "/contacts", SEARCH, "/companies/scroll", "/conversations/1*"])
def test_one_answer_that_never_comes(story: Story, listing: set[str], impatient: None, path: str) -> None:
    story.intercom.faults.fail_next("hang", path)
    story.sync()
    assert story.tickets() == listing
    assert not Ticket.objects.filter(messages_due=True).exists()


def test_an_answer_that_does_not_say_whose_token_it_is(story: Story, listing: set[str], meddler: Meddler) -> None:
    meddler.rewrite("/me", lambda answer: {**answer, "app": None})
    run = story.sync(expect=FAILED)
    assert "did not say which workspace" in run.error
    assert comes_back_soon(story), "it is no word on the token"


def test_a_server_that_accepts_and_never_answers(story: Story, listing: set[str], impatient: None) -> None:
    story.intercom.faults.fail_next("hang", "*", times=999)
    run = story.sync(expect=FAILED)
    assert run.error.startswith("Intercom could not be reached (it did not answer in time), even after retries.")
    assert comes_back_soon(story)
    assert story.intercom.log.max_concurrency == 3, "three questions, none of them answered to this day"


def test_an_answer_that_stalls_in_the_middle_of_the_listing(story: Story, listing: set[str], impatient: None) -> None:
    # The estimate's question and page one arrive; then nothing.
    story.intercom.faults.fail_next("hang", SEARCH, times=999, after=2)
    run = story.sync(expect=FAILED)
    assert "did not answer in time" in run.error
    assert len(story.tickets()) == 150, "what was committed stays"
    story.intercom.faults.clear()
    story.sync(messages=False)
    assert story.tickets() == listing


# ------------------------------------------------------------------------------------------------ listings that repeat


def test_records_that_come_twice_in_a_page_and_in_pages(story: Story, listing: set[str], meddler: Meddler) -> None:
    def twice(name: str) -> Any:
        def rewrite(answer: dict[str, Any]) -> dict[str, Any]:
            found = answer[name]
            older = [{**one, "name": "Older"} for one in found[:5]]
            return {**answer, name: older + found + found[:20] + found[-20:]}

        return rewrite

    before: list[Any] = []

    def carried(answer: dict[str, Any]) -> dict[str, Any]:
        answer["conversations"] = before[-30:] + answer["conversations"]
        before.extend(answer["conversations"])
        return answer

    meddler.rewrite(SEARCH, carried)
    meddler.rewrite(SEARCH, twice("conversations"))
    meddler.rewrite("/contacts", twice("data"))
    meddler.rewrite("/companies/scroll", twice("data"))
    run = story.sync()
    assert story.tickets() == listing
    assert run.imported == len(listing)
    assert Ticket.objects.count() == len(listing)


def replayed(cursors: list[str], **facts: Any) -> tuple[Change, list[bytes]]:
    """Repeats the first answer forever, with the cursors in turn. Returns the change, and a list that grows with it."""
    answers: list[bytes] = []

    def change(answer: web.Response) -> web.Response:
        answers.append(cast(bytes, answer.body))
        cursor = cursors[len(answers) % len(cursors)]
        body = json.loads(answers[0]) | facts | {"pages": {"type": "pages", "next": {"starting_after": cursor}}}
        return web.Response(body=json.dumps(body).encode(), content_type="application/json")

    return change, answers


@pytest.mark.parametrize("path", [SEARCH, "/contacts", "/tickets/search"])
def test_a_listing_that_goes_in_a_circle(story: Story, listing: set[str], meddler: Meddler, path: str) -> None:
    change, answers = replayed(["one", "two", "three"])
    meddler.change(path, change)
    run = story.sync(expect=FAILED)
    assert "led back to a page of the listing that was read before" in run.error
    assert comes_back_soon(story)
    assert len(answers) < 10
    meddler.clear()
    story.sync(messages=False)
    assert story.tickets() == listing


def test_a_listing_that_stands_still_although_there_is_more(story: Story, listing: set[str], meddler: Meddler) -> None:
    change, answers = replayed(["same"], total_count=5000)
    meddler.change(SEARCH, change)
    run = story.sync(expect=FAILED)
    assert "led back to a page" in run.error
    assert len(answers) < 10
    meddler.clear()
    story.sync(messages=False)
    assert story.tickets() == listing


# ---------------------------------------------------------------------------------------------------- others meanwhile


@pytest.mark.django_db(transaction=True)
def test_an_organization_whose_intercom_never_answers_keeps_nobody_waiting(
    transactional_db: None, organization: Organization, other_organization: Organization, intercom: Handle
) -> None:
    def asked(one: Organization) -> SyncRun:
        with organization_scope(one):
            link = Connection(
                organization=one,
                status=Connection.Status.AUTHENTICATED,
                workspace=intercom.workspace.id_code,
                saved_at=clock.now(),
                next_sync_at=clock.now() + timedelta(days=1),
            )
            link.token = intercom.token
            link.save()
            return runs.request_run(one, SyncRun.Trigger.BUTTON)

    def status(run: SyncRun) -> str:
        with scopes_disabled():
            return SyncRun.objects.get(pk=run.pk).status

    intercom.faults.fail_next("hang", "/me")
    stuck = asked(organization)
    with running(2):
        until(lambda: intercom.log.active == 1, "the first one's question")
        free = asked(other_organization)
        until(lambda: status(free) == "success", "the other one's run")
        assert status(stuck) == "running"
        intercom.faults.release()
        until(lambda: status(stuck) == "success", "the end of the first one's, when Intercom answers again")
    intercom.faults.clear()
    assert not [job for job in jobs.select(jobs.LIVE) if job.kind == "sync"]


@pytest.mark.parametrize("ref", ["", " ", "\x00", "9" * 129])
def test_a_conversation_whose_id_is_none_is_told_and_costs_the_others_nothing(
    story: Story, listing: set[str], meddler: Meddler, ref: str
) -> None:
    def spoilt(answer: dict[str, Any]) -> dict[str, Any]:
        answer["conversations"][0]["id"] = ref
        return answer

    meddler.rewrite(SEARCH, spoilt)
    run = story.sync(messages=False)
    assert len(story.tickets()) == len(listing) - 2, "the first one of each of the two pages"
    assert story.tickets() < listing
    assert any("without a usable ID" in warning for warning in run.warnings)


def test_an_unreadable_conversation_that_comes_twice_in_a_page(
    story: Story, listing: set[str], meddler: Meddler
) -> None:
    def spoilt(answer: dict[str, Any]) -> dict[str, Any]:
        bad = {**answer["conversations"][0], "created_at": {"not": "a moment"}}
        return {**answer, "conversations": [bad, bad, *answer["conversations"][1:], bad]}

    meddler.rewrite(SEARCH, spoilt)
    run = story.sync(messages=False)
    assert run.skipped["unreadable"]
    assert story.tickets() == listing, "asked for by itself it can be read"
    assert story.skips() == {}


@pytest.mark.parametrize("odd", [10**40, 4_000_000_000, 1, 0, -5, None, "soon"])
def test_an_odd_moment_of_a_deletion_hides_no_other_deletion(
    story: Story, listing: set[str], meddler: Meddler, odd: Any
) -> None:
    first, second, third = sorted(listing)[:3]
    story.sync(messages=False)

    def spoilt(answer: dict[str, Any]) -> dict[str, Any]:
        for one in answer["conversations"]:
            one["deleted_at"] = odd if one["id"] == first else one["deleted_at"]
        return answer

    meddler.rewrite("/conversations/deleted", spoilt)
    for ref in (first, second):
        story.intercom.clock.advance(60)
        story.workspace.delete_conversation(ref)
    story.sync(messages=False)
    assert second not in story.tickets()
    story.intercom.clock.advance(60)
    story.workspace.delete_conversation(third)
    story.sync(messages=False)
    assert third not in story.tickets()


def test_a_conversation_that_cannot_be_read_by_itself_is_told_and_costs_the_others_nothing(
    story: Story, listing: set[str], meddler: Meddler
) -> None:
    odd = min(listing)
    meddler.rewrite(f"/conversations/{odd}", lambda answer: {**answer, "contacts": []})
    run = story.sync(expect=FAILED)
    assert run.error_code == "incomplete"
    assert run.error.startswith("The messages of 1 conversation could not be read")
    assert story.tickets() == listing
    assert set(Ticket.objects.filter(messages_due=True).values_list("external_id", flat=True)) == {odd}
    assert comes_back_soon(story)
