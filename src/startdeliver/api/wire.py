"""JSON in and out: dates as ISO 8601 in UTC, decimals as numbers."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse

_encoder = msgspec.json.Encoder(decimal_format="number")


class BadJson(ValueError):
    """The text is not JSON, or is nested deeper than anything the API knows."""


def decode(text: bytes | str) -> Any:
    """The value of a JSON text. Raises BadJson."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadJson(str(error)) from error
    except RecursionError as error:
        raise BadJson("it is nested too deeply") from error


def json_response(value: object, status: int = 200) -> HttpResponse:
    """`value` as a JSON answer that no cache keeps."""
    answer = HttpResponse(_encoder.encode(value), content_type="application/json", status=status)
    answer["Cache-Control"] = "no-store"
    return answer
