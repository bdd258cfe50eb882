"""How well single sentences are heard, by language: python -m benchmarks.assessment.sentences [--verbose] [--two]

No sentence of `sentences.txt` is among the labels that the reader learned from; paraphrases of some were added to the
labels after a look at what it missed. `sentences_two.txt` (`--two`) was written before the labels that followed it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from startdeliver.assessment.reader import model

LISTS = ("sentences.txt", "sentences_two.txt")
# As in `assessment.reader.readings`, which needs a database.
_LEAVING = 0.5
_MARKS = {"negative": "-", "neutral": "0", "positive": "+"}


def sentences(name: str) -> list[tuple[list[str], str]]:
    """The sentences of a list: intent, tone and language, and the text."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    given = [line.split(" | ", 1) for line in lines if " | " in line and not line.startswith("#")]
    return [(head.split(), text) for head, text in given]


def main() -> None:
    given = sentences(LISTS["--two" in sys.argv])
    counts: Counter[tuple[str, str]] = Counter()
    for ((intent, mood, language), text), heard in zip(given, model.tones([text for _, text in given]), strict=True):
        leaves = intent in ("leaving", "hint")
        right = (heard.churn >= _LEAVING) == leaves
        kind = leaves == (heard.intent in ("leaving", "hint")) if leaves else (heard.intent or "none") == intent
        felt = mood == _MARKS[heard.label] or mood == "?"
        for of in (language, "all languages"):
            counts[of, "all"] += 1
            counts[of, "read"] += heard.known
            counts[of, "leaving"] += right
            counts[of, "intent"] += kind
            counts[of, "tone"] += felt
        if "--verbose" in sys.argv and not (right and kind and felt):
            sys.stdout.write(
                f"{language} {intent:10} {mood} heard {heard.intent or 'none':10} {heard.score:+.2f} {heard.churn:.2f} "
                f"{text}\n"
            )
    for of in dict.fromkeys([*(head[2] for head, _ in given), "all languages"]):
        one = {name: counts[of, name] for name in ("all", "read", "leaving", "intent", "tone")}
        sys.stdout.write(
            f"{of}: {one['all']} sentences, {one['read']} read, leaving or not right in {one['leaving']}, "
            f"intent in {one['intent']}, tone in {one['tone']}\n"
        )


if __name__ == "__main__":
    main()
