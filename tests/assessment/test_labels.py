"""What the reader learned from: sentences of its own, none of which it is measured with."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from benchmarks import assessment
from benchmarks.assessment.sentences import LISTS, sentences
from benchmarks.assessment.train import labels

from startdeliver.assessment.reader import model, readings, tone

_END = re.compile(r"(?<=[.!?…])\s+|\n+")
# (VERSION, of the weights). Whoever trains again raises VERSION, so that stored tones are read again.
KNOWN = (2, "ff61029888f48021")


def plain(text: str) -> str:
    """Without what does not matter: case, signs, spaces."""
    return " ".join(re.findall(r"\w+", text.lower()))


def measured_with() -> Iterator[str]:
    """Every message, title and sentence of the scenarios of all sets, and of the lists of sentences."""
    for file in Path(assessment.__file__).parent.glob("*.py"):
        scenarios = getattr(import_module(f"benchmarks.assessment.{file.stem}"), "SCENARIOS", [])
        for ticket in [one for scenario in scenarios for one in scenario.get("tickets", [])]:
            said = ticket["said"]
            said = [(0, said)] if isinstance(said, str) else [said] if isinstance(said, tuple) else said
            for text in [ticket.get("title", ""), *(readings.lines(words) for _, words in said)]:
                yield from (text, *_END.split(text), *model.pieces(text))
    for name in LISTS:
        yield from (text for _, text in sentences(name))


def test_no_label_is_a_sentence_that_the_reader_is_measured_with() -> None:
    measured = {plain(text) for text in measured_with()} - {""}
    assert len(measured) > 500
    assert [one["text"] for one in labels() if plain(one["text"]) in measured] == []


def test_labels_are_whole_and_none_comes_twice() -> None:
    found = labels()
    assert {one["intent"] for one in found} == set(tone.INTENTS)
    assert {one["tone"] for one in found} == set(tone.TONES)
    assert {one["topic"] for one in found} <= {"", *tone.TOPICS}
    assert [text for text, count in Counter(one["text"] for one in found).items() if count > 1] == []


def test_new_weights_come_with_a_new_version() -> None:
    assert (tone.VERSION, hashlib.sha256(model.WEIGHTS.read_bytes()).hexdigest()[:16]) == KNOWN


def test_the_weights_know_every_label() -> None:
    assert len(model._weights()["known"]) == len(labels())
