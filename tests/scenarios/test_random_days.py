"""Days at random: whatever happens in the inbox and here, after a sync both sides agree."""

from __future__ import annotations

import random

import pytest

from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.support.threads import thread_entries

from .story import Story


class Day:
    """A seeded choice of things that happen, and what must be true afterwards."""

    def __init__(self, story: Story, seed: int) -> None:
        self.story = story
        self.random = random.Random(seed)
        self.workspace = story.workspace
        self.contacts = [self.workspace.add_contact(f"C{n}", f"c{n}@x.example").id for n in range(6)]
        self.customers = [story.customer(f"Customer {n}") for n in range(2)]
        self.known: set[str] = set()
        self.open: list[str] = []
        self.now = int(self.workspace.now()) - 20 * 86_400

    def at(self) -> int:
        self.now += self.random.randint(0, 3)
        return self.now

    def happen(self) -> None:
        choices = [self.ask, self.ask, self.meet]
        if self.open:
            choices += [
                self.answer,
                self.answer,
                self.close,
                self.reopen,
                self.snooze,
                self.delete,
                self.tag,
                self.rate,
            ]
        self.random.choice(choices)()

    def some(self) -> str:
        return self.random.choice(self.open)

    def author(self, conversation: str) -> str:
        return self.workspace.conversation(conversation).contact_ids[0]

    def ask(self) -> None:
        who = self.random.sample(self.contacts, self.random.choice([1, 1, 1, 2]))
        outbound = self.random.random() < 0.2
        made = self.workspace.add_conversation(who, "<p>Question</p>", created_at=self.at(), outbound=outbound)
        self.open.append(made.id)

    def answer(self) -> None:
        one = self.some()
        by = self.random.choice([self.workspace.me.id, self.author(one)])
        text = f"<p>Answer {self.random.randint(1, 99)}</p>"
        self.workspace.reply(one, text, by=by, at=self.at())

    def close(self) -> None:
        self.workspace.close(self.some(), at=self.at())

    def reopen(self) -> None:
        self.workspace.reopen(self.some(), at=self.at())

    def snooze(self) -> None:
        self.workspace.snooze(self.some(), self.now + 86_400, at=self.at())

    def tag(self) -> None:
        self.workspace.tag(self.some(), self.random.choice(["a", "b"]), at=self.at())

    def rate(self) -> None:
        self.workspace.rate(self.some(), self.random.randint(1, 5), at=self.at())

    def delete(self) -> None:
        one = self.some()
        self.open.remove(one)
        self.workspace.delete_conversation(one)

    def meet(self) -> None:
        contact = self.workspace.contact(self.random.choice(self.contacts))
        if contact.id not in self.known:
            self.known.add(contact.id)
            self.story.user(str(contact.email), self.random.choice(self.customers))

    def check(self) -> None:
        expected = {}
        for one in self.open:
            conversation = self.workspace.conversation(one)
            texts = [p.author.type in ("user", "lead") for p in conversation.parts if p.body]
            silent = conversation.source.author.type == "admin" and not any(texts)
            if self.known & set(conversation.contact_ids) and not silent:
                expected[one] = conversation
        assert self.story.tickets() == set(expected)
        for ticket in Ticket.objects.all():
            conversation = expected[ticket.external_id]
            assert ticket.status == ("resolved" if conversation.state == "closed" else "open")
            assert ticket.snoozed == (conversation.state == "snoozed")
            assert int(ticket.updated_at.timestamp()) == conversation.updated_at
            bodies = [conversation.source.body, *(part.body for part in conversation.parts if part.body)]
            assert [entry.html for entry in thread_entries(ticket) if entry.html] == bodies
            assert ticket.stored_part_count == ticket.part_count == len(conversation.parts)
            assert (ticket.rating is not None) == (conversation.rating is not None)
            assert len(ticket.tags) == len(conversation.tags)
            matched = set(ticket.users.values_list("email", flat=True))
            names = {str(self.workspace.contact(c).email) for c in self.known & set(conversation.contact_ids)}
            assert matched == names
        for customer in self.customers:
            health = SupportHealth.objects.filter(customer=customer).first()
            tickets = Ticket.objects.filter(customer=customer)
            assert (health.ticket_count if health else 0) == tickets.count()
            assert (health.open_count if health else 0) == tickets.filter(status="open").count()


@pytest.mark.parametrize("seed", range(8))
def test_both_sides_agree_after_every_sync(story: Story, seed: int) -> None:
    day = Day(story, seed)
    for _ in range(6):
        for _ in range(day.random.randint(1, 12)):
            day.happen()
        story.sync()
        day.check()
    run = story.sync()
    assert (run.imported, run.updated, run.deleted, run.messages) == (0, 0, 0, 0)
