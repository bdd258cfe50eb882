"""What customers of the demo workspace write about, and how the team answers.

Texts are plain text with slots: {me} is the customer's first name, {agent} the agent's, {company}, {colleague},
{n} a small number, {big} a large one, {day} a weekday, {feature} and {file}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """A thread: the subject, opening messages to choose from, then the turns.

    `tone` is calm, happy, annoyed or angry. A turn has one key, `customer`, `agent` or `note`, with its text.
    A rating has the keys `rating` (1 to 5) and `remark`. `attachment` is a key of `MESSAGES["attachments"]`.
    """

    subject: str
    tag: str
    tone: str
    openings: list[str]
    turns: list[dict[str, str]]
    ratings: list[dict[str, Any]]
    attachment: str | None = None


def read(name: str) -> str:
    """Return the text of a file in `data/`."""
    return resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")


SCENARIOS = [Scenario(**values) for values in json.loads(read("scenarios.json"))]
MESSAGES: dict[str, Any] = json.loads(read("messages.json"))
