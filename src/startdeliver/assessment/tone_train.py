"""Makes `tone_weights.npz` from `tone_labels.jsonl`: python -m startdeliver.assessment.tone_train [--check]

Deterministic: full-batch gradient descent from zero, no chance anywhere. `--check` prints the accuracy on texts left
out (five parts in turn) instead of writing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from startdeliver.assessment import tone

LABELS = Path(__file__).with_name("tone_labels.jsonl")
_STEPS, _RATE = 400, 4.0
_DECAY = 0.0003


def labels() -> list[dict[str, Any]]:
    """The labelled texts: {"text", "tone", "intent", "topic" (may be empty), "language"}."""
    return [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines() if line.strip()]


def fit(rows: Any, targets: Any, decay: float) -> tuple[Any, Any]:
    """Weights and bias of a softmax regression; `targets` is one-hot. Classes count alike, however many rows."""
    share = targets / targets.sum(axis=0, keepdims=True).clip(1) * len(targets) / targets.shape[1]
    balance = share.sum(axis=1, keepdims=True) ** 0.5
    weights, bias = np.zeros((rows.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for _ in range(_STEPS):
        error = (tone.softmax(rows @ weights + bias) - targets) * balance / len(rows)
        weights -= _RATE * (rows.T @ error + decay * weights)
        bias -= _RATE * error.sum(axis=0)
    return weights, bias


def train(rows: Any, found: list[dict[str, Any]]) -> dict[str, Any]:
    """All three heads. Rows without a topic teach only tone and intent."""
    weights: dict[str, Any] = {}
    for head, names in (("tone", tone.TONES), ("intent", tone.INTENTS), ("topic", tone.TOPICS)):
        used = np.array([bool(one[head]) for one in found])
        targets = np.array([[one[head] == name for name in names] for one in found if one[head]], float)
        weights[f"{head}_w"], weights[f"{head}_b"] = fit(rows[used], targets, _DECAY)
    return weights


def _check(rows: Any, found: list[dict[str, Any]]) -> None:
    right, of = dict.fromkeys(("tone", "intent", "topic"), 0), dict.fromkeys(("tone", "intent", "topic"), 0)
    worst = []
    for part in range(5):
        out = np.arange(len(found)) % 5 == part
        weights = train(rows[~out], [x for x, left in zip(found, out, strict=True) if not left])
        for number in np.flatnonzero(out):
            row, wanted = rows[number], found[number]
            for head, names in (("tone", tone.TONES), ("intent", tone.INTENTS), ("topic", tone.TOPICS)):
                if not wanted[head]:
                    continue
                said = names[int((row @ weights[f"{head}_w"] + weights[f"{head}_b"]).argmax())]
                right[head] += said == wanted[head]
                of[head] += 1
                if head == "intent" and said != wanted[head]:
                    worst.append(f"{said:10} {wanted[head]:10} {wanted['text']}")
    sys.stdout.write("\n".join(worst) + "\n")
    sys.stdout.write(", ".join(f"{name} {count / of[name]:.1%}" for name, count in right.items()) + "\n")


def main() -> None:
    """Trains and writes, or checks."""
    if tone._encoder() is None:
        raise SystemExit("the encoder does not load, so there is nothing to train on")
    found = labels()
    rows = tone.features([one["text"] for one in found]).astype(np.float64)
    if "--check" in sys.argv:
        _check(rows, found)
    else:
        np.savez(tone.WEIGHTS, **{name: value.astype(np.float32) for name, value in train(rows, found).items()})


if __name__ == "__main__":
    main()
