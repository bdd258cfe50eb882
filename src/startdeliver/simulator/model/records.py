"""The records of a simulated workspace, as plain data. Times are unix seconds, ids are strings, bodies are HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Author:
    """Who wrote something: type is `user`, `lead`, `admin`, `bot` or `team`."""

    type: str
    id: str
    name: str | None = None
    email: str | None = None


@dataclass(slots=True)
class Attachment:
    """A file on a message. Intercom's URLs are signed and expire."""

    name: str
    url: str
    content_type: str = "application/octet-stream"
    filesize: int = 1024
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class Part:
    """One conversation part. `assigned_to` is (type, id)."""

    id: str
    part_type: str
    created_at: int
    author: Author
    body: str | None = None
    updated_at: int = 0
    notified_at: int = 0
    assigned_to: tuple[str, str] | None = None
    attachments: list[Attachment] = field(default_factory=list)
    external_id: str | None = None
    redacted: bool = False
    state: str = "open"
    event_details: dict[str, Any] | None = None


@dataclass(slots=True)
class Source:
    """The first message. It is not one of the parts."""

    id: str
    author: Author
    body: str
    subject: str = ""
    type: str = "conversation"
    delivered_as: str = "customer_initiated"
    url: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    redacted: bool = False


@dataclass(slots=True)
class Rating:
    """A contact's rating of 1 to 5."""

    rating: int
    created_at: int
    contact_id: str
    admin_id: str | None = None
    remark: str | None = None
    teammate_type: str = "admin"


@dataclass(slots=True)
class AppliedTag:
    tag_id: str
    applied_at: int
    applied_by: str


@dataclass(slots=True)
class Ticket:
    """What makes a conversation one of Intercom's Tickets. Its id is the conversation's."""

    number: str
    ticket_type_id: str
    state: str = "submitted"
    title: str = ""
    description: str = ""
    previous_state: str | None = None
    is_shared: bool = True


@dataclass(slots=True)
class Conversation:
    id: str
    created_at: int
    updated_at: int
    source: Source
    contact_ids: list[str]
    company_id: str | None = None
    title: str | None = None
    state: str = "open"
    read: bool = False
    priority: str = "none"
    waiting_since: int | None = None
    snoozed_until: int | None = None
    admin_assignee_id: int = 0
    team_assignee_id: int = 0
    parts: list[Part] = field(default_factory=list)
    tags: list[AppliedTag] = field(default_factory=list)
    rating: Rating | None = None
    custom_attributes: dict[str, Any] = field(default_factory=dict)
    sla: tuple[str, str] | None = None
    ticket: Ticket | None = None
    ai_agent: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields that the answer has besides the documented ones, to test a client's tolerance."""
    version: int = 0

    @property
    def open(self) -> bool:
        """Snoozed conversations are open too (OpenAPI 2.16, manageConversation example)."""
        return self.state != "closed"


@dataclass(slots=True)
class Contact:
    id: str
    created_at: int
    updated_at: int
    role: str = "user"
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    avatar: str | None = None
    owner_id: str | None = None
    signed_up_at: int | None = None
    last_seen_at: int | None = None
    last_replied_at: int | None = None
    last_contacted_at: int | None = None
    unsubscribed_from_emails: bool = False
    custom_attributes: dict[str, Any] = field(default_factory=dict)
    company_ids: list[str] = field(default_factory=list)
    tag_ids: list[str] = field(default_factory=list)
    note_ids: list[str] = field(default_factory=list)
    archived: bool = False
    deleted: bool = False
    merged_into: str | None = None
    merged_at: int | None = None
    version: int = 0

    @property
    def active(self) -> bool:
        """Whether list and search return the contact."""
        return not (self.archived or self.deleted or self.merged_into)


@dataclass(slots=True)
class Company:
    id: str
    company_id: str
    created_at: int
    updated_at: int
    name: str | None = None
    website: str | None = None
    industry: str | None = None
    plan: str | None = None
    size: int | None = None
    monthly_spend: int = 0
    session_count: int = 0
    remote_created_at: int | None = None
    last_request_at: int | None = None
    custom_attributes: dict[str, Any] = field(default_factory=dict)
    tag_ids: list[str] = field(default_factory=list)
    contact_ids: set[str] = field(default_factory=set)
    deleted: bool = False
    version: int = 0


@dataclass(slots=True)
class Admin:
    id: str
    name: str
    email: str
    team_ids: list[int] = field(default_factory=list)
    job_title: str = "Support"
    has_inbox_seat: bool = True


@dataclass(slots=True)
class Team:
    id: str
    name: str
    admin_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Tag:
    id: str
    name: str


@dataclass(slots=True)
class Segment:
    id: str
    name: str
    person_type: str
    created_at: int


@dataclass(slots=True)
class Note:
    id: str
    contact_id: str
    body: str
    created_at: int
    author: Author


@dataclass(slots=True)
class DataAttribute:
    """The definition of a custom attribute. `options` is set for lists, whose data_type is `string`."""

    id: int
    model: str
    name: str
    data_type: str
    created_at: int
    updated_at: int
    description: str = ""
    options: list[str] | None = None
    messenger_writable: bool = False
    archived: bool = False
    has_dependants: bool = False


@dataclass(slots=True)
class ConversationAttribute:
    id: int
    name: str
    data_type: str
    created_at: int
    options: list[str] | None = None
    archived: bool = False


@dataclass(slots=True)
class Event:
    id: str
    contact_id: str
    name: str
    created_at: int
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Audience:
    id: str
    name: str
    predicates: list[dict[str, Any]]
    role_predicates: list[dict[str, Any]]
    created_at: int
    updated_at: int


@dataclass(slots=True)
class DeletedConversation:
    id: str
    deleted_at: int
    metrics_retained: bool


@dataclass(slots=True, frozen=True)
class Change:
    """One change of the workspace. `topic` is the webhook topic that Intercom would send for it."""

    number: int
    at: int
    topic: str
    item_type: str
    item_id: str
