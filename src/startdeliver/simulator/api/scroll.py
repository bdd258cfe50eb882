"""The companies scroll, one per workspace; it expires after an idle minute (OpenAPI 2.16, scrollOverAllCompanies)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from startdeliver.simulator.errors import ApiError

IDLE_SECONDS = 60
PER_PAGE = 100


@dataclass
class _Open:
    param: str
    ids: list[str]
    position: int
    used_at: float


class Scroll:
    """Returns pages of company ids. `now` is the clock in unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: _Open | None = None

    def start(self, ids: list[str]) -> tuple[list[str], str]:
        """Open a scroll over `ids`. Return the first page and the parameter. Raise ApiError 400 while one is open."""
        if self._alive() is not None:
            raise ApiError(400, "scroll_exists", "scroll already exists for this workspace")
        self._open = _Open(str(uuid.uuid4()), ids, 0, self._now())
        return self._page(self._open), self._open.param

    def next(self, param: str) -> tuple[list[str], str]:
        """Return the next page. The empty page after the last one ends it. Raise ApiError 404 for a wrong `param`."""
        opened = self._alive()
        if opened is None or opened.param != param:
            raise ApiError(404, "not_found", "scroll parameter not found")
        opened.used_at = self._now()
        page = self._page(opened)
        if not page:
            self._open = None
        return page, param

    def drop(self) -> None:
        """End the open scroll, like a failure inside Intercom."""
        self._open = None

    def _alive(self) -> _Open | None:
        if self._open is not None and self._now() - self._open.used_at > IDLE_SECONDS:
            self._open = None
        return self._open

    def _page(self, opened: _Open) -> list[str]:
        page = opened.ids[opened.position : opened.position + PER_PAGE]
        opened.position += len(page)
        return page
