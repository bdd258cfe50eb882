"""A progress bar on a terminal; no output elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import click


class ProgressLine:
    """Shows how far a sync is, one bar per stage, on standard error."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        if self._on:
            # Log lines of each stage would break the bar.
            logging.getLogger("startdeliver").setLevel(logging.WARNING)
        self._stage = ""
        self._bar: Any = None

    def __enter__(self) -> ProgressLine:
        return self

    def show(self, progress: Mapping[str, Any]) -> None:
        """Takes {"stage", "done", "total"}; a stage with nothing to do (a total of 0 or None) is not shown."""
        stage, done, total = str(progress.get("stage") or ""), int(progress.get("done") or 0), progress.get("total")
        if not self._on or not total:
            return
        if self._bar is None or stage != self._stage:
            self._close()
            self._stage = stage
            self._bar = click.progressbar(length=int(total or 0), label=f"{stage:<16}", file=sys.stderr, show_pos=True)
            self._bar.__enter__()
        # An estimate may grow while the list is read.
        self._bar.length = max(int(total or 0), done)
        self._bar.pos = done
        self._bar.update(0)
        self._bar.render_progress()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
