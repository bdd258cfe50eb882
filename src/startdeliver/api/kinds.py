"""The kinds of values that fields have: how each is read from JSON or a query parameter, and described in OpenAPI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

_MAX_INTEGER = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WrongType(ValueError):
    """A value does not fit its field; the message completes the sentence "<field> …"."""


@dataclass(frozen=True)
class Kind:
    """A kind of value. `parse` takes a JSON value that is not null; `from_text` a query parameter."""

    #: Whether gt, gte, lt and lte make sense.
    ordered = False

    def parse(self, value: object) -> Any:
        """The Python value. Raises WrongType."""
        raise NotImplementedError

    def wanted(self, value: object) -> Any:
        """The Python value of a filter, which may be one that no record can have. Raises WrongType."""
        return self.parse(value)

    def from_text(self, text: str) -> object:
        """The JSON value that a query parameter stands for."""
        return text

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value, null aside."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Kind):
    """A line or more of text; in filters `*` stands for anything."""

    max_length: int = 500
    ordered = True

    def parse(self, value: object) -> str:
        if not isinstance(value, str):
            raise WrongType("must be text")
        if "\0" in value:
            raise WrongType("must not contain NUL characters")
        if len(value) > self.max_length:
            raise WrongType(f"must have at most {self.max_length} characters")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.max_length}


@dataclass(frozen=True)
class Email(Text):
    """An e-mail address, compared without regard to case."""

    max_length: int = 254


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    choices: tuple[str, ...] = ()

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise WrongType(f"must be one of {', '.join(self.choices)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number."""

    minimum: int = -_MAX_INTEGER
    maximum: int = _MAX_INTEGER
    ordered = True

    def parse(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise WrongType("must be a whole number")
        if not self.minimum <= value <= self.maximum:
            raise WrongType(f"must be between {self.minimum} and {self.maximum}")
        return value

    def wanted(self, value: object) -> int:
        return Integer().parse(value)

    def from_text(self, text: str) -> object:
        return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) <= 20 else text

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "integer", **{name: bound for name, bound in bounds.items() if abs(bound) < 2**53}}


ID = Integer(minimum=0)


@dataclass(frozen=True)
class Number(Kind):
    """A number with decimals, below `limit` in size."""

    limit: int = 10**12
    ordered = True

    def parse(self, value: object) -> Decimal:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise WrongType("must be a number")
        if not -self.limit < value < self.limit:
            raise WrongType(f"must be between -{self.limit} and {self.limit}")
        return Decimal(str(value))

    def from_text(self, text: str) -> object:
        try:
            return float(text) if len(text) <= 40 else text
        except ValueError:
            return text

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": -self.limit, "exclusiveMaximum": self.limit}


@dataclass(frozen=True)
class Boolean(Kind):
    """True or false."""

    def parse(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise WrongType("must be true or false")
        return value

    def from_text(self, text: str) -> object:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Moment(Kind):
    """A point in time: ISO 8601 (UTC when it names no zone), or milliseconds since 1970."""

    ordered = True

    def parse(self, value: object) -> datetime:
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _EPOCH + timedelta(milliseconds=value)
            if isinstance(value, str) and len(value) <= 40:
                moment = datetime.fromisoformat(value.strip())
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise WrongType("must be a time such as 2026-11-02T12:00:00Z, or milliseconds since 1970")

    def from_text(self, text: str) -> object:
        return int(text) if text.isdecimal() and text.isascii() and 8 < len(text) <= 16 else text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True)
class Day(Kind):
    """A calendar day; of a time only the day counts."""

    ordered = True

    def parse(self, value: object) -> date:
        try:
            if isinstance(value, str) and len(value) <= 40:
                day = datetime.fromisoformat(value.strip()).date()
                if 1900 <= day.year <= 2999:
                    return day
        except ValueError:
            pass
        raise WrongType("must be a day such as 2026-11-02")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True)
class Words(Kind):
    """A list of words, such as tags. A filter names one word of the list."""

    max_words: int = 200

    def parse(self, value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > self.max_words:
            raise WrongType(f"must be a list of at most {self.max_words} texts")
        return [Text(255).parse(word) for word in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "maxLength": 255}, "maxItems": self.max_words}


@dataclass(frozen=True)
class Ids(Kind):
    """A list of ids. A filter names one of them."""

    def parse(self, value: object) -> list[int]:
        if not isinstance(value, list):
            raise WrongType("must be a list of ids")
        return [ID.parse(item) for item in value]

    def from_text(self, text: str) -> object:
        return ID.from_text(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": ID.schema()}


@dataclass(frozen=True)
class Object(Kind):
    """A structure that is only read; `description` is its JSON schema."""

    shape: str = "object"
    properties: tuple[tuple[str, dict[str, Any]], ...] = ()

    def parse(self, value: object) -> Any:
        raise WrongType("cannot be filtered or written")

    def schema(self) -> dict[str, Any]:
        one: dict[str, Any] = {"type": "object"}
        if self.properties:
            one["properties"] = dict(self.properties)
        return {"type": "array", "items": one} if self.shape == "array" else one
