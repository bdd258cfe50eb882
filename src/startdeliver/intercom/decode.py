"""JSON bytes → wire values, so that one odd record never costs the page it came in.

Fast path: the whole answer in one pass of msgspec (over 100,000 conversations a second). Only when that fails the page
is taken apart and each record decoded alone; a misfit value is then converted where its meaning is plain (a number as
id, 12.0 as 12, an ISO date as seconds), dropped where the record is still right without it, and otherwise the record
becomes a ``DecodeFailure``. Text cut in the middle of a character (half a surrogate pair, half a UTF-8 sequence) gets
U+FFFD there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from startdeliver.intercom import wire

T = TypeVar("T")

# Without these a record would say something wrong instead of something less, so they are converted but never dropped.
ESSENTIAL = frozenset({"created_at", "updated_at", "state", "open", "contacts", "deleted_at"})
_MAX_REPAIRS = 40
# Half a UTF-8 sequence is a UnicodeDecodeError in msgspec, which is a ValueError, not a DecodeError.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_EACH = "[...]"
_FAULT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")
_LACKING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_TOKEN = re.compile(r"\.([^.\[]+)|(\[(?:\.\.\.|\d+)\])")
_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "array",
    dict: "object",
    type(None): "null",
}


class NotJson(ValueError):
    """The bytes are not JSON, or not an object with the expected list."""


@dataclass(frozen=True, slots=True)
class DecodeFailure:
    """A record that could not be read.

    ``id`` is "" when not even that could be; ``reason`` names the place and the misfit.
    """

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A decoded list answer. ``next_page`` is a cursor, an address, or None at the end."""

    items: list[T]
    failures: tuple[DecodeFailure, ...]
    next_page: str | None
    total_count: int | None
    scroll_param: str | None
    total_pages: int | None
    page: int | None


class _Next(wire.Wire):
    starting_after: str | int | None = None
    page: int | None = None


class _Pages(wire.Wire):
    next: _Next | str | None = None
    page: int | None = None
    total_pages: int | None = None


class _Envelope(wire.Wire):
    pages: _Pages | None = None
    total_count: int | None = None
    scroll_param: str | None = None


class ListDecoder(Generic[T]):
    """Decodes the answers of one listing: ``selector`` is the key of the list (or several, when Intercom's answer and
    description differ).
    """

    def __init__(self, item_type: type[T], *selectors: str) -> None:
        self.item_type = item_type
        self.selectors = selectors
        fast = msgspec.defstruct(
            f"{item_type.__name__}Page",
            [(name, list[item_type] | None, None) for name in selectors],  # type: ignore[valid-type]
            bases=(_Envelope,),
            kw_only=True,
            gc=False,
        )
        raw = msgspec.defstruct(
            f"Raw{item_type.__name__}Page",
            [(name, list[msgspec.Raw] | None, None) for name in selectors],
            bases=(_Envelope,),
            kw_only=True,
        )
        self._fast: Callable[[bytes], Any] = msgspec.json.Decoder(fast, strict=False).decode
        self._raw: Callable[[bytes], Any] = msgspec.json.Decoder(raw, strict=False).decode
        self._item = ItemDecoder(item_type)

    def decode(self, body: bytes) -> Listing[T]:
        """Raises NotJson when the bytes are no list answer at all."""
        try:
            return self._listing(body)
        except _UNREADABLE as error:
            whole = _whole_characters(body)
            if whole is None:
                raise NotJson(str(error)) from None
        try:
            return self._listing(whole)
        except _UNREADABLE as error:
            raise NotJson(str(error)) from None

    def _listing(self, body: bytes) -> Listing[T]:
        try:
            answer = self._fast(body)
            items = self._chosen(answer)
            return _listing(answer, items, ())
        except msgspec.ValidationError:
            answer = self._raw(body)
        good: list[T] = []
        failures: list[DecodeFailure] = []
        for raw in self._chosen(answer):
            item = self._item.try_decode(bytes(raw))
            if isinstance(item, DecodeFailure):
                failures.append(item)
            else:
                good.append(item)
        return _listing(answer, good, tuple(failures))

    def _chosen(self, answer: Any) -> list[Any]:
        for name in self.selectors:
            found: list[Any] | None = getattr(answer, name)
            if found is not None:
                return found
        raise NotJson(f"no list named {' or '.join(self.selectors)}")


class ItemDecoder(Generic[T]):
    """Decodes one record, repairing what can be repaired."""

    def __init__(self, item_type: type[T]) -> None:
        self.item_type = item_type
        self._fast: Callable[[bytes], T] = msgspec.json.Decoder(item_type, strict=False).decode

    def decode(self, body: bytes) -> T:
        """Raises NotJson when the bytes are no such record."""
        item = self.try_decode(body)
        if isinstance(item, DecodeFailure):
            raise NotJson(item.reason)
        return item

    def try_decode(self, body: bytes) -> T | DecodeFailure:
        try:
            return self._fast(body)
        except _UNREADABLE:
            pass
        try:
            plain = msgspec.json.decode(body)
        except _UNREADABLE as error:
            whole = _whole_characters(body)
            if whole is None:
                return DecodeFailure("", str(error))
            plain = msgspec.json.decode(whole)
        reason = "too many misfits"
        seen: set[str] = set()
        for _ in range(_MAX_REPAIRS):
            try:
                return msgspec.convert(plain, self.item_type, strict=False)
            except msgspec.ValidationError as error:
                reason = str(error)
                if not _repair(plain, reason, again=reason in seen):
                    break
                seen.add(reason)
        return DecodeFailure(_id_of(plain), reason)


def _whole_characters(body: bytes) -> bytes | None:
    """The same JSON with U+FFFD for every half character, or None when that is not what is wrong with it."""
    try:
        plain = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    text = json.dumps(plain, ensure_ascii=False)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    try:
        msgspec.json.decode(whole)
    except _UNREADABLE:
        return None
    return whole


def _listing(answer: Any, items: list[T], failures: tuple[DecodeFailure, ...]) -> Listing[T]:
    pages: _Pages | None = answer.pages
    following = pages.next if pages else None
    if isinstance(following, _Next):
        following = None if following.starting_after is None else str(following.starting_after)
    return Listing(
        items=items,
        failures=failures,
        next_page=following or None,
        total_count=answer.total_count,
        scroll_param=answer.scroll_param,
        total_pages=pages.total_pages if pages else None,
        page=pages.page if pages else None,
    )


def _id_of(plain: Any) -> str:
    found = plain.get("id") if isinstance(plain, dict) else None
    return str(found) if isinstance(found, (str, int)) else ""


def _repair(plain: Any, reason: str, *, again: bool) -> bool:
    """Mend what ``reason`` complains about, in place.

    ``again``: converting was tried, so drop the value. False: cannot be mended.
    """
    split = _FAULT.match(reason)
    if split is None:
        return False
    tokens = [name or _EACH for name, _ in _TOKEN.findall(split["path"] or "")]
    lacking = _LACKING.search(split["what"])
    if lacking:
        name = lacking["name"]
        return _drop(plain, tokens, lambda value: isinstance(value, dict) and name not in value)
    misfit = _EXPECTED.search(split["what"])
    if misfit is None:
        return _drop(plain, tokens, lambda value: True)
    got, expected = misfit["got"], misfit["expected"].split(" | ")

    def wrong(value: Any) -> bool:
        return _NAMES.get(type(value)) == got

    if not again and _convert(plain, tokens, wrong, expected):
        return True
    return _drop(plain, tokens, wrong)


def _convert(plain: Any, tokens: Sequence[str], wrong: Callable[[Any], bool], expected: list[str]) -> bool:
    done = False
    for holder, key in _places(plain, tokens):
        if wrong(holder[key]):
            fitting = _fitting(holder[key], expected)
            if fitting is not None:
                holder[key] = fitting
                done = True
    return done


def _fitting(value: Any, expected: list[str]) -> Any:
    """The value in an expected type when its meaning is plain, else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "int" in expected and abs(value) < 2**53:
            return int(value)
        if "str" in expected:
            return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, str) and "int" in expected:
        try:
            return int(float(value))
        except (ValueError, OverflowError):
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return None


def _drop(plain: Any, tokens: Sequence[str], wrong: Callable[[Any], bool]) -> bool:
    if not tokens or (len(tokens) == 1 and tokens[0] in ESSENTIAL):
        return False
    done = False
    for holder, key in reversed(list(_places(plain, tokens))):
        if wrong(holder[key]):
            del holder[key]
            done = True
    return done


def _places(plain: Any, tokens: Sequence[str]) -> list[tuple[Any, Any]]:
    """Every (container, key) that a path means; an index stands for all entries, since they tend to be odd alike."""
    if not tokens:
        return []
    holders = [plain]
    for token in tokens[:-1]:
        below: list[Any] = []
        for holder in holders:
            if token == _EACH:
                below += holder if isinstance(holder, list) else holder.values() if isinstance(holder, dict) else []
            elif isinstance(holder, dict) and token in holder:
                below.append(holder[token])
        holders = below
    last = tokens[-1]
    places: list[tuple[Any, Any]] = []
    for holder in holders:
        if last == _EACH and isinstance(holder, list):
            places += [(holder, index) for index in range(len(holder))]
        elif isinstance(holder, dict) and last in holder:
            places.append((holder, last))
    return places
