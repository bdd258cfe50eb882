"""Words that stand beside a message's embedding: what it speaks of, in ten languages. They decide nothing alone.

Each is one column of the reader's input, 1 when any of its words occurs. The weights are learned, so after a
change of `cues.toml` the reader has to be trained again (`benchmarks/assessment/train.py`).
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

_CUES = tomllib.loads(Path(__file__).with_name("cues.toml").read_text(encoding="utf-8"))
_PATTERNS = {name: re.compile(pattern.replace("\n", ""), re.IGNORECASE) for name, pattern in _CUES.items()}
NAMES = tuple(_PATTERNS)


# What is asked of the pieces of one batch is asked several times.
@lru_cache(maxsize=1 << 14)
def has(name: str, text: str) -> bool:
    """Whether any word of the cue `name` occurs in `text`."""
    return _PATTERNS[name].search(text) is not None
