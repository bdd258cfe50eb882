"""Customers and users from rows, in sets: found by their keys, compared, and written in a handful of statements.

A row is matched by its external id; if that is new or missing, a customer by its name and a user by its e-mail address,
but never one that has another external id. What matches several records is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet

from startdeliver.common import clock
from startdeliver.customers import custom, services
from startdeliver.customers import values as clean
from startdeliver.customers.imports.reading import Reader, custom_columns
from startdeliver.customers.imports.targets import Column, Line, Options, Outcome, Target, register
from startdeliver.customers.models import Customer, CustomerUser, email_key
from startdeliver.customers.services import FieldError
from startdeliver.storage import bulk
from startdeliver.storage.sql import among
from startdeliver.tenancy.models import Member, Organization

R = TypeVar("R", Customer, CustomerUser)

# Heads are in English, German and French; case, accents and punctuation do not matter (`targets.guess`).
_CUSTOMER_ID = (
    *("kundennummer", "kunden-nr", "kunden-id", "firmen-id", "numéro client", "numéro de client", "n° client"),
    *("id client", "code client", "identifiant client", "id société"),
)
_COMPANY = (
    *("kunde", "kundenname", "firma", "firmenname", "unternehmen", "client", "nom du client", "société"),
    *("entreprise", "raison sociale", "compte"),
)
_CUSTOMER_COLUMNS = [
    Column(
        "name",
        "Name",
        heads=("customer", "customer name", "company", "company name", "account", "account name", *_COMPANY, "nom"),
    ),
    Column(
        "external_id",
        "Your ID",
        heads=(
            *("id", "external id", "customer id", "company id", "account id", "customer number"),
            *(*_CUSTOMER_ID, "externe id", "identifiant"),
        ),
        help="Rows are matched by it first.",
    ),
    Column(
        "csm",
        "CSM",
        "email",
        (
            *("csm email", "owner", "owner email", "account manager", "kundenbetreuer", "betreuer", "verantwortlich"),
            *("responsable", "responsable de compte", "gestionnaire de compte", "chargé de compte"),
        ),
        help="A member's e-mail.",
    ),
    Column(
        "arr",
        "ARR",
        "number",
        (
            *("annual recurring revenue", "annual revenue", "contract value", "jahresumsatz", "vertragswert"),
            *("revenu annuel", "revenu annuel récurrent", "chiffre d'affaires annuel", "valeur du contrat"),
        ),
    ),
    Column(
        "renewal_date",
        "Renewal date",
        "date",
        (
            *("renewal", "renews on", "contract end", "end date", "verlängerung", "verlängerungsdatum", "vertragsende"),
            *("renouvellement", "date de renouvellement", "fin de contrat", "échéance", "date d'échéance"),
        ),
    ),
    Column("domain", "Domain", heads=("email domain", "company domain", "domäne", "domaine")),
    Column("website", "Website", heads=("url", "web", "homepage", "webseite", "site web", "site internet")),
    Column("plan", "Plan", heads=("subscription", "package", "tarif", "paket", "abo", "abonnement", "forfait")),
    Column("industry", "Industry", heads=("sector", "branch", "branche", "secteur", "secteur d'activité")),
    Column(
        "size",
        "Employees",
        "number",
        (
            *("employee count", "headcount", "number of employees", "company size", "mitarbeiter", "mitarbeiterzahl"),
            *("anzahl mitarbeiter", "effectif", "effectifs", "employés", "nombre d'employés", "salariés"),
        ),
    ),
    Column(
        "monthly_spend",
        "Monthly spend",
        "number",
        ("mrr", "monthly revenue", "monatsumsatz", "dépenses mensuelles", "revenu mensuel"),
    ),
]
_USER_COLUMNS = [
    Column(
        "name",
        "Name",
        heads=(
            *("full name", "user", "user name", "contact", "contact name", "benutzer", "nutzer", "kontakt"),
            *("ansprechpartner", "vollständiger name", "utilisateur", "nom complet"),
        ),
    ),
    Column(
        "first_name",
        "First name",
        heads=("given name", "firstname", "vorname", "prénom"),
        help="Joined with the last name.",
    ),
    Column("last_name", "Last name", heads=("surname", "family name", "lastname", "nachname", "nom", "nom de famille")),
    Column(
        "email",
        "E-mail",
        "email",
        (
            *("mail", "e-mail address", "email address", "user email", "e-mail-adresse", "mailadresse"),
            *("courriel", "adresse e-mail", "adresse mail", "adresse électronique"),
        ),
    ),
    Column(
        "external_id",
        "Your ID",
        heads=(
            *("id", "external id", "user id", "contact id", "benutzer-id", "nutzer-id", "externe id"),
            *("identifiant", "id utilisateur", "identifiant utilisateur"),
        ),
        help="Matched by it first.",
    ),
    Column(
        "customer_external_id",
        "Customer’s ID",
        heads=("customer id", "company id", "account id", "customer external id", *_CUSTOMER_ID),
    ),
    Column("customer_name", "Customer’s name", heads=("customer", "company", "company name", "account", *_COMPANY)),
    Column(
        "phone",
        "Phone",
        heads=("telephone", "mobile", "phone number", "telefon", "telefonnummer", "téléphone", "portable"),
    ),
    Column("is_stakeholder", "Stakeholder", "flag", ("is stakeholder", "decision maker", "entscheider", "décideur")),
    Column("is_non_user", "Non-user", "flag", ("is non user",)),
    Column("has_left_at", "Has left", "flag", ("left", "inactive", "ausgeschieden", "parti")),
]
_AMBIGUOUS_NAME = "Several customers have this name. Give the row the customer's ID, so that it is clear which one."
_AMBIGUOUS_EMAIL = "Several users have this e-mail address. Give the row the user's ID, so that it is clear which one."
_STORED_ONCE = frozenset({"first_name", "last_name", "customer_external_id", "customer_name"})


class _Index(Generic[R]):
    """Records by external id and by a second key (name or e-mail); more than one may have the same second key."""

    def __init__(self) -> None:
        self.by_id: dict[str, R] = {}
        self.by_key: dict[str, list[R]] = {}

    def add(self, record: R, key: str) -> None:
        if record.external_id:
            self.by_id[record.external_id] = record
        if key:
            others = self.by_key.setdefault(key, [])
            if not any(other is record for other in others):
                others.append(record)

    def find(self, external_id: str | None, key: str) -> tuple[R | None, bool]:
        """The record, and whether several fit."""
        if external_id and (found := self.by_id.get(external_id)):
            return found, False
        fitting = [one for one in self.by_key.get(key, ()) if not (external_id and one.external_id)] if key else []
        return (fitting[0] if len(fitting) == 1 else None), len(fitting) > 1


class _Seen:
    """The keys of records that a dry run would have made; whole records of a long file would not fit into memory."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._by_key: dict[str, list[str | None]] = {}

    def add(self, external_id: str | None, key: str) -> None:
        if external_id:
            self._ids.add(external_id)
        if key:
            self._by_key.setdefault(key, []).append(external_id)

    def find(self, external_id: str | None, key: str) -> int:
        """How many of them the keys fit."""
        if external_id and external_id in self._ids:
            return 1
        return sum(1 for other in self._by_key.get(key, ()) if not (external_id and other))


class _Records(Generic[R]):
    """What customers and users have in common."""

    entity: str
    model: type[R]
    ambiguous: tuple[str, str]

    def __init__(self, options: Options, columns: list[Column], cleaners: Mapping[str, Any], chosen: frozenset[str]):
        self._options = options
        self._chosen = chosen
        self._reader = Reader(options, columns, cleaners, self.entity)
        self._required = [one for one in self._reader.custom.values() if one.required]
        # Only a dry run looks back: what it would have made is not in the database.
        self._seen = _Seen()
        self._locking = False

    def take(self, lines: Sequence[Line], write: bool) -> Outcome:
        outcome = Outcome()
        self._locking = write
        read: list[tuple[Line, dict[str, Any], dict[str, str]]] = []
        for line in lines:
            values, problems = self._reader.read(line.cells)
            read.append((line, values, problems))
        self.prepare([row[1] for row in read])
        index = self._load([row[1] for row in read])
        new: list[R] = []
        changed: dict[int, tuple[R, set[str]]] = {}
        own: list[tuple[R, Any, Any]] = []
        for line, values, refused in read:
            external_id, key = values.get("external_id"), self.second_key(values)
            record, several = index.find(external_id, key)
            problems = self._unlike(record, line, refused) or self.complete(values)
            if problems:
                record, several = None, False
            earlier = 0 if write or record or several or problems else self._seen.find(external_id, key)
            if several or earlier > 1:
                problems = {self.ambiguous[0]: self.ambiguous[1]}
            if earlier == 1:
                outcome.updated += 1
                continue
            is_new = record is None
            if record is None and not problems:
                record = self.model(organization=self._options.organization)
                problems = self.lacks(values)
            if problems or record is None:
                outcome.refuse(line, problems)
                continue
            names = self._apply(record, values, own)
            if is_new:
                new.append(record)
                outcome.created += 1
            elif names:
                outcome.updated += 1
                if record.pk is not None:
                    changed.setdefault(record.pk, (record, set()))[1].update(names)
            else:
                outcome.unchanged += 1
            index.add(record, self.key_of(record))
        if write:
            self._write(new, list(changed.values()), own)
        else:
            for record in new:
                self._seen.add(record.external_id, self.key_of(record))
        return outcome

    def _unlike(self, record: R | None, line: Line, refused: Mapping[str, str]) -> dict[str, str]:
        """The refused cells without those that say what the record has already: an option of a dropdown that was taken
        away since, or a CSM who was archived, is no reason to refuse a file that was exported here.
        """
        return {
            key: sentence
            for key, sentence in refused.items()
            if record is None or not self.has(record, key, line.cells[key])
        }

    def has(self, record: R, key: str, text: str) -> bool:
        """Whether the record has this already, in a field that would not take it any more."""
        return key in self._reader.custom and record.custom.get(key) == text

    def prepare(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Looks up in one go what `complete` needs."""

    def complete(self, values: dict[str, Any]) -> dict[str, str]:
        """Makes values of cells that speak of something else; gives sentences by field when that fails."""
        return {}

    def lacks(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What a new record lacks, by field."""
        return {one.alias: custom.needed(one) for one in self._required if values.get(one.alias) is None}

    def key_of(self, record: R) -> str:
        raise NotImplementedError

    def second_key(self, values: Mapping[str, Any]) -> str:
        raise NotImplementedError

    def load_by_key(self, keys: set[str]) -> QuerySet[R]:
        raise NotImplementedError

    def _load(self, rows: Sequence[Mapping[str, Any]]) -> _Index[R]:
        """The stored records that the rows may mean, by their keys; by the second one only where no ID finds one."""
        index: _Index[R] = _Index()
        found: dict[int, R] = {}
        if ids := {values["external_id"] for values in rows if values.get("external_id")}:
            for record in self._fetch(self.model.objects.filter(among("external_id", ids))):
                found[record.pk] = record
        known = {record.external_id for record in found.values()}
        others = [values for values in rows if values.get("external_id") not in known]
        if keys := {key for values in others if (key := self.second_key(values))}:
            for record in self._fetch(self.load_by_key(keys)):
                found.setdefault(record.pk, record)
        for record in found.values():
            index.add(record, self.key_of(record))
        return index

    def _fetch(self, query: QuerySet[R]) -> QuerySet[R]:
        return query.select_for_update() if self._locking else query

    def _apply(self, record: R, values: Mapping[str, Any], own: list[tuple[R, Any, Any]]) -> list[str]:
        """Sets what differs; gives the names of the columns."""
        now = clock.now()
        names: list[str] = []
        sourced: list[str] = []
        for name, value in values.items():
            field = self._reader.custom.get(name)
            if field is not None:
                if record.custom.get(name) != value:
                    record.custom = {**record.custom, name: value}
                    own.append((record, field, value))
                    sourced.append(name)
            elif name not in _STORED_ONCE:
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
        more: list[str] = ["custom"] if any(name in self._reader.custom for name in sourced) else []
        return [*names, *more, "field_sources", "updated_at", "updated_by"]

    def _write(self, new: list[R], changed: Sequence[tuple[R, set[str]]], own: Sequence[tuple[R, Any, Any]]) -> None:
        for record in new:
            self.before_write(record)
        bulk.create(new)
        if changed:
            names = set().union(*(names for _, names in changed))
            records = [record for record, _ in changed]
            for record in records:
                self.before_write(record)
            bulk.save(records, names | self.follows(names))
        last = {(record.pk, field.pk): (record.pk, field, value) for record, field, value in own}
        custom.write_many(self.entity, list(last.values()))

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

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
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

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
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
            found = self._customers_by_id.get(str(external_id))
            if found is None:
                return {"customer_external_id": "There is no customer with this ID. Import the customers first."}
            values["customer"] = found
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


def customer_columns() -> list[Column]:
    return [*_CUSTOMER_COLUMNS, *custom_columns("customer")]


def user_columns() -> list[Column]:
    return [*_USER_COLUMNS, *custom_columns("user")]


_PARTS = {
    "first_name": clean.text(255),
    "last_name": clean.text(255),
    "customer_external_id": clean.text(255),
    "customer_name": clean.text(255),
}


def _member(organization: Organization, name: str, value: Any) -> Any:
    if "@" not in str(value):
        raise FieldError({name: "Enter the e-mail address of a member."})
    return clean.member(organization, name, value)


CUSTOMERS = register(
    Target(
        name="customer",
        label="Customers",
        columns=customer_columns,
        start=lambda options, chosen: Customers(
            options, customer_columns(), {**services.CUSTOMER_FIELDS, "csm": _member}, chosen
        ),
        needs=(("name", "external_id"),),
    )
)
USERS = register(
    Target(
        name="user",
        label="Users",
        columns=user_columns,
        start=lambda options, chosen: Users(options, user_columns(), {**services.USER_FIELDS, **_PARTS}, chosen),
        needs=(("email", "external_id", "name", "first_name", "last_name"),),
    )
)
