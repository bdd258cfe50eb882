"""The progress bar: on a terminal only."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from startdeliver.project.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def same_log_level() -> Iterator[None]:
    logger = logging.getLogger("startdeliver")
    level = logger.level
    yield
    logger.setLevel(level)


def show(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    with ProgressLine() as line:
        line.show({"stage": "deleted", "done": 0, "total": 0})
        line.show({"stage": "conversations", "done": 150, "total": 300})
        line.show({"stage": "conversations", "done": 450, "total": 300})
        line.show({"stage": "messages", "done": 1, "total": 450})
    return stream.getvalue()


def test_on_a_terminal_each_stage_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(Terminal(), monkeypatch)
    assert "150/300" in shown
    # The estimate was too low.
    assert "450/450" in shown
    assert "messages" in shown
    assert "deleted" not in shown


def test_elsewhere_there_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(io.StringIO(), monkeypatch) == ""
