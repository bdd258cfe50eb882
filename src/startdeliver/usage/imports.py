"""Usage events from CSV files, registered as a target of `customers.imports`. Imported again, an event counts once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import transaction

from startdeliver.common.values import Integer, Moment
from startdeliver.customers.imports.targets import Column, Line, Options, Outcome, Target, register
from startdeliver.usage.ingest import Item, ingest

_COLUMNS = [
    Column(
        "userId",
        "User",
        heads="email,user email,user id,user,e-mail,external id,benutzer,nutzer,e-mail-adresse,utilisateur,courriel,"
        "adresse e-mail",
    ),
    Column(
        "usageType",
        "Usage type",
        heads="usage type,type,event,event name,activity,typ,ereignis,aktivität,événement,type d'événement,activité",
    ),
    Column(
        "timestamp",
        "Time",
        Moment(),
        "date,timestamp,occurred at,created at,when,datum,zeit,zeitpunkt,horodatage,date et heure",
    ),
    Column("id", "Event’s own ID", heads="event id,id"),
    Column("quantity", "Quantity", Integer(1), "count,amount,value,anzahl,menge,nombre,quantité"),
]


class _Undo(Exception):
    """Ends the transaction of a dry run."""


class _Session:
    """One file of events."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def take(self, lines: Sequence[Line], write: bool) -> Outcome:
        """Stores the events; a dry run does the same and takes it back."""
        outcome = Outcome()
        items: list[tuple[Line, Item]] = []
        for line in lines:
            item = self._item(line, outcome)
            if item is not None:
                items.append((line, item))
        try:
            with transaction.atomic():
                for (line, _), result in zip(
                    items, ingest(self._options.organization, [item for _, item in items]), strict=True
                ):
                    if result.status == "stored":
                        outcome.created += 1
                    elif result.status == "duplicate":
                        outcome.unchanged += 1
                    else:
                        outcome.refuse(line, {result.field if result.field in _KEYS else "": result.message})
                if not write:
                    raise _Undo
        except _Undo:
            pass
        outcome.problems.sort(key=lambda problem: problem.row)
        return outcome

    def _item(self, line: Line, outcome: Outcome) -> Item | None:
        cells = line.cells
        problems: dict[str, str] = {}
        timestamp, quantity = None, 1
        try:
            at = cells.get("timestamp", "")
            # Without a time every import would count the same event again.
            if not at:
                raise ValueError("The time is missing.")
            timestamp = round(self._options.spelling.moment(at).timestamp() * 1000)
        except (ValueError, OverflowError) as error:
            problems["timestamp"] = str(error)
        try:
            if cells.get("quantity"):
                text = self._options.spelling.number(cells["quantity"])
                if not re.fullmatch(r"\d{1,15}(\.0*)?", text):
                    raise ValueError
                quantity = int(text.split(".")[0])
        except ValueError:
            problems["quantity"] = "The quantity is no whole number of at least 1."
        if problems:
            outcome.refuse(line, problems)
            return None
        return Item(
            user=cells.get("userId", ""),
            usage_type=cells.get("usageType", ""),
            timestamp=timestamp,
            match_on=self._options.match_on,
            external_id=cells.get("id", ""),
            quantity=quantity,
        )


_KEYS = {column.key for column in _COLUMNS}

USAGE = register(
    Target(
        name="usage",
        label="Usage events",
        columns=lambda: list(_COLUMNS),
        start=_Session,
        needs=(("userId",), ("usageType",), ("timestamp",)),
    )
)
