"""Lists as CSV files: the rows that a list shows with its filters, in its order, streamed.

UTF-8 with a mark, so that spreadsheets read it right. A text that a spreadsheet would take for a formula gets an
apostrophe in front: = + - @, a tab or a line break at the beginning can run commands on the reader's machine.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from startdeliver.common import clock
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BATCH = 500


def cell(value: Any, zone: ZoneInfo | None = None) -> str:
    """One value as the file has it: moments in `zone` as 2026-11-02 13:00, decimal points, flags as yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        # Never 1e-05, which an import would refuse.
        return format(Decimal(str(value)), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(zone) if zone else value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    # A quotation mark or blanks before the sign do not make it harmless.
    return f"'{text}" if text.lstrip(" '\"").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def lines(rows: Iterable[Sequence[Any]], zone: ZoneInfo | None = None) -> Iterator[str]:
    """The lines of the file, its mark first."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([cell(value, zone) for value in row])
        yield line.getvalue()


def safe_lines(rows: Iterable[Sequence[Any]], organization: Organization) -> Iterator[str]:
    """The lines, made inside the organization's scope: a streamed answer is made after the request's own has closed."""
    made = lines(rows, ZoneInfo(organization.time_zone))
    while True:
        with organization_scope(organization):
            line = next(made, None)
        if line is None:
            return
        yield line


def stream(
    organization: Organization,
    name: str,
    heads: Sequence[str],
    ids: Sequence[int],
    load: Callable[[list[int]], Iterable[Any]],
) -> StreamingHttpResponse:
    """A download of the records with these ids, in their order. `load` gives the rows of a few hundred ids."""

    def rows() -> Iterator[Sequence[Any]]:
        yield heads
        for start in range(0, len(ids), _BATCH):
            yield from load(list(ids[start : start + _BATCH]))

    response = StreamingHttpResponse(safe_lines(rows(), organization), content_type="text/csv; charset=utf-8")
    filename = f"{name} {clock.today(organization.time_zone).isoformat()}.csv"
    response["Content-Disposition"] = content_disposition_header(True, filename)
    return response
