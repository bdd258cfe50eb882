"""Trains the reader of messages from `labels.jsonl`: python -m benchmarks.assessment.train [--check]

Writes `weights.npz` of the package `assessment.reader`. Deterministic: the seed is fixed. Raise `tone.VERSION` with
the weights. `--check` prints the accuracy
on texts left out (five parts in turn; a sentence is never left out without those that say nearly the same) instead of
writing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from startdeliver.assessment.reader import model
from startdeliver.assessment.reader.cues import NAMES
from startdeliver.assessment.reader.tone import INTENTS, TONES, TOPICS

LABELS = Path(__file__).with_name("labels.jsonl")
# The network: width, how much of the input and of the hidden layer is left out at random, steps of learning.
_WIDTH, _OUT_IN, _OUT_HIDDEN, _EPOCHS, _BATCH, _RATE = 128, 0.1, 0.4, 30, 64, 0.002
# Labels are not beyond doubt: this much of each belongs to the other classes.
_DOUBT = 0.05
_DIMENSIONS = 128
# The topic is a softmax regression.
_TOPIC_STEPS, _TOPIC_RATE, _TOPIC_DECAY = 400, 4.0, 0.0003
# Sentences at least so alike are of one family.
_FAMILY = 0.7


def labels() -> list[dict[str, Any]]:
    """The labelled texts: {"text", "tone", "intent", "topic" (may be empty), "language"}."""
    return [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines() if line.strip()]


def train(rows: Any, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything in the file: the network, the sentences that others are compared with, the head for topics."""
    intents = np.array([INTENTS.index(one["intent"]) for one in found])
    tones = np.array([TONES.index(one["tone"]) for one in found])
    weights = _network(rows, [(intents, len(INTENTS)), (tones, len(TONES))])
    embedded = rows[:, : rows.shape[1] - len(NAMES)]
    weights["middle"] = embedded.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((embedded - weights["middle"]).T))
    weights["axes"] = axes[:, -_DIMENSIONS:]
    weights = {name: value.astype(np.float16) for name, value in weights.items()}
    exact = {name: value.astype(np.float32) for name, value in weights.items()}
    weights["known"] = np.round(model.short(exact, rows) / model.STEP).clip(-127, 127).astype(np.int8)
    weights["label_intent"], weights["label_tone"] = intents.astype(np.uint8), tones.astype(np.uint8)
    # Rows without a topic teach nothing about topics.
    told = np.array([bool(one["topic"]) for one in found])
    topics = np.array([[one["topic"] == name for name in TOPICS] for one in found if one["topic"]], float)
    weights["topic_w"], weights["topic_b"] = (part.astype(np.float16) for part in _regression(rows[told], topics))
    return weights


def _network(rows: Any, heads: list[tuple[Any, int]]) -> dict[str, Any]:
    """One hidden layer for all heads together, by Adam with a falling rate. Rare classes count more."""
    chance = np.random.default_rng(0)
    data = (rows * model.SCALE).astype(np.float32)
    number, wide = data.shape
    wanted = [np.eye(classes)[which] * (1 - _DOUBT) + _DOUBT / classes for which, classes in heads]
    counts = [
        np.sqrt(number / classes / np.bincount(which, minlength=classes).clip(1))[which, None]
        for which, classes in heads
    ]
    ends = np.cumsum([classes for _, classes in heads])
    hidden = chance.standard_normal((wide, _WIDTH)) * np.sqrt(2 / wide) / 1.5
    out = chance.standard_normal((_WIDTH, int(ends[-1]))) * np.sqrt(1 / _WIDTH)
    parts = [
        part.astype(np.float32)
        for part in (hidden, np.zeros(_WIDTH), out, np.zeros(int(ends[-1])))
    ]  # fmt: skip
    means, squares = [np.zeros_like(part) for part in parts], [np.zeros_like(part) for part in parts]
    step, steps = 0, _EPOCHS * -(-number // _BATCH)
    for _ in range(_EPOCHS):
        order = chance.permutation(number)
        for start in range(0, number, _BATCH):
            some = order[start : start + _BATCH]
            given = data[some] * (chance.random((len(some), wide)) > _OUT_IN) / (1 - _OUT_IN)
            before = given @ parts[0] + parts[1]
            kept = (chance.random(before.shape) > _OUT_HIDDEN) / (1 - _OUT_HIDDEN) * (before > 0)
            layer = before * kept
            said = np.split(layer @ parts[2] + parts[3], ends[:-1], axis=1)
            error = np.hstack(
                [
                    (model.softmax(one) - target[some]) * count[some] / len(some)
                    for one, target, count in zip(said, wanted, counts, strict=True)
                ]
            )
            back = (error @ parts[2].T) * kept
            slopes = (given.T @ back, back.sum(axis=0), layer.T @ error, error.sum(axis=0))
            step += 1
            rate = _RATE * (1 + np.cos(np.pi * step / steps)) / 2
            for part, mean, square, slope in zip(parts, means, squares, slopes, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope**2 - square)
                part -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return dict(zip(("hidden_w", "hidden_b", "out_w", "out_b"), parts, strict=True))


def _regression(rows: Any, targets: Any) -> tuple[Any, Any]:
    """Weights and bias of a softmax regression; `targets` is one-hot. Classes count alike, however many rows."""
    share = targets / targets.sum(axis=0, keepdims=True).clip(1) * len(targets) / targets.shape[1]
    balance = share.sum(axis=1, keepdims=True) ** 0.5
    weights, bias = np.zeros((rows.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for _ in range(_TOPIC_STEPS):
        error = (model.softmax(rows @ weights + bias) - targets) * balance / len(rows)
        weights -= _TOPIC_RATE * (rows.T @ error + _TOPIC_DECAY * weights)
        bias -= _TOPIC_RATE * error.sum(axis=0)
    return weights, bias


def families(rows: Any) -> Any:
    """A number for each row, equal for those that a chain of near paraphrases joins."""
    embedded = rows[:, : rows.shape[1] - len(NAMES)]
    embedded = embedded / np.linalg.norm(embedded, axis=1, keepdims=True)
    of = np.arange(len(rows))
    for one, other in np.argwhere(np.triu(embedded @ embedded.T, 1) > _FAMILY):
        if of[one] != of[other]:
            of[of == of[other]] = of[one]
    return of


def _check(rows: Any, found: list[dict[str, Any]]) -> None:
    of = families(rows)
    order = np.random.default_rng(3).permutation(np.unique(of))
    part_of = {family: number % 5 for number, family in enumerate(order)}
    parts = np.array([part_of[family] for family in of])
    right = dict.fromkeys(("tone", "intent", "leaving"), 0)
    worst = []
    leaves = ("leaving", "hint")
    for part in range(5):
        out = parts == part
        weights = model.ready(train(rows[~out], [x for x, left in zip(found, out, strict=True) if not left]))
        intent, feeling = model.likelihoods(weights, rows[out])
        for number, likely, felt in zip(np.flatnonzero(out), intent, feeling, strict=True):
            wanted, said = found[number], INTENTS[int(likely.argmax())]
            right["intent"] += said == wanted["intent"]
            right["tone"] += TONES[int(felt.argmax())] == wanted["tone"]
            right["leaving"] += (said in leaves) == (wanted["intent"] in leaves)
            if said != wanted["intent"]:
                worst.append(f"{said:10} {wanted['intent']:10} {wanted['text']}")
    sys.stdout.write("\n".join(worst) + "\n")
    sys.stdout.write(", ".join(f"{name} {count / len(found):.1%}" for name, count in right.items()) + "\n")


def main() -> None:
    """Trains and writes, or checks."""
    if not model.has_encoder():
        raise SystemExit("the encoder does not load, so there is nothing to train on")
    found = labels()
    rows = model.features([one["text"] for one in found]).astype(np.float64)
    if "--check" in sys.argv:
        _check(rows, found)
    else:
        np.savez_compressed(model.WEIGHTS, **train(rows, found))


if __name__ == "__main__":
    main()
