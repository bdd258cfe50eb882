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


def labels() -> list[dict[str, Any]]:
    """The labelled texts: {"text", "tone", "churn", "topic", "language"}."""
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
    """All three heads."""
    tone_w, tone_b = fit(rows, np.array([[x["tone"] == name for name in tone.TONES] for x in found], float), 0.0006)
    topic_w, topic_b = fit(rows, np.array([[x["topic"] == name for name in tone.TOPICS] for x in found], float), 0.0006)
    two_w, two_b = fit(rows, np.array([[not x["churn"], x["churn"]] for x in found], float), 0.0006)
    return {
        "tone_w": tone_w,
        "tone_b": tone_b,
        "topic_w": topic_w,
        "topic_b": topic_b,
        "churn_w": two_w[:, 1:] - two_w[:, :1],
        "churn_b": two_b[1:] - two_b[:1],
    }


def _check(rows: Any, found: list[dict[str, Any]]) -> None:
    right = dict.fromkeys(("tone", "churn", "topic"), 0)
    worst = []
    for part in range(5):
        out = np.arange(len(found)) % 5 == part
        weights = train(rows[~out], [x for x, left in zip(found, out, strict=True) if not left])
        for number in np.flatnonzero(out):
            row, wanted = rows[number : number + 1], found[number]
            p = tone.softmax(row @ weights["tone_w"] + weights["tone_b"])[0]
            label = tone.Tone(float(p[2] - p[0]), 0, "", True).label
            leaving = (row @ weights["churn_w"] + weights["churn_b"])[0, 0] > 0
            topic = tone.TOPICS[int((row @ weights["topic_w"] + weights["topic_b"]).argmax())]
            right["tone"] += label == wanted["tone"]
            right["churn"] += bool(leaving) == wanted["churn"]
            right["topic"] += topic == wanted["topic"]
            if label != wanted["tone"]:
                worst.append(f"{p[2] - p[0]:5.2f} {wanted['tone']:8} {wanted['text']}")
    sys.stdout.write("\n".join(worst) + "\n")
    sys.stdout.write(", ".join(f"{name} {count / len(found):.1%}" for name, count in right.items()) + "\n")


def main() -> None:
    """Trains and writes, or checks."""
    encoder = tone._encoder()
    if encoder is None:
        raise SystemExit("the encoder does not load, so there is nothing to train on")
    found = labels()
    rows = encoder.encode([tone.shorten(x["text"]) for x in found]).astype(np.float64)
    if "--check" in sys.argv:
        _check(rows, found)
    else:
        np.savez(tone.WEIGHTS, **{name: value.astype(np.float32) for name, value in train(rows, found).items()})


if __name__ == "__main__":
    main()
