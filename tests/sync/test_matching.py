"""Matching: the order, never a guess, merges. Pure, so many cases are cheap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from startdeliver.sync.matching import (
    ContactRow,
    Person,
    UserRow,
    Users,
    find_contact,
    find_user,
    only,
    primary,
    survivor,
    ticket_customer,
)


def users_of(*rows: tuple[int, str, str, bool]) -> Users:
    """Users from (id, external id, e-mail key, archived)."""
    users = Users()
    for pk, external_id, email, archived in rows:
        users.by_id[pk] = UserRow(pk, None, archived)
        if external_id:
            users.by_external[external_id] = pk
        if email:
            users.by_email.setdefault(email, []).append(pk)
    return users


some_users = st.lists(
    st.tuples(st.sampled_from(["", "x", "y"]), st.sampled_from(["", "a@x", "b@x"]), st.booleans()), max_size=5
).map(
    lambda rows: users_of(
        *(
            # External ids are unique in an organization.
            (pk, ext if all(ext != other for other, *_ in rows[:pk]) else "", email, archived)
            for pk, (ext, email, archived) in enumerate(rows)
        )
    )
)
keys = st.sampled_from(["", "x", "y", "z"]), st.sampled_from(["", "a@x", "b@x", "c@x"])


@given(some_users, st.one_of(st.none(), st.integers(0, 5)), *keys)
def test_the_order_is_link_then_external_id_then_address(
    users: Users, linked: int | None, external_id: str, email_key: str
) -> None:
    found = find_user(users, linked=linked, external_id=external_id, email_key=email_key)
    active = {pk for pk, row in users.by_id.items() if not row.archived}
    external = users.by_external.get(external_id) if external_id else None
    sharing = [pk for pk in users.by_email.get(email_key, []) if pk in active] if email_key else []
    if linked in active:
        expected: int | None = linked
    elif external in active:
        expected = external
    elif sharing:
        expected = sharing[0] if len(sharing) == 1 else None
        assert found.ambiguous == (len(sharing) > 1)
    else:
        expected = None if found.user is None else found.user.id
        assert expected not in active
    assert (found.user.id if found.user else None) == expected


@given(some_users, *keys)
def test_two_candidates_are_never_one(users: Users, external_id: str, email_key: str) -> None:
    found = find_user(users, linked=None, external_id=external_id, email_key=email_key)
    assert not (found.user is not None and found.ambiguous)
    if found.user is not None and found.how == "email":
        others = [pk for pk in users.by_email[email_key] if not users.by_id[pk].archived and pk != found.user.id]
        assert not others


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.sampled_from(["active", "merged"]), st.sampled_from("abcdef")),
        max_size=6,
    ),
    st.sampled_from("abcdef"),
)
def test_chains_of_merges_always_end(rows: dict[str, tuple[str, str]], ref: str) -> None:
    contacts = {name: ContactRow(name, state=state, merged_into=into) for name, (state, into) in rows.items()}
    assert survivor(ref, contacts) in set("abcdef")


def test_the_survivors_own_match_wins_else_the_merged_ones_follows() -> None:
    users = users_of((1, "", "lead@x", False), (2, "", "user@x", False))
    lead = ContactRow("L", email_key="lead@x", state="merged", merged_into="U")
    known, unknown = ContactRow("U", email_key="user@x"), ContactRow("U", email_key="other@x")
    own = find_contact("L", {"L": lead, "U": known}, users)
    assert own.user is not None
    assert own.user.id == 2
    inherited = find_contact("L", {"L": lead, "U": unknown}, users)
    assert inherited.user is not None
    assert (inherited.user.id, inherited.how) == (1, "merged")


def test_what_is_gone_is_found_by_what_the_conversation_says() -> None:
    users = users_of((1, "x", "", False), (2, "", "a@x", False))
    assert find_contact("C", {}, users, external_id="x").user == users.by_id[1]
    assert find_contact("C", {"C": ContactRow("C", state="archived")}, users, email_key="a@x").user == users.by_id[2]


def test_archived_people_are_found_only_when_nobody_else_is() -> None:
    users = users_of((1, "", "a@x", True), (2, "", "a@x", False))
    assert find_user(users, linked=1, external_id="", email_key="a@x").user == users.by_id[2]
    del users.by_id[2]
    users.by_email["a@x"].remove(2)
    assert find_user(users, linked=1, external_id="", email_key="a@x").user == users.by_id[1]


def person(ref: str, user: int | None, customer: int | None = None) -> Person:
    return Person(ref, None if user is None else UserRow(user, customer, False))


def test_whose_ticket_it_is() -> None:
    assert ticket_customer(9, "A", [person("A", 1, 5)]) == 9
    assert ticket_customer(None, "", [person("A", 1, 5), person("B", 2, None), person("C", None)]) == 5
    assert ticket_customer(None, "B", [person("A", 1, 5), person("B", 2, 6)]) == 6
    assert ticket_customer(None, "C", [person("A", 1, 5), person("B", 2, 6)]) is None
    assert ticket_customer(None, "A", []) is None


@given(st.lists(st.one_of(st.none(), st.integers(1, 3)), max_size=5))
def test_only_one_candidate_counts(candidates: list[int | None]) -> None:
    distinct = {one for one in candidates if one is not None}
    assert only(candidates) == (distinct.pop() if len(distinct) == 1 else None)


@given(st.permutations(range(4)))
def test_the_primary_contact_does_not_depend_on_the_order(order: list[int]) -> None:
    rows = [
        ContactRow("d", role="user", external_id="1", state="archived"),
        ContactRow("b", role="lead", external_id="2"),
        ContactRow("c", role="user"),
        ContactRow("a", role="user", external_id="3"),
    ]
    chosen = primary(rows[n] for n in order)
    assert chosen is not None
    assert chosen.ref == "a"
