"""Importing a file: upload, map, check, import in the background. What pages call; the work itself is the target's.

`by` is the e-mail address of the member who imports. Rules that a person broke raise BadFile with a sentence.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from startdeliver.common import clock, spelling
from startdeliver.common.spelling import Spelling
from startdeliver.customers.imports import csvfile
from startdeliver.customers.imports import records as records  # its targets register themselves
from startdeliver.customers.imports.csvfile import BadFile
from startdeliver.customers.imports.targets import (
    MOST_PROBLEMS,
    Line,
    Options,
    Outcome,
    Target,
    guess,
    missing,
    targets,
)
from startdeliver.customers.models import CsvImport, CsvProblem
from startdeliver.engine import jobs
from startdeliver.tenancy.models import Organization

KIND, CHECK = "csv-import", "csv-check"
# A longer file is checked in the background: nobody should look at a page that loads for seconds.
CHECKED_AT_ONCE = 5_000
CHUNK = 1_000
KEPT = timedelta(days=30)
Status = CsvImport.Status
_OPEN = (Status.UPLOADED, Status.CHECKED)


def upload(*, organization: Organization, by: str, target: str, filename: str, data: bytes) -> CsvImport:
    """Keeps a file, with a guess of what its columns are. Forgets files of more than 30 days ago. Raises BadFile."""
    if target not in targets():
        raise BadFile("Choose what the file has: customers or users.")
    table = csvfile.read(data)
    CsvImport.objects.filter(created_at__lt=clock.now() - KEPT).delete()
    file = CsvImport(
        organization=organization,
        by=by,
        target=target,
        filename=filename[-200:] or "file.csv",
        content=zlib.compress(table.text.encode("utf-8"), 3),
        encoding=table.encoding,
        separator=table.separator,
        heads=[head[:200] for head in table.heads],
        row_count=table.row_count,
        mapping=guess(table.heads, targets()[target].columns()),
    )
    file.options = {"decimal": _decimal(file), "day_order": ""}
    file.save()
    return file


def rows(file: CsvImport) -> Iterator[tuple[int, list[str]]]:
    """The rows of the stored file."""
    if not file.content:
        return iter(())
    return csvfile.rows_of(zlib.decompress(bytes(file.content)).decode("utf-8"), file.separator)


def sample(file: CsvImport, count: int = 3) -> list[list[str]]:
    """For each column the first `count` texts that are not empty."""
    texts: list[list[str]] = [[] for _ in file.heads]
    for _, cells in islice(rows(file), 200):
        for place, text in enumerate(cells[: len(texts)]):
            if text.strip() and len(texts[place]) < count:
                texts[place].append(text.strip()[:80])
    return texts


def day_order(file: CsvImport) -> str:
    """Which comes first in the file's dates: "dmy", "mdy", "ask", or "" when none is written in such a way."""
    keys = {column.key for column in target_of(file).columns() if column.is_day}
    orders = [
        spelling.order_of(cells[int(place)] for _, cells in rows(file) if int(place) < len(cells))
        for place, key in file.mapping.items()
        if key in keys
    ]
    known = [order for order in orders if order in (spelling.DAY_FIRST, spelling.MONTH_FIRST)]
    return (known or [order for order in orders if order] or [""])[0]


def target_of(file: CsvImport) -> Target:
    """What the file is imported as."""
    return targets()[file.target]


def set_mapping(*, file: CsvImport, mapping: Mapping[str, str], options: Mapping[str, str]) -> None:
    """Says which field each column fills ({column number: field}) and how texts are read. Raises BadFile."""
    _still_open(file)
    columns = {column.key: column for column in target_of(file).columns()}
    chosen = {place: key for place, key in mapping.items() if key}
    if unknown := [place for place, key in chosen.items() if key not in columns or not _is_place(file, place)]:
        raise BadFile(f"Column {unknown[0]} cannot be imported as that. Choose one of the fields in the list.")
    twice = next((key for key in chosen.values() if list(chosen.values()).count(key) > 1), None)
    if twice is not None:
        raise BadFile(f"Two columns are chosen for {columns[twice].label}. Choose one of them.")
    if sentence := missing(target_of(file), chosen):
        raise BadFile(sentence)
    file.mapping = chosen
    file.options = {name: str(options.get(name, ""))[:40] for name in ("day_order", "decimal", "match_on")}
    file.status = Status.UPLOADED
    file.save(update_fields=["mapping", "options", "status"])


def check(file: CsvImport) -> CsvImport:
    """The dry run: what would become of each row. Nothing but the problems and counts is kept. Raises BadFile."""
    _still_open(file)
    return _check(file)


def check_soon(file: CsvImport) -> CsvImport:
    """The dry run, at once or for a long file in the background; then the file is queued. Raises BadFile."""
    if file.row_count <= CHECKED_AT_ONCE:
        return check(file)
    _still_open(file)
    with transaction.atomic():
        file.status, file.done_rows, file.options = Status.QUEUED, 0, {**file.options, "stage": "check"}
        file.save(update_fields=["status", "done_rows", "options"])
        jobs.enqueue(CHECK, f"{CHECK}:{file.pk}", {"import": file.pk}, file.organization)
    return file


@jobs.handler(CHECK, attempts=3, priority=jobs.Priority.PERSON)
def run_check(context: jobs.Context) -> None:
    """The dry run of a long file, from its beginning."""
    file = CsvImport.objects.filter(pk=context.payload["import"]).first()
    if file is None or file.status not in (Status.QUEUED, Status.RUNNING) or file.options.get("stage") != "check":
        return
    CsvImport.objects.filter(pk=file.pk).update(status=Status.RUNNING)
    sentence = "Something went wrong here, so the file could not be checked. Choose it again."
    with _ending(file, context, sentence):
        _check(file, context)


def _check(file: CsvImport, context: jobs.Context | None = None) -> CsvImport:
    total, done = Outcome(), 0
    session = target_of(file).start(_options(file))
    for lines in _chunks(file, 0):
        if context is not None and context.stopping():
            raise jobs.Requeue
        total.add(session.take(lines, write=False))
        done += len(lines)
        if context is not None:
            CsvImport.objects.filter(pk=file.pk).update(done_rows=done)
            context.progress(done=done, rows=file.row_count)
    with transaction.atomic():
        CsvProblem.objects.filter(csv_import=file).delete()
        _keep(file, total, 0)
        for name, number in total.counts.items():
            setattr(file, name, number)
        file.status = Status.CHECKED
        file.options = {name: value for name, value in file.options.items() if name != "stage"}
        file.save()
    return file


def start(file: CsvImport) -> CsvImport:
    """Puts the checked file into the queue. Twice is once. Raises BadFile."""
    with transaction.atomic():
        claimed = CsvImport.objects.filter(pk=file.pk, status=Status.CHECKED).update(
            status=Status.QUEUED, done_rows=0, **Outcome().counts
        )
        if not claimed:
            raise BadFile("This file is being imported already, or was not checked yet.")
        CsvProblem.objects.filter(csv_import=file).delete()
        jobs.enqueue(KIND, f"{KIND}:{file.pk}", {"import": file.pk}, file.organization)
    file.refresh_from_db()
    return file


def discard(file: CsvImport) -> None:
    """Forgets a file that was not imported. Raises BadFile."""
    _still_open(file)
    file.delete()


@jobs.handler(KIND, attempts=3, priority=jobs.Priority.PERSON)
def run(context: jobs.Context) -> None:
    """Imports a file, a thousand rows in a transaction with the count of those that are done; resumes behind them."""
    file = CsvImport.objects.filter(pk=context.payload["import"]).first()
    if file is None or file.status not in (Status.QUEUED, Status.RUNNING):
        return
    file.status, file.started_at = Status.RUNNING, file.started_at or clock.now()
    file.save(update_fields=["status", "started_at"])
    sentence = (
        "Something went wrong here, so the import stopped; the rows before are imported. Import the file again: "
        "nothing is made twice."
    )
    with _ending(file, context, sentence):
        try:
            session = target_of(file).start(_options(file))
            for lines in _chunks(file, file.done_rows):
                if context.stopping():
                    raise jobs.Requeue
                with transaction.atomic():
                    context.hold()
                    outcome = session.take(lines, write=True)
                    _keep(file, outcome, CsvProblem.objects.filter(csv_import=file).count())
                    CsvImport.objects.filter(pk=file.pk).update(
                        done_rows=F("done_rows") + len(lines),
                        **{name: F(name) + number for name, number in outcome.counts.items()},
                    )
                file.refresh_from_db(fields=["done_rows"])
                context.progress(done=file.done_rows, rows=file.row_count)
        except (BadFile, KeyError) as error:
            gone = "What the file is for no longer exists."
            _end(file, Status.FAILED, str(error) if isinstance(error, BadFile) else gone)
            return
    _end(file, Status.DONE)


@contextmanager
def _ending(file: CsvImport, context: jobs.Context, sentence: str) -> Iterator[None]:
    """Ends the file as failed, with `sentence`, when the last attempt of a job fails."""
    try:
        yield
    except (jobs.Requeue, jobs.LeaseLost):
        raise
    except Exception:
        if context.is_last_attempt:
            _end(file, Status.FAILED, sentence)
        raise


def report(file: CsvImport) -> Iterator[list[str]]:
    """The problems as rows of a table, heads first."""
    yield ["Row", "Column", "Value", "Problem"]
    for problem in CsvProblem.objects.filter(csv_import=file).order_by("row", "pk").iterator():
        yield [str(problem.row), problem.column, problem.value, problem.sentence]


def _end(file: CsvImport, status: str, error: str = "") -> None:
    CsvImport.objects.filter(pk=file.pk).update(
        status=status, finished_at=clock.now(), error=error, **({"content": b""} if status == Status.DONE else {})
    )


def _options(file: CsvImport) -> Options:
    return Options(
        organization=file.organization,
        by=file.by,
        spelling=Spelling(
            day_order=file.options.get("day_order", ""),
            decimal=file.options.get("decimal") or ".",
            zone=ZoneInfo(file.organization.time_zone),
        ),
        match_on=file.options.get("match_on") or "email",
    )


def _chunks(file: CsvImport, skip: int) -> Iterator[list[Line]]:
    places = [(int(place), key) for place, key in file.mapping.items()]
    numbered = islice(rows(file), skip, None)
    while chunk := list(islice(numbered, CHUNK)):
        yield [
            Line(number, {key: _text(cells[place]) for place, key in places if place < len(cells)})
            for number, cells in chunk
        ]


def _text(cell: str) -> str:
    text = cell.strip()
    # What an export of ours put before a text that a spreadsheet would calculate, blanks and quotation marks before
    # the sign included; see `web.views.exports.cell`.
    if text[:1] == "'" and text[1:].lstrip(" '\"").startswith(("=", "+", "-", "@")):
        return text[1:].strip()
    return text


def _decimal(file: CsvImport) -> str:
    keys = {column.key for column in target_of(file).columns() if column.is_number}
    places = [int(place) for place, key in file.mapping.items() if key in keys]
    texts = (cells[place] for _, cells in islice(rows(file), 5_000) for place in places if place < len(cells))
    return spelling.decimal_of(texts, file.separator)


def _is_place(file: CsvImport, place: str) -> bool:
    return place.isdecimal() and len(place) < 5 and int(place) < len(file.heads)


def _still_open(file: CsvImport) -> None:
    if file.status not in _OPEN:
        raise BadFile("This file is imported already, or is being imported right now. Choose the file again.")


def _keep(file: CsvImport, outcome: Outcome, kept: int) -> None:
    heads = {key: file.heads[int(place)] for place, key in file.mapping.items()}
    CsvProblem.objects.bulk_create(
        CsvProblem(
            organization_id=file.organization_id,
            csv_import=file,
            row=problem.row,
            column=heads.get(problem.key, ""),
            value=problem.value,
            sentence=problem.sentence,
        )
        for problem in outcome.problems[: max(0, MOST_PROBLEMS - kept)]
    )
