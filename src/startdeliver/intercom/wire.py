"""Intercom's records as typed values: only the fields that Startdeliver uses (OpenAPI 2.16 and later; older shapes
accepted).

Unknown fields are ignored, closed vocabularies are plain strings, everything but ids has a default, and any sub-object
may be null. Timestamps are unix seconds (UTC). What does not fit these types is repaired or reported record by record;
see ``decode.py``.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

CustomAttributes = dict[str, Any]


class Wire(Struct, kw_only=True, gc=False):
    """Base: keyword-only, and never part of a reference cycle, so the garbage collector need not track the many
    instances.
    """


# ------------------------------------------------------------------------------------------------- workspace and people


class App(Wire):
    """The workspace, inside GET /me."""

    id_code: str = ""
    name: str | None = None
    timezone: str | None = None
    region: str | None = None


class Me(Wire):
    """GET /me. ``app.id_code`` is the workspace id, ``app.timezone`` what contact search counts days in up to 2.16."""

    id: str
    email: str | None = None
    name: str | None = None
    app: App | None = None

    @property
    def workspace_id(self) -> str:
        return self.app.id_code if self.app else ""

    @property
    def region(self) -> str:
        """US, EU or AU; "" when Intercom does not say."""
        return ((self.app.region if self.app else None) or "").upper()


class Admin(Wire):
    """A teammate."""

    id: str
    name: str | None = None
    email: str | None = None


class Team(Wire):
    """A group of teammates."""

    id: str
    name: str | None = None


class Tag(Wire):
    id: str = ""
    name: str | None = None


class Tags(Wire):
    tags: list[Tag] = field(default_factory=list)


class TagRefs(Wire):
    """A contact's tags: at most ten, by id only; the names come from elsewhere."""

    data: list[Tag] = field(default_factory=list)


class CompanyRef(Wire):
    id: str


class CompanyRefs(Wire):
    """A contact's companies: at most ten inline; ``has_more`` says that GET /contacts/{id}/companies knows others."""

    data: list[CompanyRef] = field(default_factory=list)
    total_count: int | None = None
    has_more: bool | None = None


class Contact(Wire):
    """A user or lead. ``owner_id`` is a string from 2.16, a number before."""

    id: str
    external_id: str | None = None
    role: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    updated_at: int | None = None
    last_seen_at: int | None = None
    custom_attributes: CustomAttributes | None = None
    tags: TagRefs | None = None
    companies: CompanyRefs | None = None

    @property
    def company_ids(self) -> list[str]:
        """Intercom ids of the companies given inline (at most ten)."""
        return [ref.id for ref in self.companies.data] if self.companies else []

    @property
    def has_more_companies(self) -> bool:
        """Whether the inline list is cut: by Intercom's own flag, or by its count."""
        refs = self.companies
        return refs is not None and (bool(refs.has_more) or (refs.total_count or 0) > len(refs.data))


class Plan(Wire):
    id: str | int | None = None
    name: str | None = None


class Company(Wire):
    """A company. ``id`` is Intercom's, ``company_id`` the customer's own (the external id)."""

    id: str
    company_id: str | None = None
    name: str | None = None
    plan: Plan | None = None
    size: int | None = None
    website: str | None = None
    industry: str | None = None
    monthly_spend: float | int | None = None
    custom_attributes: CustomAttributes | None = None
    tags: Tags | None = None

    @property
    def plan_name(self) -> str | None:
        return self.plan.name if self.plan else None

    @property
    def tag_names(self) -> list[str]:
        return [tag.name for tag in self.tags.tags if tag.name] if self.tags else []


# -------------------------------------------------------------------------------------------------------- conversations


class Author(Wire):
    """Who wrote a message: type user, lead, contact, admin, bot, team … (open set); blank for Twitter."""

    type: str | None = None
    id: str | int | None = None
    name: str | None = None
    email: str | None = None
    from_ai_agent: bool | None = None


class Attachment(Wire):
    """Only what stays valid: the url is signed and expires."""

    name: str | None = None
    content_type: str | None = None
    filesize: int | None = None


class Source(Wire):
    """The first message of a conversation; it is not among the parts."""

    type: str | None = None
    id: str | int | None = None
    delivered_as: str | None = None
    subject: str | None = None
    body: str | None = None
    author: Author | None = None
    attachments: list[Attachment] | None = None
    redacted: bool | None = None


class ContactRef(Wire):
    id: str
    external_id: str | None = None


class ContactRefs(Wire):
    contacts: list[ContactRef] = field(default_factory=list)


class FirstContactReply(Wire):
    """Only whether there is one matters here."""


class Sla(Wire):
    sla_name: str | None = None
    sla_status: str | None = None


class Rating(Wire):
    """``rating`` 1–5 or null while it was only asked for."""

    rating: int | None = None
    remark: str | None = None
    created_at: int | None = None
    updated_at: int | None = None


class Statistics(Wire):
    """Reporting figures; durations in seconds within office hours. The whole object may be null."""

    first_contact_reply_at: int | None = None
    first_admin_reply_at: int | None = None
    last_contact_reply_at: int | None = None
    last_admin_reply_at: int | None = None
    last_close_at: int | None = None
    count_reopens: int | None = None
    count_conversation_parts: int | None = None


class TicketState(Wire):
    """``category``: submitted, in_progress, waiting_on_customer, resolved (open set).

    Labels are the workspace's own.
    """

    category: str | None = None
    internal_label: str | None = None


class TicketType(Wire):
    name: str | None = None


class TicketObject(Wire):
    """Intercom's own Ticket, from POST /tickets/search and, from 2.16, inside conversation search. Shares the
    conversation's id.

    ``ticket_state`` is an object from 2.12, a plain string before.
    """

    id: str
    ticket_state: TicketState | str | None = None
    ticket_type: TicketType | None = None
    updated_at: int | None = None

    @property
    def state_label(self) -> str | None:
        """The state in the workspace's own words, else its category."""
        state = self.ticket_state
        return (state.internal_label or state.category) if isinstance(state, TicketState) else state

    @property
    def type_name(self) -> str | None:
        return self.ticket_type.name if self.ticket_type else None


class Channel(Wire):
    initial: str | None = None


class Part(Wire):
    """One entry of a conversation's thread.

    ``part_type`` is an open vocabulary; the author is null or blank for Twitter.
    """

    id: str
    part_type: str | None = None
    body: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    author: Author | None = None
    attachments: list[Attachment] | None = None
    redacted: bool | None = None


class Parts(Wire):
    """At most the 500 most recent parts.

    ``total_count`` counts the delivered ones in some versions, all of them in others.
    """

    conversation_parts: list[Part] = field(default_factory=list)
    total_count: int | None = None


def assignee(value: int | str | None) -> str | None:
    """An assignee id as a string; None for unassigned (0 from 2.16, null before, an empty string now and then)."""
    text = "" if value is None else str(value)
    return None if text in ("", "0") else text


class Conversation(Wire):
    """A conversation as listed, searched or read. Only GET by id fills ``conversation_parts``."""

    id: str
    title: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    waiting_since: int | None = None
    snoozed_until: int | None = None
    open: bool | None = None
    state: str | None = None
    priority: str | None = None
    admin_assignee_id: int | str | None = None
    team_assignee_id: int | str | None = None
    company: Company | None = None
    tags: Tags | None = None
    conversation_rating: Rating | None = None
    source: Source | None = None
    contacts: ContactRefs | None = None
    first_contact_reply: FirstContactReply | None = None
    sla_applied: Sla | None = None
    statistics: Statistics | None = None
    ticket: TicketObject | None = None
    channel: Channel | None = None
    conversation_parts: Parts | None = None

    @property
    def contact_refs(self) -> list[ContactRef]:
        return self.contacts.contacts if self.contacts else []

    @property
    def parts(self) -> list[Part]:
        return self.conversation_parts.conversation_parts if self.conversation_parts else []

    @property
    def tag_names(self) -> list[str]:
        return [tag.name for tag in self.tags.tags if tag.name] if self.tags else []

    @property
    def admin_id(self) -> str | None:
        """The assigned teammate's id, None when unassigned."""
        return assignee(self.admin_assignee_id)

    @property
    def team_id(self) -> str | None:
        """The assigned team's id, None when unassigned."""
        return assignee(self.team_assignee_id)

    @property
    def priority_level(self) -> str:
        """none, low, medium, high, urgent, or whatever Intercom invents.

        Up to 2.15 "priority" meant high (changelog 2.16).
        """
        value = self.priority or "none"
        return {"priority": "high", "not_priority": "none"}.get(value, value)


class DeletedConversation(Wire):
    """An entry of GET /conversations/deleted (2.16)."""

    id: str
    deleted_at: int | None = None


# ---------------------------------------------------------------------------------------------- events, attributes, Fin


class Event(Wire):
    """A data event of one contact. ``id`` is absent on some old events."""

    event_name: str
    created_at: int
    id: str | None = None
    user_id: str | None = None
    intercom_user_id: str | None = None


class DataAttribute(Wire):
    """A field definition of contacts or companies.

    Standard ones have no id. ``options`` are strings, or {value} objects on some versions.
    """

    name: str
    id: int | str | None = None
    model: str | None = None
    full_name: str | None = None
    label: str | None = None
    description: str | None = None
    data_type: str | None = None
    options: list[str | dict[str, Any]] | None = None
    api_writable: bool | None = None
    custom: bool | None = None
    archived: bool | None = None
    created_at: int | None = None
    updated_at: int | None = None

    @property
    def option_values(self) -> list[str]:
        return [option if isinstance(option, str) else str(option.get("value", "")) for option in self.options or []]


class Predicate(Wire):
    """One condition of a Fin audience."""

    attribute: str
    comparison: str
    value: Any = None
    type: str = "string"


class Audience(Wire):
    """A group of contacts that Fin can target (2.16)."""

    id: str
    name: str | None = None
    predicates: list[Predicate] | None = None
    role_predicates: list[Predicate] | None = None
    created_at: int | None = None
    updated_at: int | None = None


class ErrorEntry(Wire):
    code: str | None = None
    message: str | None = None
    field: str | None = None


class ErrorList(Wire):
    """Intercom's error envelope."""

    errors: list[ErrorEntry] = field(default_factory=list)
    request_id: str | None = None
