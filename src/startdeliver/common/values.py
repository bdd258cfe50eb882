"""The kinds of values that people and programs send: each reads them, bounds them, and describes them in OpenAPI.

A value comes from JSON (`parse`: the JSON type must be right), from a form or a service's caller (`clean`: text or
already typed, blank for none), from a cell of a file (`read_cell`), or from a query parameter (`from_text`). An invalid
value raises BadValue with one sentence. Texts of numbers, days and the like are bounded before a pattern sees
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from startdeliver.common.spelling import LONGEST, Spelling, flag

_MAX_INTEGER = 2**63 - 1
_MAX_COUNT = 2**31 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GROUPS = re.compile(r"(?<=\d)[,\s\u202f\u00a0'](?=\d{3}\b)")


class BadValue(ValueError):
    """The value is invalid. The message is one sentence for the sender."""


class FieldError(Exception):
    """Values cannot be stored. `errors` has one sentence for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(self.errors.values()))


def clean(kinds: Mapping[str, Kind], values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the cleaned values of the fields that `values` names, and a sentence for each that does not fit."""
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, kind in kinds.items():
        if name in values:
            try:
                cleaned[name] = kind.clean(values[name])
            except BadValue as error:
                errors[name] = str(error)
    return cleaned, errors


@dataclass(frozen=True)
class Kind:
    """A kind of value."""

    #: Whether gt, gte, lt and lte make sense.
    ordered = False

    @property
    def sentence(self) -> str:
        """The sentence about a value that is not of this kind."""
        raise NotImplementedError

    def parse(self, value: object) -> Any:
        """Returns the Python value of a JSON value that is not null. Raises BadValue."""
        raise NotImplementedError

    def clean(self, value: Any) -> Any:
        """Returns the Python value of a form's text or a typed value; blank is none. Raises BadValue."""
        return self.parse(value)

    def read_cell(self, text: str, spelling: Spelling) -> Any:
        """Returns the Python value of a cell that is not empty. Raises ValueError with a sentence."""
        return self.clean(text)

    def wanted(self, value: object) -> Any:
        """Returns the Python value of a filter. It may be a value that no record can have. Raises BadValue."""
        return self.parse(value)

    def from_text(self, text: str) -> object:
        """Returns the JSON value that a query parameter stands for."""
        return text

    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of the value, null aside."""
        raise NotImplementedError

    def _short_text(self, value: object) -> str:
        """The text of a number, a day or the like; "" for none. Raises BadValue if it is longer than any such value."""
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise BadValue(self.sentence)
        if isinstance(value, int) and value.bit_length() > 200:
            raise BadValue(self.sentence)
        text = str(value).strip()
        if len(text) > LONGEST:
            raise BadValue(self.sentence)
        return text


@dataclass(frozen=True)
class Text(Kind):
    """A line or more of text; in filters `*` matches anything. `required`: the sentence about an empty value."""

    max_length: int = 500
    required: str = ""
    ordered = True

    sentence = "Enter text here."

    def parse(self, value: object) -> str:
        """Returns the text as it was sent."""
        if not isinstance(value, str):
            raise BadValue(self.sentence)
        return self._checked(value)

    def clean(self, value: Any) -> Any:
        """One line of text without outer and double blanks; a number is text too."""
        return self._checked(self._line(value))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.max_length}

    def _line(self, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise BadValue(self.sentence)
        return " ".join(str(value).split())

    def _checked(self, text: str) -> str:
        if "\0" in text:
            raise BadValue("Remove the character that cannot be shown.")
        if len(text) > self.max_length:
            raise BadValue(f"Use at most {self.max_length} characters; these are {len(text):,}.")
        if self.required and not text:
            raise BadValue(self.required)
        return text


@dataclass(frozen=True)
class Email(Text):
    """An e-mail address as it was written, compared without regard to case."""

    max_length: int = 254

    def clean(self, value: Any) -> str:
        address = self._line(value)
        if len(address) > self.max_length:
            raise BadValue("An e-mail address has at most 254 characters.")
        try:
            if address:
                validate_email(address)
        except ValidationError:
            raise BadValue("Enter an e-mail address such as ada@acme.com.") from None
        return self._checked(address)


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words. `message`: the sentence about other words."""

    choices: tuple[str, ...] = ()
    message: str = ""

    @property
    def sentence(self) -> str:
        return self.message or f"Choose one of: {', '.join(self.choices)}."

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise BadValue(self.sentence)
        return str(value)

    def clean(self, value: Any) -> str:
        return self.parse("" if value is None else str(value).strip())

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number. `required`: blank is refused like other invalid texts. `message`: the sentence then."""

    minimum: int = -_MAX_INTEGER
    maximum: int = _MAX_INTEGER
    required: bool = False
    message: str = ""
    ordered = True

    @property
    def sentence(self) -> str:
        if self.message or self.minimum == -_MAX_INTEGER:
            return self.message or "Enter a whole number."
        if self.maximum >= _MAX_COUNT:
            return f"Enter a whole number from {self.minimum}, such as 250."
        return f"Enter a whole number between {self.minimum:,} and {self.maximum:,}."

    def parse(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.minimum <= value <= self.maximum:
            raise BadValue(self.sentence)
        return value

    def clean(self, value: Any) -> int | None:
        text = _GROUPS.sub("", self._short_text(value))
        if not text and not self.required:
            return None
        if not re.fullmatch(r"-?\d{1,19}", text):
            raise BadValue(self.sentence)
        return self.parse(int(text))

    def read_cell(self, text: str, spelling: Spelling) -> int | None:
        return self.clean(spelling.number(text))

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
    """A number with decimals, below `limit` in size. Text may have a thousands separator."""

    limit: int = 10**12
    ordered = True

    sentence = "Enter a number, such as 12 or 12.5."

    def parse(self, value: object) -> Decimal:
        if not isinstance(value, int | float):
            raise BadValue(self.sentence)
        return self._checked(self._short_text(value))

    def clean(self, value: Any) -> Decimal | None:
        text = _GROUPS.sub("", self._short_text(value))
        return self._checked(text) if text else None

    def read_cell(self, text: str, spelling: Spelling) -> Decimal | None:
        return self.clean(spelling.number(text))

    def from_text(self, text: str) -> object:
        try:
            return float(text) if len(text) <= 40 else text
        except ValueError:
            return text

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": -self.limit, "exclusiveMaximum": self.limit}

    def _checked(self, text: str) -> Decimal:
        number = self._decimal(text)
        if not -self.limit < number < self.limit:
            raise BadValue(f"Enter a number between minus and plus {self.limit:,}.")
        return number

    def _decimal(self, text: str) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise BadValue(self.sentence)
        return number


@dataclass(frozen=True)
class Amount(Number):
    """An amount from 0 with at most `decimals` decimals."""

    decimals: int = 2
    sentence = "Enter an amount from 0, such as 48000 or 48000.50."

    @property
    def too_long(self) -> str:
        """The sentence about an amount with more digits than are stored."""
        return f"Use at most {len(str(self.limit)) - 1} digits and two decimals."

    def _checked(self, text: str) -> Decimal:
        number = self._decimal(text)
        if number < 0:
            raise BadValue(self.sentence)
        if number >= self.limit or number != round(number, self.decimals):
            raise BadValue(self.too_long)
        return round(number, self.decimals)


@dataclass(frozen=True)
class Boolean(Kind):
    """True or false."""

    sentence = "Choose yes or no."

    def parse(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise BadValue(self.sentence)
        return value

    def clean(self, value: Any) -> bool | None:
        if isinstance(value, bool):
            return value
        text = self._short_text(value)
        try:
            return flag(text) if text else None
        except ValueError:
            raise BadValue(self.sentence) from None

    def read_cell(self, text: str, spelling: Spelling) -> Any:
        return self.clean(flag(text))

    def from_text(self, text: str) -> object:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Checkbox(Boolean):
    """True or false, as a checkbox or JSON writes it; every other value is false."""

    def clean(self, value: Any) -> bool:
        try:
            return super().clean(value) or False
        except BadValue:
            return False


@dataclass(frozen=True)
class Moment(Kind):
    """A point in time: ISO 8601 (UTC when it names no zone), or milliseconds since 1970."""

    ordered = True

    sentence = "Enter a moment such as 2027-03-31T12:00:00Z."

    def parse(self, value: object) -> datetime:
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _EPOCH + timedelta(milliseconds=value)
            if isinstance(value, str) and len(value) <= 40:
                moment = datetime.fromisoformat(value.strip())
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise BadValue(self.sentence)

    def clean(self, value: Any) -> datetime | None:
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        text = self._short_text(value)
        return self.parse(text) if text else None

    def read_cell(self, text: str, spelling: Spelling) -> datetime:
        return spelling.moment(text)

    def from_text(self, text: str) -> object:
        return int(text) if text.isdecimal() and text.isascii() and 8 < len(text) <= 16 else text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True)
class Day(Kind):
    """A calendar day; the time of a moment is ignored."""

    ordered = True

    sentence = "Enter a day as year-month-day, such as 2027-03-31."

    def parse(self, value: object) -> date:
        try:
            if isinstance(value, str) and len(value) <= 40:
                day = datetime.fromisoformat(value.strip()).date()
                if 1900 <= day.year <= 2999:
                    return day
        except ValueError:
            pass
        raise BadValue(self.sentence)

    def clean(self, value: Any) -> date | None:
        if isinstance(value, date):
            return value.date() if isinstance(value, datetime) else value
        text = self._short_text(value)
        return self.parse(text) if text else None

    def read_cell(self, text: str, spelling: Spelling) -> date:
        return spelling.day(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True)
class Words(Kind):
    """A list of words, such as tags. A filter names one word of the list."""

    max_words: int = 200

    @property
    def sentence(self) -> str:
        return f"Send a list of at most {self.max_words} texts."

    def parse(self, value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > self.max_words:
            raise BadValue(self.sentence)
        return [Text(255).parse(word) for word in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "maxLength": 255}, "maxItems": self.max_words}


@dataclass(frozen=True)
class Ids(Kind):
    """A list of ids. A filter names one of them."""

    sentence = "Send a list of ids."

    def parse(self, value: object) -> list[int]:
        if not isinstance(value, list):
            raise BadValue(self.sentence)
        return [ID.parse(item) for item in value]

    def clean(self, value: Any) -> list[int]:
        """Returns the ids of a list, each once."""
        ids = [ID.clean(item) for item in value] if isinstance(value, list | tuple | set) else [None]
        if None in ids:
            raise BadValue(self.sentence)
        return [pk for pk in dict.fromkeys(ids) if pk is not None]

    def from_text(self, text: str) -> object:
        return ID.from_text(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": ID.schema()}
