"""What the reader says of a message."""

from __future__ import annotations

from dataclasses import dataclass

TONES = ("negative", "neutral", "positive")
TOPICS = (
    "billing", "login", "bug", "performance", "data", "integration", "howto", "feature", "account", "onboarding",
    "cancel", "other",
)  # fmt: skip
# What a message is up to, apart from its tone. hint: it may lead to leaving (the notice period, all data out, a budget
# that is looked through). staying: stays, renews or grows. handover: a person who matters there goes. automatic: nobody
# wrote it (out of office, delivery failures, advertising). quiet: they announce that they will be away for a while.
INTENTS = (
    "none", "hint", "leaving", "blocked", "legal", "escalation", "handover", "staying", "automatic", "quiet",
)  # fmt: skip
# Raised whenever the reader learns something: tones that an older one stored are then read again (`stage.read_again`).
VERSION = 2


@dataclass(frozen=True, slots=True)
class Tone:
    """`score` from -1 (negative) to 1 (positive), `churn` from 0 to 1: how sure it is that the writer thinks of
    leaving. `intent`: one of INTENTS or empty. `known`: the language is one that the reader reads; if not, the other
    values are worth nothing.
    """

    score: float
    churn: float
    topic: str
    known: bool
    source: str = "encoder"
    intent: str = ""
    # The words of the message that show it best.
    words: str = ""

    @property
    def label(self) -> str:
        """negative, neutral or positive."""
        return "negative" if self.score <= -0.35 else "positive" if self.score >= 0.35 else "neutral"
