"""The process in which messages are read, started by `process.py`: python -m startdeliver.assessment.reader

Its first line of output says whether the encoder loads. Then each line of input is a JSON list of texts, and each
further line of output is the JSON list of their tones. It ends with its input, so it never outlives its parent.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO

import msgspec

from startdeliver.assessment.reader import model


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers every line of `requests`."""
    answers.write(msgspec.json.encode(model.has_encoder()) + b"\n")
    answers.flush()
    for line in requests:
        answers.write(msgspec.json.encode(model.tones(msgspec.json.decode(line, type=list[str]))) + b"\n")
        answers.flush()


def main() -> None:
    # A signal to the whole process group stops the parent, which then ends this process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not end up among the answers.
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
