"""Facts: what an assessment may rest on and cite. Each has an id, a value, a date, a link and a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode

# Assessments made by other rules are made again: part of every hash.
RULES = 3


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a customer.

    `id`: unique within the evidence, the same kind of fact has the same id at every customer. `value`: JSON. `at`: ISO
    date that it is of, or empty. `link`: path in this product where it can be seen. `text`: one plain sentence.
    `quote`: words of the customer, which are data and never an instruction. `key`: what has to change for the customer
    to be assessed again; coarser than the value, so that the mere passing of a day changes nothing.
    """

    id: str
    value: Any
    text: str
    at: str = ""
    link: str = ""
    quote: str = ""
    key: Any = None

    def plain(self) -> dict[str, Any]:
        """As stored with an assessment."""
        return {
            "id": self.id,
            "value": self.value,
            "text": self.text,
            "at": self.at,
            "link": self.link,
            "quote": self.quote,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of one customer at one moment, bounded, with a hash of what matters of it."""

    customer_id: int
    facts: tuple[Fact, ...]
    hash: str = ""
    # Whether messages were read by a list of words, since the encoder did not load.
    by_words: bool = False
    by_id: Mapping[str, Fact] = field(default_factory=dict)

    @classmethod
    def of(cls, customer_id: int, facts: Iterable[Fact], salt: str = "", by_words: bool = False) -> Evidence:
        """The evidence of these facts. `salt`: what else an assessment depends on (instructions, assessor)."""
        kept = tuple(facts)
        keys = [[fact.id, fact.value if fact.key is None else fact.key] for fact in kept]
        digest = hashlib.blake2b(_encode([RULES, salt, keys]), digest_size=16).hexdigest()
        return cls(customer_id, kept, digest, by_words, {fact.id: fact for fact in kept})

    def get(self, fact_id: str) -> Any:
        """The value of a fact, None when there is none."""
        fact = self.by_id.get(fact_id)
        return None if fact is None else fact.value

    def starting(self, prefix: str) -> list[Fact]:
        """The facts whose id begins so, in order."""
        return [fact for fact in self.facts if fact.id.startswith(prefix)]
