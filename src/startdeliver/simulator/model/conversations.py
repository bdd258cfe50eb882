"""Conversations: the operations that a contact, a teammate or a test performs on them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from startdeliver.simulator.model.people import People
from startdeliver.simulator.model.records import (
    AppliedTag,
    Attachment,
    Author,
    Company,
    Contact,
    Conversation,
    DeletedConversation,
    Part,
    Rating,
    Source,
    Ticket,
)
from startdeliver.simulator.model.state import locked

REDACTED = "<p><i>This message was deleted</i></p>"


class Conversations(People):
    """Operations on conversations. They take the conversation's id, and set updated_at to `at` (default: now)."""

    def author_of(self, who: Contact | str | None) -> Author:
        """Return the author for a contact, a contact's id or an admin's id (None: the workspace's own admin)."""
        if who is None:
            who = self.me.id
        if isinstance(who, str) and (admin := self.admins.get(who)) is not None:
            return Author("admin", admin.id, admin.name, admin.email)
        contact = self.contacts.get(who) if isinstance(who, str) else who
        if contact is None:
            raise KeyError(who)
        return Author("lead" if contact.role == "lead" else "user", contact.id, contact.name, contact.email)

    @locked
    def add_conversation(
        self,
        contacts: Iterable[Contact | str],
        body: str = "<p>Hello</p>",
        *,
        subject: str = "",
        title: str | None = None,
        company: Company | str | None = None,
        created_at: int | None = None,
        updated_at: int | None = None,
        state: str = "open",
        outbound: bool = False,
        author: Author | None = None,
        channel: str = "conversation",
        parts: Iterable[Part] = (),
        attachments: Iterable[Attachment] = (),
        **fields: Any,
    ) -> Conversation:
        """Add a conversation. Its first message is `body`, by the first contact, or by a teammate when `outbound`."""
        contact_ids = [c if isinstance(c, str) else c.id for c in contacts]
        created = self.seconds() if created_at is None else created_at
        listed = list(parts)
        author = author or self.author_of(None if outbound else contact_ids[0])
        last = max([created, *(p.created_at for p in listed)])
        inbound = author.type in ("user", "lead")
        conversation = Conversation(
            id=str(self.count("conversation", 100_001)),
            created_at=created,
            updated_at=last if updated_at is None else updated_at,
            source=Source(
                id=str(self.count("source", 403_918_001)),
                author=author,
                body=body,
                subject=subject,
                type=channel,
                delivered_as="customer_initiated" if inbound else "admin_initiated",
                attachments=list(attachments),
            ),
            contact_ids=contact_ids,
            company_id=company.id if isinstance(company, Company) else company,
            title=title,
            state=state,
            parts=listed,
            waiting_since=created if inbound and state == "open" and not listed else None,
            **fields,
        )
        self.conversations.add(conversation)
        for contact_id in contact_ids:
            self.conversations_of.setdefault(contact_id, set()).add(conversation.id)
        topic = "conversation.user.created" if inbound else "conversation.admin.single.created"
        self.note_change(topic, "conversation", conversation.id)
        return conversation

    def part(
        self, part_type: str, author: Author, body: str | None = None, *, at: int | None = None, **more: Any
    ) -> Part:
        """Return a new part, not yet in any conversation."""
        at = self.seconds() if at is None else at
        return Part(
            id=str(self.count("part", 2_001)),
            part_type=part_type,
            created_at=at,
            updated_at=at,
            notified_at=at,
            author=author,
            body=body,
            **more,
        )

    def bot_author(self) -> Author:
        """Return the workspace's bot, the author of what the API changes."""
        return Author("bot", "991267000", "Fin", f"operator+{self.id_code}@intercom.io")

    @locked
    def append_part(self, conversation_id: str, part: Part) -> Conversation:
        """Append a part returned by `part`, of any type and author."""
        return self._append(conversation_id, part, "conversation.admin.replied")

    def _append(self, conversation_id: str, part: Part, topic: str, touch: bool = True) -> Conversation:
        conversation = self.conversations.edit(conversation_id)
        part.state = conversation.state
        conversation.parts.append(part)
        return self._save(conversation, part.created_at if touch else None, topic)

    def _save(self, conversation: Conversation, at: int | None, topic: str) -> Conversation:
        if at is not None:
            conversation.updated_at = max(at, conversation.updated_at)
        self.conversations.changed(conversation.id)
        self.note_change(topic, "conversation", conversation.id)
        return conversation

    @locked
    def reply(
        self,
        conversation_id: str,
        body: str,
        *,
        by: Contact | str | None = None,
        at: int | None = None,
        attachments: Iterable[Attachment] = (),
    ) -> Conversation:
        """Add a message by a contact or a teammate. A contact's message reopens the conversation (part type `open`)."""
        conversation = self.conversations.edit(conversation_id)
        author = self.author_of(by)
        at = self.seconds() if at is None else at
        kind = "comment"
        if author.type == "admin":
            conversation.waiting_since = None
        else:
            if conversation.state != "open":
                kind = "open"
            conversation.state = "open"
            conversation.snoozed_until = None
            conversation.read = False
            if conversation.waiting_since is None:
                conversation.waiting_since = at
        part = self.part(kind, author, body, at=at, attachments=list(attachments))
        topic = "conversation.admin.replied" if author.type == "admin" else "conversation.user.replied"
        return self._append(conversation_id, part, topic)

    @locked
    def add_note(
        self, conversation_id: str, body: str, *, by: str | None = None, at: int | None = None
    ) -> Conversation:
        """Add an internal note by a teammate."""
        return self._append(
            conversation_id, self.part("note", self.author_of(by), body, at=at), "conversation.admin.noted"
        )

    @locked
    def close(
        self, conversation_id: str, *, by: str | None = None, at: int | None = None, body: str | None = None
    ) -> Conversation:
        self.conversations.edit(conversation_id).waiting_since = None
        return self._set_state(conversation_id, "closed", self.part("close", self.author_of(by), body, at=at))

    @locked
    def reopen(self, conversation_id: str, *, by: Contact | str | None = None, at: int | None = None) -> Conversation:
        return self._set_state(conversation_id, "opened", self.part("open", self.author_of(by), at=at))

    @locked
    def snooze(self, conversation_id: str, until: int, *, by: str | None = None, at: int | None = None) -> Conversation:
        part = self.part("snoozed", self.author_of(by), at=at)
        return self._set_state(conversation_id, "snoozed", part, until)

    def _set_state(self, conversation_id: str, event: str, part: Part, until: int | None = None) -> Conversation:
        conversation = self.conversations.edit(conversation_id)
        conversation.state = "open" if event == "opened" else event
        conversation.snoozed_until = until
        return self._append(conversation_id, part, f"conversation.admin.{event}")

    @locked
    def assign(
        self,
        conversation_id: str,
        *,
        admin_id: str | None = None,
        team_id: str | None = None,
        by: str | None = None,
        at: int | None = None,
        body: str | None = None,
    ) -> Conversation:
        """Assign to an admin, a team or both; `"0"` unassigns. A closed conversation reopens (`assign_and_reopen`)."""
        conversation = self.conversations.edit(conversation_id)
        kind = "assign_and_reopen" if conversation.state == "closed" else "assignment"
        conversation.state = "open" if conversation.state == "closed" else conversation.state
        target = None
        if team_id is not None:
            conversation.team_assignee_id = int(team_id)
            target = ("team", team_id) if team_id != "0" else None
        if admin_id is not None:
            conversation.admin_assignee_id = int(admin_id)
            target = ("admin", admin_id) if admin_id != "0" else None
        part = self.part(kind, self.author_of(by), body, at=at, assigned_to=target)
        return self._append(conversation_id, part, "conversation.admin.assigned")

    @locked
    def rate(
        self, conversation_id: str, rating: int, remark: str | None = None, *, at: int | None = None
    ) -> Conversation:
        """Record the contact's rating of 1 to 5."""
        conversation = self.conversations.edit(conversation_id)
        at = self.seconds() if at is None else at
        admin_id = str(conversation.admin_assignee_id) if conversation.admin_assignee_id else None
        conversation.rating = Rating(rating, at, conversation.contact_ids[0], admin_id, remark)
        part = self.part("conversation_rating_added", self.author_of(conversation.contact_ids[0]), at=at)
        return self._append(conversation_id, part, "conversation.rating.added")

    @locked
    def tag(self, conversation_id: str, tag_name: str, *, at: int | None = None) -> Conversation:
        conversation = self.conversations.edit(conversation_id)
        at = self.seconds() if at is None else at
        tag = self.add_tag(tag_name)
        if all(t.tag_id != tag.id for t in conversation.tags):
            conversation.tags.append(AppliedTag(tag.id, at, self.me.id))
        return self._save(conversation, at, "conversation_part.tag.created")

    @locked
    def add_part(self, conversation_id: str, part_type: str, body: str | None = None, **more: Any) -> Conversation:
        """Add a part of any type, even one that no client knows. `by` is the author, as in `reply`."""
        by = more.pop("by", None)
        part = self.part(part_type, self.author_of(by), body, **more)
        return self._append(conversation_id, part, "conversation.admin.replied")

    @locked
    def redact_part(self, conversation_id: str, part_id: str, *, at: int | None = None) -> Conversation:
        """Replace the body of a part, or of the first message (by the source's id), with a notice of deletion."""
        conversation = self.conversations.edit(conversation_id)
        at = self.seconds() if at is None else at
        if conversation.source.id == part_id:
            conversation.source.body = REDACTED
            conversation.source.redacted = True
            conversation.source.attachments = []
        else:
            part = next((p for p in conversation.parts if p.id == part_id), None)
            if part is None:
                raise KeyError(part_id)
            part.body = REDACTED
            part.redacted = True
            part.attachments = []
            part.updated_at = at
        return self._save(conversation, at, "conversation_part.redacted")

    @locked
    def set_conversation(
        self, conversation_id: str, *, touch: bool = True, at: int | None = None, **fields: Any
    ) -> Conversation:
        """Set fields directly. `touch=False` keeps updated_at, as some of Intercom's own changes do."""
        conversation = self.conversations.edit(conversation_id)
        self.set_fields(conversation, fields)
        at = self.seconds() if at is None else at
        return self._save(conversation, at if touch else None, "conversation.read")

    @locked
    def make_ticket(
        self, conversation_id: str, *, title: str, type_name: str = "Bug Report", at: int | None = None, **fields: Any
    ) -> Ticket:
        """Turn a conversation into one of Intercom's Tickets. Both have the same id."""
        conversation = self.conversations.edit(conversation_id)
        conversation.ticket = Ticket(
            number=str(self.count("ticket", 1)), ticket_type_id=self.ticket_type(type_name), title=title, **fields
        )
        self.tickets.add(conversation_id)
        self._save(conversation, self.seconds() if at is None else at, "ticket.created")
        return conversation.ticket

    @locked
    def set_ticket_state(self, conversation_id: str, state: str) -> Ticket:
        """Set a ticket's state: submitted, in_progress, waiting_on_customer or resolved."""
        conversation = self.conversations.edit(conversation_id)
        ticket = conversation.ticket
        if ticket is None:
            raise KeyError(conversation_id)
        ticket.previous_state, ticket.state = ticket.state, state
        self._save(conversation, self.seconds(), "ticket.state.updated")
        return ticket

    def ticket_type(self, name: str) -> str:
        """Return the id of a ticket type by name. Add it when there is none."""
        type_id = next((i for i, type_name in self.ticket_types.items() if type_name == name), None)
        if type_id is None:
            type_id = str(self.count("ticket_type", 71))
            self.ticket_types[type_id] = name
        return type_id

    @locked
    def delete_conversation(self, conversation_id: str, *, retain_metrics: bool = True) -> None:
        """Delete permanently. /conversations/deleted lists the conversation from now on."""
        conversation = self.conversations.get(conversation_id)
        if conversation is None:
            raise KeyError(conversation_id)
        for contact_id in conversation.contact_ids:
            self.conversations_of.get(contact_id, set()).discard(conversation_id)
        self.conversations.remove(conversation_id)
        self.tickets.discard(conversation_id)
        self.deleted_conversations.append(DeletedConversation(conversation_id, self.seconds(), retain_metrics))
        self.note_change("conversation.deleted", "conversation", conversation_id)

    @locked
    def touch(self, conversation_id: str, at: int | None = None) -> Conversation:
        """Set updated_at (default: now) and change nothing else."""
        conversation = self.conversations.edit(conversation_id)
        conversation.updated_at = self.seconds() if at is None else at
        self.conversations.changed(conversation_id)
        return conversation

    @locked
    def bulk_touch(
        self,
        conversation_ids: Iterable[str],
        at: int | None = None,
        change: Callable[[Conversation], None] | None = None,
    ) -> int:
        """Set the same updated_at for many conversations, like a bulk action in the inbox. Return their number."""
        count = 0
        for conversation_id in conversation_ids:
            conversation = self.touch(conversation_id, at)
            if change is not None:
                change(conversation)
                self.conversations.changed(conversation_id)
            count += 1
        return count

    @locked
    def shuffle(self, count: int, seed: int = 1) -> list[str]:
        """Touch `count` randomly chosen conversations (equal seeds, equal choice) and return their ids."""
        ids = [i for _, i in self.conversations.updated]
        chosen = random.Random(seed).sample(ids, min(count, len(ids)))
        self.bulk_touch(chosen)
        return chosen
