"""A CSV file as people have it: whatever encoding, separator and quoting, as rows of text."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t")
MOST_BYTES = 30 * 1024 * 1024
MOST_ROWS = 500_000
MOST_COLUMNS = 300


class BadFile(Exception):
    """The file cannot be imported; the message is one sentence for the person who chose it."""


@dataclass(frozen=True)
class CsvFile:
    """A file that was read: its text, how it was read, and its heads. `rows` yields the rest."""

    text: str
    encoding: str
    separator: str
    heads: list[str]
    row_count: int

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows after the heads, each with its number as a spreadsheet shows it (the heads are row 1).

        Empty rows are skipped. Raises BadFile.
        """
        return rows_of(self.text, self.separator)


def read(data: bytes) -> CsvFile:
    """The file that `data` is. Raises BadFile."""
    if len(data) > MOST_BYTES:
        raise BadFile(f"The file is larger than {MOST_BYTES // 2**20} MB. Split it and import the parts one by one.")
    text, encoding = decode(data)
    if not text.strip():
        raise BadFile("The file is empty. Choose a file with a row of column names and at least one row below it.")
    separator = separator_of(text)
    records = _records(text, separator)
    heads = [head.strip() for head in next(records, [])]
    if len(heads) > MOST_COLUMNS:
        raise BadFile(f"The file has more than {MOST_COLUMNS} columns. Remove those that are not needed.")
    count = sum(1 for record in records if any(cell.strip() for cell in record))
    if not count:
        raise BadFile("The file has column names but no row below them, so there is nothing to import.")
    if count > MOST_ROWS:
        raise BadFile(f"The file has {count:,} rows; {MOST_ROWS:,} are the most. Split it into several files.")
    return CsvFile(text, encoding, separator, heads, count)


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding: UTF-8, UTF-16 (by its mark) or Windows-1252. Raises BadFile."""
    if data.startswith(b"PK\x03\x04"):
        raise BadFile("This is an Excel workbook. Save it as “CSV UTF-8” in Excel and choose that file.")
    if data.startswith(codecs.BOM_UTF8):
        return _strict(data, "utf-8-sig"), "UTF-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strict(data, "utf-16"), "UTF-16"
    if b"\x00" in data:
        raise BadFile("This is no text file. Save the table as CSV and choose that file.")
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "Windows-1252"


def separator_of(text: str) -> str:
    """The separator that makes the most even table of the first rows."""
    first = text[:4].lower()
    if first == "sep=" and len(text) > 4 and text[4] in SEPARATORS:
        return text[4]
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        sample: list[int] = []
        with suppress(csv.Error):
            for record in csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=separator):
                sample.append(len(record))
                if len(sample) == 20:
                    break
        width = sample[0] if sample else 0
        even = sum(size == width for size in sample) / len(sample) if sample else 0
        score = (even if width > 1 else 0, width)
        if score > best_score:
            best, best_score = separator, score
    return best


def rows_of(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Numbers and cells of the rows after the heads; see `CsvFile.rows`."""
    records = _records(text, separator)
    next(records, None)
    for number, record in enumerate(records, 2):
        if any(cell.strip() for cell in record):
            yield number, record


def _records(text: str, separator: str) -> Iterator[list[str]]:
    stream = io.StringIO(text, newline="")
    if text[:4].lower() == "sep=":
        stream.readline()
    try:
        yield from csv.reader(stream, delimiter=separator)
    except csv.Error as error:
        sentence = f"The file could not be read as a table: {error}. Look for a quotation mark that is not closed."
        raise BadFile(sentence) from error


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadFile("The file begins as Unicode text but is damaged further on. Save it again as CSV.") from error
