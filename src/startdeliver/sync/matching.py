"""Who a contact is here, and whose ticket a conversation is. Pure: plain values in, decisions out.

The order is fixed: the stored link, then the external id, then the e-mail address; never the
name, and never a guess between two. `people.py` brings the values from the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_HOPS = 3  # how far a chain of merges is followed (docs, changelog 2.16)


class UserRow(NamedTuple):
    """A user as matching needs it."""

    id: int
    customer_id: int | None
    archived: bool


@dataclass(slots=True)
class Users:
    """The users that may be meant, by what they can be found by. `by_email` has lists: addresses may be shared."""

    by_id: dict[int, UserRow] = field(default_factory=dict)
    by_external: dict[str, int] = field(default_factory=dict)
    by_email: dict[str, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class ContactRow:
    """A contact as it is stored. `state`: active, archived or merged; `user_id`: the stored link."""

    ref: str
    pk: int | None = None
    external_id: str = ""
    email: str = ""
    email_key: str = ""
    name: str = ""
    role: str = ""
    company_refs: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    state: str = "active"
    merged_into: str = ""
    user_id: int | None = None
    matched_by: str = ""
    match_note: str = ""


class Ref(NamedTuple):
    """A contact as a conversation names it. `email` and `name` are known for the author only."""

    ref: str
    external_id: str = ""
    email: str = ""
    name: str = ""


class Found(NamedTuple):
    """What matching says of one contact: the user, how it was found, and whether several fit (then none is taken)."""

    user: UserRow | None
    how: str = ""
    ambiguous: bool = False


NOBODY = Found(None)


def find_user(users: Users, *, linked: int | None, external_id: str, email_key: str) -> Found:
    """The user of a contact. People who were archived here are found only when nobody else is."""
    stored = users.by_id.get(linked) if linked is not None else None
    if stored is not None and not stored.archived:
        return Found(stored, "stored")
    external = users.by_id.get(users.by_external.get(external_id, -1)) if external_id else None
    if external is not None and not external.archived:
        return Found(external, "external_id")
    sharing = [users.by_id[pk] for pk in users.by_email.get(email_key, ())] if email_key else []
    active = [user for user in sharing if not user.archived]
    if len(active) == 1:
        return Found(active[0], "email")
    if len(active) > 1:
        return Found(None, "", True)
    if stored is not None:
        return Found(stored, "stored")
    if external is not None:
        return Found(external, "external_id")
    if len(sharing) == 1:
        return Found(sharing[0], "email")
    return Found(None, "", len(sharing) > 1)


def survivor(ref: str, contacts: Mapping[str, ContactRow]) -> str:
    """The contact that `ref` is now: itself, or the one that it was merged into (at most MAX_HOPS merges away)."""
    for _ in range(MAX_HOPS):
        row = contacts.get(ref)
        if row is None or row.state != "merged" or not row.merged_into or row.merged_into == ref:
            return ref
        ref = row.merged_into
    return ref


def find_contact(
    ref: str, contacts: Mapping[str, ContactRow], users: Users, *, external_id: str = "", email_key: str = ""
) -> Found:
    """The user of the contact `ref`. `external_id` and `email_key`: what the conversation itself says of it, for
    contacts of which Intercom says nothing any more. Of merged contacts the survivor's own match wins."""
    own = contacts.get(ref)
    last = survivor(ref, contacts)
    if last != ref and (row := contacts.get(last)) is not None:
        found = find_user(users, linked=row.user_id, external_id=row.external_id, email_key=row.email_key)
        if found.user is not None:
            return found
        mine = _own(own, users, external_id, email_key)
        return (
            Found(mine.user, "merged") if mine.user is not None else Found(None, "", found.ambiguous or mine.ambiguous)
        )
    return _own(own, users, external_id, email_key)


def _own(row: ContactRow | None, users: Users, external_id: str, email_key: str) -> Found:
    if row is None:
        return find_user(users, linked=None, external_id=external_id, email_key=email_key)
    return find_user(
        users,
        linked=row.user_id,
        external_id=row.external_id or external_id,
        email_key=row.email_key or email_key,
    )


class Person(NamedTuple):
    """A participant of a conversation, as decided: the contact (after merges) and its user."""

    ref: str
    user: UserRow | None
    ambiguous: bool = False


def ticket_customer(company_customer: int | None, author_ref: str, people: Sequence[Person]) -> int | None:
    """Whose ticket it is: the conversation's company, else its matched users' customer, of several the author's."""
    if company_customer is not None:
        return company_customer
    customers = {person.user.customer_id for person in people if person.user and person.user.customer_id is not None}
    if len(customers) == 1:
        return customers.pop()
    for person in people:
        if person.ref == author_ref and person.user is not None:
            return person.user.customer_id
    return None


def only(candidates: Iterable[int | None]) -> int | None:
    """The one customer that is meant, None for none and for several: never a guess."""
    found = {candidate for candidate in candidates if candidate is not None}
    return found.pop() if len(found) == 1 else None


def primary(contacts: Iterable[ContactRow]) -> ContactRow | None:
    """Of several contacts that are one user, the one whose facts count: known to Intercom, role user, with an
    external id; then the lowest id, so that the choice does not change from run to run."""
    return min(
        contacts,
        key=lambda row: (row.state != "active", row.role != "user", not row.external_id, row.ref),
        default=None,
    )
