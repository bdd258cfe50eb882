"""Generated conversations, made on demand from their number, so that 200,000 of them need hardly any memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from startdeliver.simulator.model.records import Author, Conversation, Part, Source

_WORDS = (
    "export invoice dashboard login report filter import seat renewal webhook error timeout permission role contract "
    "upload sync token field column update question billing release browser mobile report again please customer team"
).split()
_TEXT = " ".join(_WORDS[(n * 7 + n // 31) % len(_WORDS)] for n in range(4000))
SUBJECTS = ("Export fails", "Question about seats", "Login loop", "Invoice copy", "Slow report", "Webhook retries")
PART_IDS = 1_000_000_000
SOURCE_IDS = 3_000_000_000


class Person(NamedTuple):
    contact_id: str
    name: str
    email: str
    company_id: str | None


class GeneratedConversations:
    """A range of conversations with deterministic content.

    Number n is created at `start + n * span / count` and updated by its newest part, at most a day later. Of ten, seven
    are closed, two open and one snoozed. `people` write in turn.
    """

    def __init__(
        self,
        first: int,
        count: int,
        *,
        people: Sequence[Person],
        agent: Author,
        start: int,
        span: int,
        parts: int = 5,
        body_bytes: int = 300,
    ) -> None:
        self.first = first
        self.count = count
        self._people = people
        self._agent = agent
        self._start = start
        self._span = span
        self.parts = parts
        self._body_bytes = body_bytes
        self._step = max(1, min(3600, 86_400 // max(1, parts)))

    def created(self, number: int) -> int:
        return self._start + number * self._span // self.count

    def _updated(self, number: int) -> int:
        return self.created(number) + self.parts * self._step

    def person(self, number: int) -> Person:
        return self._people[number % len(self._people)]

    def sample(self, person: Person, first: int, start: int) -> GeneratedConversations:
        """Return ten conversations like these, all of one person and created at `start`."""
        return GeneratedConversations(
            first,
            10,
            people=[person],
            agent=self._agent,
            start=start,
            span=0,
            parts=self.parts,
            body_bytes=self._body_bytes,
        )

    def times(self) -> Iterator[tuple[str, int, int]]:
        for number in range(self.count):
            yield str(self.first + number), self.created(number), self._updated(number)

    def value(self, record_id: str, field: str) -> Any:
        number = int(record_id) - self.first
        match field:
            case "id":
                return record_id
            case "created_at":
                return self.created(number)
            case "updated_at":
                return self._updated(number)
            case "state":
                return self.state(number)
            case "open":
                return self.state(number) != "closed"
            case "contact_ids":
                return [self.person(number).contact_id]
        raise KeyError(field)

    def state(self, number: int) -> str:
        return "closed" if number % 10 < 7 else "open" if number % 10 < 9 else "snoozed"

    def body(self, number: int, position: int) -> str:
        offset = (number * 37 + position * 101) % (len(_TEXT) // 2)
        length = max(1, self._body_bytes - 7)
        if length < len(_TEXT) // 2:
            return f"<p>{_TEXT[offset : offset + length]}</p>"
        return f"<p>{(_TEXT * (length // len(_TEXT) + 2))[:length]}</p>"

    def make(self, record_id: str) -> Conversation:
        number = int(record_id) - self.first
        contact_id, name, email, company_id = self.person(number)
        contact = Author("user", contact_id, name, email)
        created = self.created(number)
        state = self.state(number)
        parts = []
        for position in range(self.parts):
            at = created + (position + 1) * self._step
            last = position == self.parts - 1
            closing = last and state == "closed"
            snoozing = last and state == "snoozed"
            parts.append(
                Part(
                    id=str(PART_IDS + number * 1000 + position),
                    part_type="close" if closing else "snoozed" if snoozing else "comment",
                    created_at=at,
                    updated_at=at,
                    notified_at=at,
                    author=self._agent if position % 2 == 0 or last else contact,
                    body=None if snoozing else self.body(number, position + 1),
                    state=state if last else "open",
                )
            )
        return Conversation(
            id=record_id,
            created_at=created,
            updated_at=self._updated(number),
            source=Source(
                id=str(SOURCE_IDS + number),
                author=contact,
                body=self.body(number, 0),
                subject=SUBJECTS[number % len(SUBJECTS)],
            ),
            contact_ids=[contact_id],
            company_id=company_id,
            title=None,
            state=state,
            read=True,
            snoozed_until=created + 30 * 86_400 if state == "snoozed" else None,
            waiting_since=created if state == "open" and not self.parts else None,
            admin_assignee_id=int(self._agent.id),
            parts=parts,
        )
