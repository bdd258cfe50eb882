"""Customers and users from rows, in sets: found by their keys, compared, and written in a handful of statements.

A row is matched by its external id; if that is new or missing, a customer by its name and a user by its e-mail address,
but never one that has another external id. What matches several records is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from django.db.models import QuerySet

from startdeliver.common import clock
from startdeliver.common.values import Kind, Text
from startdeliver.customers import custom
from startdeliver.customers.custom import FieldValue
from startdeliver.customers.fields import fields_of
from startdeliver.customers.imports.targets import Column, Line, Options, Outcome, Target, register
from startdeliver.customers.models import Customer, CustomerUser, email_key
from startdeliver.customers.values import CUSTOMER_FIELDS, USER_FIELDS
from startdeliver.storage import bulk
from startdeliver.storage.sql import among
from startdeliver.tenancy.models import Member

R = TypeVar("R", Customer, CustomerUser)

# Cells of a user's row that name its customer or are parts of its name.
_PARTS = dict.fromkeys(("first_name", "last_name", "customer_external_id", "customer_name"), Text(255))
# Heads are in English, German and French; case, accents and punctuation do not matter (`targets.guess`).
_CUSTOMER_ID = (
    "kundennummer,kunden-nr,kunden-id,firmen-id,numéro client,numéro de client,n° client,id client,code client,"
    "identifiant client,id société"
)
_COMPANY = "kunde,kundenname,firma,firmenname,unternehmen,client,nom du client,société,entreprise,raison sociale,compte"
_CUSTOMER_HEADS = {
    "name": ("Name", f"customer,customer name,company,company name,account,account name,{_COMPANY},nom"),
    "external_id": (
        "Your ID",
        f"id,external id,customer id,company id,account id,customer number,{_CUSTOMER_ID},externe id,identifiant",
    ),
    "csm": (
        "CSM",
        "csm email,owner,owner email,account manager,kundenbetreuer,betreuer,verantwortlich,responsable,"
        "responsable de compte,gestionnaire de compte,chargé de compte",
    ),
    "arr": (
        "ARR",
        "annual recurring revenue,annual revenue,contract value,jahresumsatz,vertragswert,revenu annuel,"
        "revenu annuel récurrent,chiffre d'affaires annuel,valeur du contrat",
    ),
    "renewal_date": (
        "Renewal date",
        "renewal,renews on,contract end,end date,verlängerung,verlängerungsdatum,vertragsende,renouvellement,"
        "date de renouvellement,fin de contrat,échéance,date d'échéance",
    ),
    "domain": ("Domain", "email domain,company domain,domäne,domaine"),
    "website": ("Website", "url,web,homepage,webseite,site web,site internet"),
    "plan": ("Plan", "subscription,package,tarif,paket,abo,abonnement,forfait"),
    "industry": ("Industry", "sector,branch,branche,secteur,secteur d'activité"),
    "size": (
        "Employees",
        "employee count,headcount,number of employees,company size,mitarbeiter,mitarbeiterzahl,anzahl mitarbeiter,"
        "effectif,effectifs,employés,nombre d'employés,salariés",
    ),
    "monthly_spend": ("Monthly spend", "mrr,monthly revenue,monatsumsatz,dépenses mensuelles,revenu mensuel"),
}
_USER_HEADS = {
    "name": (
        "Name",
        "full name,user,user name,contact,contact name,benutzer,nutzer,kontakt,ansprechpartner,vollständiger name,"
        "utilisateur,nom complet",
    ),
    "first_name": ("First name", "given name,firstname,vorname,prénom"),
    "last_name": ("Last name", "surname,family name,lastname,nachname,nom,nom de famille"),
    "email": (
        "E-mail",
        "mail,e-mail address,email address,user email,e-mail-adresse,mailadresse,courriel,adresse e-mail,adresse mail,"
        "adresse électronique",
    ),
    "external_id": (
        "Your ID",
        "id,external id,user id,contact id,benutzer-id,nutzer-id,externe id,identifiant,id utilisateur,"
        "identifiant utilisateur",
    ),
    "customer_external_id": ("Customer’s ID", f"customer id,company id,account id,customer external id,{_CUSTOMER_ID}"),
    "customer_name": ("Customer’s name", f"customer,company,company name,account,{_COMPANY}"),
    "phone": ("Phone", "telephone,mobile,phone number,telefon,telefonnummer,téléphone,portable"),
    "is_stakeholder": ("Stakeholder", "is stakeholder,decision maker,entscheider,décideur"),
    "is_non_user": ("Non-user", "is non user"),
    "has_left_at": ("Has left", "left,inactive,ausgeschieden,parti"),
}
_AMBIGUOUS_NAME = "Several customers have this name. Give the row the customer's ID, so that it is clear which one."
_AMBIGUOUS_EMAIL = "Several users have this e-mail address. Give the row the user's ID, so that it is clear which one."
_REMEMBERED_CELLS = 20_000


def customer_columns() -> list[Column]:
    """The columns that a file of customers may have."""
    return _columns("customer", _CUSTOMER_HEADS, CUSTOMER_FIELDS)


def user_columns() -> list[Column]:
    """The columns that a file of users may have."""
    return _columns("user", _USER_HEADS, USER_FIELDS | _PARTS)


def _columns(entity: str, heads: Mapping[str, tuple[str, str]], kinds: Mapping[str, Kind]) -> list[Column]:
    own = [Column(field.alias, field.name, custom.kind_of(field), group="Your fields") for field in fields_of(entity)]
    return [Column(key, label, kinds[key], names) for key, (label, names) in heads.items()] + own


class _Stub(NamedTuple):
    """A record that a dry run would have made; whole records of a long file would not fit into memory."""

    external_id: str | None


K = TypeVar("K", Customer, CustomerUser, _Stub)


class _Index(Generic[K]):
    """Records by external id and by a second key (name or e-mail); more than one may have the same second key."""

    def __init__(self) -> None:
        self.by_id: dict[str, K] = {}
        self.by_key: dict[str, list[K]] = {}

    def add(self, record: K, key: str) -> None:
        if record.external_id:
            self.by_id[record.external_id] = record
        if key:
            others = self.by_key.setdefault(key, [])
            if not any(other is record for other in others):
                others.append(record)

    def find(self, external_id: str | None, key: str) -> tuple[K | None, bool]:
        """The record, and whether several fit."""
        if external_id and (record := self.by_id.get(external_id)):
            return record, False
        records = self.by_key.get(key, ()) if key else ()
        fitting = [record for record in records if not (external_id and record.external_id)]
        return (fitting[0] if len(fitting) == 1 else None), len(fitting) > 1


@dataclass(slots=True)
class _Row:
    """A line as it was read: values by field, and a sentence for each cell that is refused."""

    line: Line
    values: dict[str, Any]
    refused: dict[str, str]


class _Records(Generic[R]):
    """What customers and users have in common."""

    entity: str
    model: type[R]
    ambiguous: tuple[str, str]
    columns: Callable[[], list[Column]]

    def __init__(self, options: Options) -> None:
        self._options = options
        self._kinds = {column.key: column.kind for column in type(self).columns()}
        self._custom = {field.alias: field for field in fields_of(self.entity)}
        self._required = [field for field in self._custom.values() if field.required]
        # Columns repeat themselves, so what a text stands for is remembered.
        self._cells: dict[tuple[str, str], tuple[Any, str]] = {}
        # Only a dry run looks back: what it would have made is not in the database.
        self._seen: _Index[_Stub] = _Index()
        self._locking = False

    def take(self, lines: Sequence[Line], write: bool) -> Outcome:
        outcome = Outcome()
        self._locking = write
        rows = [self._read(line) for line in lines]
        self.prepare([row.values for row in rows])
        index = self._load([row.values for row in rows])
        new: list[R] = []
        changed: dict[R, set[str]] = {}
        own: list[tuple[R, str]] = []
        for row in rows:
            values = row.values
            external_id, key = values.get("external_id"), self.second_key(values)
            record, several = index.find(external_id, key)
            problems = self._not_stored(record, row) or self.complete(values)
            if problems:
                record, several = None, False
            elif record is None and not several and not write:
                earlier, several = self._seen.find(external_id, key)
                if earlier is not None:
                    outcome.updated += 1
                    continue
            if several:
                problems = {self.ambiguous[0]: self.ambiguous[1]}
            is_new = record is None
            if record is None and not problems:
                record = self.model(organization=self._options.organization)
                problems = self.lacks(values)
            if problems or record is None:
                outcome.refuse(row.line, problems)
                continue
            names = self._apply(record, values, own)
            if is_new:
                new.append(record)
                outcome.created += 1
            elif names:
                outcome.updated += 1
                if record.pk is not None:
                    changed.setdefault(record, set()).update(names)
            else:
                outcome.unchanged += 1
            index.add(record, self.key_of(record))
        if write:
            self._write(new, changed, own)
        else:
            for record in new:
                self._seen.add(_Stub(record.external_id), self.key_of(record))
        return outcome

    def _read(self, line: Line) -> _Row:
        """The row's values. Empty cells are left out: they change nothing."""
        row = _Row(line, {}, {})
        cells = self._cells
        for key, text in line.cells.items():
            if not text:
                continue
            cell = cells.get((key, text))
            if cell is None:
                cell = self._cell(key, text)
                if len(cells) < _REMEMBERED_CELLS:
                    cells[(key, text)] = cell
            if cell[1]:
                row.refused[key] = cell[1]
            else:
                row.values[key] = cell[0]
        return row

    def _cell(self, key: str, text: str) -> tuple[Any, str]:
        """The value of a cell, and the sentence when it has none."""
        try:
            value = self._kinds[key].read_cell(text, self._options.spelling)
        except ValueError as error:
            return None, str(error)
        return (custom.json_value(value) if key in self._custom else value), ""

    def _not_stored(self, record: R | None, row: _Row) -> dict[str, str]:
        """The refused cells without those whose text the record has already: an option of a dropdown that was removed
        since, or a CSM who was archived, is no reason to refuse a file that was exported here.
        """
        if record is None:
            return row.refused
        return {key: why for key, why in row.refused.items() if not self.has(record, key, row.line.cells[key])}

    def has(self, record: R, key: str, text: str) -> bool:
        """Whether the record has this already, in a field that would not take it any more."""
        return key in self._custom and record.custom.get(key) == text

    def prepare(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Looks up in one go what `complete` needs."""

    def complete(self, values: dict[str, Any]) -> dict[str, str]:
        """Adds values that follow from cells about other records; returns sentences by field when that fails."""
        return {}

    def lacks(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What a new record lacks, by field."""
        return {field.alias: custom.needed(field) for field in self._required if values.get(field.alias) is None}

    def key_of(self, record: R) -> str:
        raise NotImplementedError

    def second_key(self, values: Mapping[str, Any]) -> str:
        raise NotImplementedError

    def load_by_key(self, keys: set[str]) -> QuerySet[R]:
        raise NotImplementedError

    def _load(self, rows: Sequence[Mapping[str, Any]]) -> _Index[R]:
        """The stored records that the rows may mean, by their keys; by the second one only where no ID finds one."""
        index: _Index[R] = _Index()
        records: dict[int, R] = {}
        if ids := {values["external_id"] for values in rows if values.get("external_id")}:
            for record in self._fetch(self.model.objects.filter(among("external_id", ids))):
                records[record.pk] = record
        known = {record.external_id for record in records.values()}
        others = [values for values in rows if values.get("external_id") not in known]
        if keys := {key for values in others if (key := self.second_key(values))}:
            for record in self._fetch(self.load_by_key(keys)):
                records.setdefault(record.pk, record)
        for record in records.values():
            index.add(record, self.key_of(record))
        return index

    def _fetch(self, query: QuerySet[R]) -> QuerySet[R]:
        return query.select_for_update() if self._locking else query

    def _apply(self, record: R, values: Mapping[str, Any], own: list[tuple[R, str]]) -> list[str]:
        """Sets what differs; returns the names of the columns. Adds custom fields (by alias) to `own`."""
        now = clock.now()
        names: list[str] = []
        sourced: list[str] = []
        for name, value in values.items():
            if name in self._custom:
                if record.custom.get(name) != value:
                    record.custom = {**record.custom, name: value}
                    own.append((record, name))
                    sourced.append(name)
            elif name not in _PARTS:
                if name == "has_left_at" and (value is None) == (record.__dict__.get(name) is None):
                    continue
                stored = f"{name}_id" if name in ("csm", "customer") else name
                plain = value.pk if isinstance(value, Member) else value
                if getattr(record, stored) != plain:
                    setattr(record, stored, plain)
                    names.append(name)
                    if value not in (None, "", False) or record.pk is not None:
                        sourced.append(name)
        if not names and not sourced:
            return []
        source = {"source": "csv", "at": now.isoformat(), "by": self._options.by}
        record.field_sources = {**record.field_sources, **dict.fromkeys(sourced, source)}
        record.updated_at, record.updated_by = now, self._options.by
        more: list[str] = ["custom"] if any(name in self._custom for name in sourced) else []
        return [*names, *more, "field_sources", "updated_at", "updated_by"]

    def _write(self, new: list[R], changed: Mapping[R, set[str]], own: Sequence[tuple[R, str]]) -> None:
        for records in (new, changed):
            for record in records:
                self.before_write(record)
        bulk.create(new)
        if changed:
            names = set().union(*changed.values())
            bulk.save(list(changed), names | self.follows(names))
        values = {(record.pk, alias): record.custom[alias] for record, alias in own}
        custom.write_many(
            self.entity, [FieldValue(pk, self._custom[alias], value) for (pk, alias), value in values.items()]
        )

    def before_write(self, record: R) -> None:
        """Sets what follows from other columns."""

    def follows(self, columns: set[str]) -> set[str]:
        """Columns that change when `columns` do."""
        return set()


class Customers(_Records[Customer]):
    """One file of customers."""

    entity = "customer"
    model = Customer
    ambiguous = ("name", _AMBIGUOUS_NAME)
    columns = staticmethod(customer_columns)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        former = Member.objects.filter(organization=self._options.organization, archived_at__isnull=False)
        self._former = {email.casefold(): pk for email, pk in former.values_list("email", "pk")}

    def has(self, record: Customer, key: str, text: str) -> bool:
        if key == "csm":
            return record.csm_id is not None and record.csm_id == self._former.get(text.casefold())
        return super().has(record, key, text)

    def lacks(self, values: Mapping[str, Any]) -> dict[str, str]:
        problems = super().lacks(values)
        if not values.get("name"):
            problems["name"] = "There is no customer with this ID yet, and a new one needs a name."
        return problems

    def key_of(self, record: Customer) -> str:
        return record.name if record.archived_at is None else ""

    def second_key(self, values: Mapping[str, Any]) -> str:
        return str(values.get("name") or "")

    def load_by_key(self, keys: set[str]) -> QuerySet[Customer]:
        return Customer.objects.filter(among("name", keys), archived_at__isnull=True)


class Users(_Records[CustomerUser]):
    """One file of users."""

    entity = "user"
    model = CustomerUser
    ambiguous = ("email", _AMBIGUOUS_EMAIL)
    columns = staticmethod(user_columns)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        # Ids only: whole customers of a long file would not fit into memory.
        self._customers_by_id: dict[str, int | None] = {}
        self._customers_by_name: dict[str, list[int]] = {}

    def prepare(self, rows: Sequence[Mapping[str, Any]]) -> None:
        ids = {str(values["customer_external_id"]) for values in rows if values.get("customer_external_id")}
        if ids := ids - self._customers_by_id.keys():
            self._customers_by_id |= dict.fromkeys(ids)
            for name, pk in Customer.objects.filter(among("external_id", ids)).values_list("external_id", "pk"):
                self._customers_by_id[str(name)] = pk
        names = {str(values["customer_name"]) for values in rows if values.get("customer_name")}
        if names := names - self._customers_by_name.keys():
            self._customers_by_name |= {name: [] for name in names}
            named = Customer.objects.filter(among("name", names), archived_at__isnull=True)
            for name, pk in named.values_list("name", "pk"):
                self._customers_by_name[name].append(pk)

    def complete(self, values: dict[str, Any]) -> dict[str, str]:
        if not values.get("name"):
            parts = [str(values.get(part) or "") for part in ("first_name", "last_name")]
            if any(parts):
                values["name"] = " ".join(part for part in parts if part)
        external_id, name = values.get("customer_external_id"), values.get("customer_name")
        if external_id:
            customer = self._customers_by_id.get(str(external_id))
            if customer is None:
                return {"customer_external_id": "There is no customer with this ID. Import the customers first."}
            values["customer"] = customer
        elif name:
            fitting = self._customers_by_name.get(str(name), [])
            if len(fitting) != 1:
                none = "There is no customer with this name. Import the customers first, or use the customer's ID."
                return {"customer_name": _AMBIGUOUS_NAME if fitting else none}
            values["customer"] = fitting[0]
        return {}

    def lacks(self, values: Mapping[str, Any]) -> dict[str, str]:
        problems = super().lacks(values)
        if not any(values.get(name) for name in ("name", "email", "external_id")):
            problems["email"] = "The row has neither an e-mail address nor a name nor an ID."
        return problems

    def key_of(self, record: CustomerUser) -> str:
        return email_key(record.email)

    def second_key(self, values: Mapping[str, Any]) -> str:
        return email_key(values.get("email"))

    def load_by_key(self, keys: set[str]) -> QuerySet[CustomerUser]:
        return CustomerUser.objects.filter(among("email_key", keys), archived_at__isnull=True)

    def before_write(self, record: CustomerUser) -> None:
        record.email_key = email_key(record.email)

    def follows(self, columns: set[str]) -> set[str]:
        return {"email_key"} if "email" in columns else set()


CUSTOMERS = register(Target("customer", "Customers", customer_columns, Customers, needs=(("name", "external_id"),)))
USERS = register(
    Target("user", "Users", user_columns, Users, needs=(("email", "external_id", "name", "first_name", "last_name"),))
)
