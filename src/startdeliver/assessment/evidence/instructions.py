"""What the built-in assessor understands of the organization's AI instructions: a few forms of sentences, no more.

Each sentence becomes a rule, or stays unread and is shown as such. The rules travel as facts ("instruction.1"), so that
the full analysis can say which of them decided something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.statuses import Status

MOST = 20
LINK = "/settings/ai"
# Shown beside the instructions, one for each form.
FORMS = (
    "A renewal within 60 days matters.",
    "Ignore tickets tagged “billing”.",
    "Ignore tickets whose subject contains “newsletter”.",
    "Ignore ratings. (Or: moods, logins, silence, usage.)",
    "Silence in July and August is normal for Education.",
    "Silence of up to 60 days is normal.",
    "Treat customers whose Phase is Onboarding as Neutral.",
    "Customers whose Phase is Onboarding are never worse than Needs Attention.",
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_STATUS = "|".join(re.escape(label) for label in Status.labels)
_FINE = r"(?:normal|fine|expected|ok(?:ay)?|usual|no (?:problem|concern|reason to worry)|not a problem)"
_QUIET = r"(?:silence|quiet|inactivity|low usage|little usage|falling usage|less usage|no usage|no logins)"
_CUSTOMERS = (
    r"(?:all )?(?:customers?|accounts?) (?:whose|where|with|in which|that have)(?: the)?(?: field)? "
    r"(?P<field>[^“”\"]{1,60}?) (?:is|are|=|equals|set to|of) [“\"]?(?P<value>[^“”\"]{1,80}?)[”\"]?"
)
_RENEWAL = re.compile(
    r"(?:a |any |every |the )?renewals? (?:that (?:is|are) )?(?:with)?in (?:the next )?(?P<days>\d{1,3}) days "
    r"(?:matters?|counts?|is near|are near|is important|are important|is urgent|are urgent)(?: most)?",
    re.IGNORECASE,
)
_TAGGED = re.compile(
    r"ignore (?:all )?tickets (?:that are )?(?:tagged|with (?:the )?tag) [“\"]?(?P<tag>[^“”\"]+?)[”\"]?", re.I
)
_SUBJECT = re.compile(
    r"ignore (?:all )?tickets (?:whose (?:subject|title) (?:contains|is|has)|"
    r"(?:with|of) (?:the )?(?:subject|title)|titled) "
    r"[“\"]?(?P<words>[^“”\"]+?)[”\"]?",
    re.IGNORECASE,
)
_AREAS = re.compile(
    r"(?:ignore|do not (?:consider|use|count)|don't (?:consider|use|count)) (?:the )?"
    r"(?P<area>ratings?|moods?|tones?|logins?|silence|usage)(?: of (?:messages|customers))?",
    re.IGNORECASE,
)
_SEASON = re.compile(
    rf"{_QUIET} (?:in|during|from|between) (?P<first>{_MONTH})"
    rf"(?: (?:and|to|until|till|through|-|–) (?P<last>{_MONTH}))? "
    rf"(?:is|are) {_FINE}(?: (?:for|with|at|in) (?:our |all |customers (?:in|of) )?[“\"]?(?P<group>[^“”\"]+?)[”\"]?"
    r"(?: customers)?)?",
    re.IGNORECASE,
)
_SILENCE = re.compile(
    rf"{_QUIET} (?:of|for|up to)(?: up to)? (?P<number>\d{{1,3}}) (?P<unit>days?|weeks?|months?) (?:is|are) {_FINE}",
    re.I,
)
_TREAT = re.compile(
    rf"(?:treat|consider|rate|mark|see|judge) {_CUSTOMERS} (?:as|to be) [“\"]?(?P<status>{_STATUS})[”\"]?",
    re.IGNORECASE,
)
_BOUND = re.compile(
    rf"{_CUSTOMERS} (?:are|is|should be|must be) (?P<bound>never worse than|never better than|at least|at most|never) "
    rf"[“\"]?(?P<status>{_STATUS})[”\"]?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence that is understood: `kind` and its values."""

    kind: str
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The instructions as the built-in assessor reads them: rules, and the sentences that it does not understand."""

    rules: tuple[Rule, ...] = ()
    unread: tuple[str, ...] = ()

    def ignored(self) -> list[tuple[str, str]]:
        """("tag" or "subject", words) of the tickets that are left out."""
        return [(rule.kind, str(rule.values["words"])) for rule in self.rules if rule.kind in ("tag", "subject")]


def read(text: str) -> Reading:
    """What is understood of `text`; at most MOST sentences are looked at."""
    rules: list[Rule] = []
    unread: list[str] = []
    sentences = [part.strip(" -*•\t") for part in re.split(r"(?<=[.!;])[”\"]?\s+|\n+", text)]
    for sentence in [part for part in sentences if part][:MOST]:
        rule = _rule(sentence)
        if rule is None:
            unread.append(sentence)
        else:
            rules.append(rule)
    return Reading(tuple(rules), tuple(unread))


def _rule(sentence: str) -> Rule | None:
    plain = " ".join(sentence.rstrip(" .!;").removeprefix("Please ").removeprefix("please ").split())
    if match := _RENEWAL.fullmatch(plain):
        return Rule("renewal", sentence, {"days": min(int(match["days"]), 365)})
    if match := _TAGGED.fullmatch(plain):
        return Rule("tag", sentence, {"words": match["tag"].strip()})
    if match := _SUBJECT.fullmatch(plain):
        return Rule("subject", sentence, {"words": match["words"].strip()})
    if match := _AREAS.fullmatch(plain):
        return Rule("drop", sentence, {"area": match["area"].lower().rstrip("s")})
    if match := _SEASON.fullmatch(plain):
        first = _MONTHS.index(match["first"].lower())
        last = _MONTHS.index((match["last"] or match["first"]).lower())
        months = [(first + step) % 12 + 1 for step in range((last - first) % 12 + 1)]
        return Rule("season", sentence, {"months": months, "group": (match["group"] or "").strip()})
    if match := _SILENCE.fullmatch(plain):
        unit = {"d": 1, "w": 7, "m": 30}[match["unit"][0].lower()]
        return Rule("silence", sentence, {"days": int(match["number"]) * unit})
    if match := _TREAT.fullmatch(plain):
        return Rule("treat", sentence, {**_who(match), "status": _status(match["status"])})
    if match := _BOUND.fullmatch(plain):
        bound, status = match["bound"].lower(), _status(match["status"])
        if bound == "never":
            return None if status not in (Status.RISK, Status.THRIVING) else Rule(
                "floor" if status == Status.RISK else "ceiling", sentence,
                {**_who(match), "status": Status.ATTENTION if status == Status.RISK else Status.ENGAGED},
            )  # fmt: skip
        kind = "floor" if bound in ("never worse than", "at least") else "ceiling"
        return Rule(kind, sentence, {**_who(match), "status": status})
    return None


def _who(match: re.Match[str]) -> dict[str, str]:
    return {"field": match["field"].strip(), "value": match["value"].strip()}


def _status(label: str) -> str:
    return next(status.value for status in Status if status.label.lower() == label.lower())


def facts(reading: Reading) -> list[Fact]:
    """The instructions as facts: part of every evidence, and so of its hash."""
    facts = [
        Fact(f"instruction.{number}", {"kind": rule.kind, **rule.values}, f"Your instruction: “{rule.sentence[:200]}”",
             link=LINK, quote=rule.sentence[:200])
        for number, rule in enumerate(reading.rules, start=1)
    ]  # fmt: skip
    if reading.unread:
        said = "; ".join(f"“{sentence[:160]}”" for sentence in reading.unread)
        words = f"The built-in assessor does not understand, and left aside: {said}"
        facts.append(Fact("instruction.unread", len(reading.unread), words, link=LINK))
    return facts
