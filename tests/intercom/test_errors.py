import pickle

import pytest

from startdeliver.intercom.errors import (
    BY_CODE,
    BY_STATUS,
    SCOPES,
    Conflict,
    CursorExpired,
    ErrorItem,
    Gone,
    Invalid,
    Kind,
    ListLimit,
    Retry,
    ScopeMissing,
    ScrollBusy,
    error_for,
    rule_for,
)


@pytest.mark.parametrize(
    "rule", dict.fromkeys([*BY_CODE.values(), *BY_STATUS.values()]), ids=lambda rule: rule.error.__name__
)
def test_every_sentence_is_plain_and_whole(rule):
    assert rule.sentence[0].isupper()
    assert rule.sentence.endswith((".", "}"))
    assert 40 < len(rule.sentence) < 300
    assert "{" not in rule.sentence.replace("{scope}", "").replace("{message}", "")


def test_conflict_and_missing_are_never_retried():
    for status in (400, 401, 402, 403, 404, 409, 410, 422):
        assert rule_for(status, "").retry is Retry.NEVER
    assert rule_for(409, "conflict").retry is Retry.NEVER
    assert rule_for(429, "whatever").retry is Retry.WINDOW
    for status in (408, 500, 502, 503, 504, 599):
        assert rule_for(status, "not_found").retry is Retry.BACKOFF


def test_missing_scope_names_it_in_developer_hubs_words():
    error, _ = error_for(403, ErrorItem("forbidden", "no"), endpoint="conversations_search")
    assert isinstance(error, ScopeMissing)
    assert error.scope == "Read conversations"
    assert "“Read conversations”" in str(error)


def test_missing_scope_of_an_unknown_endpoint_still_reads_well():
    error, _ = error_for(403, ErrorItem(), endpoint="elsewhere")
    assert "permission for this data" in str(error)


def test_scopes_are_those_of_the_documentation():
    documented = {
        "Read and list users and companies",
        "Write users and companies",
        "Write data attributes",
        "Read conversations",
        "Read tickets",
        "Read events",
        "Read admins",
        "Read tags",
        "Gather app data",
    }
    assert set(SCOPES.values()) <= documented


def test_merged_contact_names_the_survivor():
    link = '</contacts/6762f0d01bb69f9f2193bb7d>; rel="canonical"'
    error, retry = error_for(410, ErrorItem("contact_merged", "merged"), endpoint="contact", link=link)
    assert isinstance(error, Gone)
    assert error.merged_into == "6762f0d01bb69f9f2193bb7d"
    assert retry is Retry.NEVER


@pytest.mark.parametrize("link", ["", "<https://elsewhere/x>; rel=next", "</contacts/>"])
def test_merged_contact_without_a_usable_link(link):
    error, _ = error_for(410, ErrorItem("contact_merged"), link=link)
    assert isinstance(error, Gone)
    assert error.merged_into is None


@pytest.mark.parametrize(
    ("message", "existing", "archived"),
    [
        (
            "A contact matching those details already exists with id=5ba682d23d7cf92bef87bfd4",
            "5ba682d23d7cf92bef87bfd4",
            False,
        ),
        ("An archived contact matching those details already exists with id=5ba682d2", "5ba682d2", True),
        ("Conflict", None, False),
    ],
)
def test_conflict_names_the_existing_contact(message, existing, archived):
    error, _ = error_for(409, ErrorItem("conflict", message), endpoint="create_contact")
    assert isinstance(error, Conflict)
    assert (error.existing_id, error.archived) == (existing, archived)


def test_expired_cursor_only_when_a_cursor_was_sent():
    item = ErrorItem("parameter_invalid", "starting_after is not a valid cursor")
    sent, _ = error_for(400, item, endpoint="conversations_search", cursor_sent=True)
    unsent, _ = error_for(400, item, endpoint="conversations_search")
    assert type(sent) is CursorExpired
    assert sent.kind == Kind.TRANSIENT
    assert type(unsent) is Invalid


def test_list_limit_and_scroll_are_told_apart():
    limit, _ = error_for(
        400, ErrorItem("bad_request", "page limit reached, please use scroll API"), endpoint="companies_list"
    )
    busy, _ = error_for(
        400, ErrorItem("scroll_exists", "scroll already exists for this workspace"), endpoint="companies_scroll"
    )
    assert isinstance(limit, ListLimit)
    assert isinstance(busy, ScrollBusy)


def test_errors_survive_pickling_with_what_they_know():
    error, _ = error_for(410, ErrorItem("contact_merged", "m"), link="</contacts/abc>", request_id="r1")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is Gone
    assert (again.merged_into, again.request_id, again.sentence, again.kind) == ("abc", "r1", error.sentence, Kind.GONE)


def test_a_message_of_intercoms_is_one_bounded_line():
    error, _ = error_for(400, ErrorItem("x", "a\nb " + "z" * 5000))
    assert "\n" not in str(error)
    assert len(str(error)) < 600
