"""What an assessor came to, whichever it was."""

from __future__ import annotations

from dataclasses import dataclass

from startdeliver.assessment.builtin import Verdict
from startdeliver.assessment.models import Assessor


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
