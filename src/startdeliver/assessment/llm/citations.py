"""Whether what an assessor says is covered by the facts that it cites: ids, numbers, names, quotations, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.wording import words

_NUMBER = re.compile(r"\d(?:[\d,.\u202f\u00a0]*\d)?")
_QUOTED = re.compile(r"[“\"]([^”\"]{2,})[”\"]")
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+")
_TOKEN = re.compile(r"[^\W\d_][\w'’-]*")
_SENTENCE = re.compile(r"(?:^|[.!?:;]\s+|[“\"(]\s*)$")
_NUMBER_WORDS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20", "thirty": "30", "fifty": "50", "hundred": "100",
}  # fmt: skip
_ALWAYS = words(
    "January February March April May June July August September October November December",
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "Good Fair Poor ARR CSM I AI Intercom Startdeliver Administrator SLA API CSV UTC A The Support Usage Health",
    "EUR USD GBP SEK NOK DKK CHF Q1 Q2 Q3 Q4",
) | {word for status in Status for word in status.label.split()}


def problems(text: str, cited: Iterable[str], facts: Mapping[str, Fact]) -> list[str]:
    """What in `text` is not covered by the facts cited, each as a sentence; empty when all is."""
    ids = list(cited)
    reasons = [f"The fact “{fact_id}” does not exist." for fact_id in ids if fact_id not in facts]
    known = [facts[fact_id] for fact_id in ids if fact_id in facts]
    source = " ".join(
        f"{fact.text} {fact.at} {fact.quote} {msgspec.json.encode(fact.value).decode()}" for fact in known
    )
    folded = source.casefold()
    for quoted in _QUOTED.findall(text):
        if quoted.strip(" .,…").casefold() not in folded:
            reasons.append(f"“{quoted}” is not in the facts cited.")
    for address in _ADDRESS.findall(text):
        if address.strip(".,;").casefold() not in folded:
            reasons.append(f"{address} is not in the facts cited.")
    numbers = {_number(number) for number in _NUMBER.findall(source)}
    known_words = set(_TOKEN.findall(folded))
    for number in _NUMBER.findall(_QUOTED.sub(" ", text)):
        if _number(number) not in numbers:
            reasons.append(f"The number {number} is not in the facts cited.")
    for word in _TOKEN.findall(text.casefold()):
        if word in _NUMBER_WORDS and word not in known_words and _NUMBER_WORDS[word] not in numbers:
            reasons.append(f"The number {word} is not in the facts cited.")
    for match in _TOKEN.finditer(_QUOTED.sub(" ", text)):
        reasons += _name_problem(text=_QUOTED.sub(" ", text), match=match, words=known_words)
    return reasons


def _name_problem(text: str, match: re.Match[str], words: set[str]) -> list[str]:
    word = match.group()
    plain = word.removesuffix("'s").removesuffix("’s")
    if not word[0].isupper() or plain in _ALWAYS or plain.casefold() in words or word.casefold() in words:
        return []
    begins = not text[: match.start()].strip() or _SENTENCE.search(text[: match.start()]) is not None
    follows = re.match(r"\s+[A-ZÀ-Þ][\w'’-]+", text[match.end() :])
    if begins and not follows:
        return []
    return [] if begins else [f"The name {word} is not in the facts cited."]


def _number(text: str) -> str:
    """A number without separators of thousands and without zeros that mean nothing."""
    plain = re.sub(r"[\u202f\u00a0]", "", text)
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", plain).replace(",", ".")
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        value = float(plain)
        return str(int(value)) if value == int(value) else str(value)
    return plain
