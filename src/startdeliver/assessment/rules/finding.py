"""A finding: what facts mean, and how much."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class Weight(IntEnum):
    """How much a finding means by itself. Below NOTE: against the customer's staying; above: for it."""

    CRITICAL = -3
    SERIOUS = -2
    CONCERN = -1
    NOTE = 0
    GOOD = 1
    STRONG = 2


# The words of a customer behind a clause: (Nadia Haddad: “It fails”).
QUOTED = re.compile(r" \((?:[^“(]*: )?“(.*)”\)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the facts mean. `clause` starts in lower case and has no full stop; `step` is a sentence."""

    code: str
    area: str
    weight: Weight
    clause: str
    facts: tuple[str, ...]
    step: str = ""
    step_facts: tuple[str, ...] = ()
