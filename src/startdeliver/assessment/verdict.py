"""What an assessor says of a customer, whichever assessor it is."""

from __future__ import annotations

from dataclasses import dataclass

from startdeliver.assessment.models import Assessor


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence and the ids of the facts that it rests on."""

    text: str
    facts: tuple[str, ...]

    def plain(self) -> dict[str, object]:
        return {"text": self.text, "facts": list(self.facts)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an assessor says of a customer. `analysis`: every signal, {"area", "weight", "text", "facts"}."""

    status: str
    summary: tuple[Statement, ...]
    action: tuple[Statement, ...]
    analysis: tuple[dict[str, object], ...]
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an assessor came to. `verdict` None: nothing new, the last assessment stays and `note` says why.

    `final` False: to be tried again although the evidence stays the same.
    """

    verdict: Verdict | None
    assessor: str = Assessor.BUILT_IN
    model_name: str = ""
    note: str = ""
    final: bool = True
