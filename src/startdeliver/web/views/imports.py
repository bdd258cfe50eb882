"""Customers → Import: upload a CSV file, say what its columns are, look at the dry run, import with progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache

from startdeliver.customers.imports import csvfile, service
from startdeliver.customers.imports.csvfile import BadFile
from startdeliver.customers.imports.targets import Column, targets
from startdeliver.customers.models import CsvImport, CsvProblem
from startdeliver.tenancy.models import Organization
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.views.exports import safe_lines

IMPORT = "/customers/import"
_SHOWN = 50
_ENCODED = {",": "comma", ";": "semicolon", "\t": "tab"}
_ENDED = (CsvImport.Status.CHECKED, CsvImport.Status.DONE, CsvImport.Status.FAILED)


@dataclass(frozen=True)
class Head:
    """A column of the file as the page offers it: its name, first values, and the chosen field."""

    place: int
    name: str
    sample: str
    chosen: str


@never_cache
def upload(request: HttpRequest) -> HttpResponse:
    """Upload of a file, and the imports of the last 30 days."""
    organization, error = organization_of(request), ""
    target = request.POST.get("target") or request.GET.get("target", "customer")
    if request.method == "POST":
        chosen = request.FILES.get("file")
        try:
            if chosen is None or chosen.size is None:
                raise BadFile("No file was chosen. Choose a CSV file first.")
            if chosen.size > csvfile.MOST_BYTES:
                raise BadFile(f"The file is larger than {csvfile.MOST_BYTES // 2**20} MB. Split it into several files.")
            made = service.upload(
                organization=organization,
                by=member_of(request).email,
                target=target,
                filename=chosen.name or "",
                data=chosen.read(),
            )
            return redirect(f"{IMPORT}/{made.pk}")
        except BadFile as problem:
            error = str(problem)
    context = {
        "targets": list(targets().values()),
        "target": target,
        "error": error,
        "most": csvfile.MOST_BYTES // 2**20,
        "most_rows": csvfile.MOST_ROWS,
        "recent": [
            (record, _label(record))
            for record in CsvImport.objects.defer("content").order_by("-created_at", "-pk")[:20]
        ],
    }
    return render(request, "web/imports/upload.html", context, status=422 if error else 200)


@never_cache
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: its columns and the dry run; then its progress; then its result."""
    record = _file(pk)
    error = ""
    if request.method == "POST":
        mapping = {str(place): request.POST.get(f"column-{place}", "") for place in range(len(record.heads))}
        options = {name: request.POST.get(name, "") for name in ("day_order", "decimal", "match_on")}
        try:
            service.set_mapping(file=record, mapping=mapping, options=options)
            service.check_soon(record)
            return redirect(f"{IMPORT}/{pk}#check")
        except BadFile as problem:
            error = str(problem)
            record.mapping, record.options = {key: value for key, value in mapping.items() if value}, options
    context = _context(record) | {"error": error}
    if record.status in (CsvImport.Status.UPLOADED, CsvImport.Status.CHECKED):
        context |= _mapping(record, organization_of(request))
    return render(request, "web/imports/file.html", context, status=422 if error else 200)


@never_cache
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Progress of the import: a fragment that polls every second until it ends."""
    record = _file(pk)
    response = render(request, "web/imports/_progress.html", _context(record))
    if record.status in _ENDED:
        response["HX-Redirect"] = f"{IMPORT}/{pk}"
    return response


def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Imports the checked file in the background."""
    try:
        service.start(_file(pk))
    except BadFile as problem:
        messages.error(request, str(problem))
    return redirect(f"{IMPORT}/{pk}")


def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a file that was not imported."""
    try:
        service.discard(_file(pk))
    except BadFile as problem:
        messages.error(request, str(problem))
        return redirect(f"{IMPORT}/{pk}")
    messages.success(request, "The file is forgotten. Nothing was imported.")
    return redirect(IMPORT)


def report(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows that were not imported and why, as a CSV file."""
    record = _file(pk)
    response = StreamingHttpResponse(
        safe_lines(service.report(record), organization_of(request)), content_type="text/csv"
    )
    response["Content-Disposition"] = content_disposition_header(True, f"problems of {record.filename}.csv")
    return response


def _file(pk: int) -> CsvImport:
    record: CsvImport = get_object_or_404(CsvImport, pk=pk, target__in=list(targets()))
    return record


def _label(record: CsvImport) -> str:
    target = targets().get(record.target)
    return target.label if target else record.target


def _context(record: CsvImport) -> dict[str, Any]:
    problems = CsvProblem.objects.filter(csv_import=record)
    return {
        "file": record,
        "label": _label(record),
        "separator": _ENCODED.get(record.separator, record.separator),
        "checking": record.options.get("stage") == "check",
        "good_count": record.created_count + record.updated_count + record.unchanged_count,
        "write_count": record.created_count + record.updated_count,
        "problems": problems.order_by("row", "pk")[:_SHOWN],
        "problem_count": problems.count(),
        "shown": _SHOWN,
    }


def _mapping(record: CsvImport, organization: Organization) -> dict[str, Any]:
    columns = service.target_of(record).columns()
    groups: dict[str, list[Column]] = {}
    for column in columns:
        groups.setdefault(column.group or "Standard fields", []).append(column)
    used = [column for column in columns if column.key in record.mapping.values()]
    samples = service.sample(record)
    return {
        "heads": [
            Head(place, name or f"Column {place + 1}", " · ".join(samples[place]), record.mapping.get(str(place), ""))
            for place, name in enumerate(record.heads)
        ],
        "groups": list(groups.items()),
        "day_order": record.options.get("day_order") or service.day_order(record),
        "asks_order": service.day_order(record) == "ask",
        "has_dates": any(column.is_day for column in used),
        "has_numbers": any(column.is_number for column in used),
        "decimal": record.options.get("decimal") or ".",
        "match_on": record.options.get("match_on") or "email",
        "asks_match": record.target == "usage",
        "unmapped": sum(str(place) not in record.mapping for place in range(len(record.heads))),
    }
