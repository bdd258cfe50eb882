"""Saved lists: a named view of the customers list, one's own or shared with the organization.

Who changes one: its owner, and administrators those that are shared. Lite members have their own and use shared ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Q

from startdeliver.common import clock
from startdeliver.common.values import FieldError, Text, clean
from startdeliver.customers.models import SavedList
from startdeliver.tenancy.models import Member

MOST = 50
_NAME = Text(60, required="Enter a name for the list.")


def lists_of(member: Member) -> list[SavedList]:
    """The member's own lists and those shared with it, by name."""
    rows = SavedList.objects.filter(Q(owner=member) | Q(shared=True)).select_related("owner")
    return sorted(rows, key=lambda one: (one.name.casefold(), one.pk))


def list_for(member: Member, pk: int) -> SavedList | None:
    """The list with this id when the member may see it."""
    return SavedList.objects.filter(Q(owner=member) | Q(shared=True), pk=pk).first()


def may_change(member: Member, saved: SavedList) -> bool:
    """Whether `member` may rename, overwrite, share and delete the list."""
    if saved.organization_id != member.organization_id:
        return False
    if saved.shared and not member.can_write:
        return False
    return saved.owner_id == member.pk or (saved.shared and member.is_administrator)


def list_create(
    *, member: Member, name: str, shared: bool, asks: Mapping[str, Sequence[str]], columns: Sequence[str], sort: str
) -> SavedList:
    """A new list of the member's. Raises FieldError."""
    if SavedList.objects.filter(owner=member).count() >= MOST:
        raise FieldError({"name": f"You have {MOST} lists already. Delete one that you no longer need."})
    saved = SavedList(organization_id=member.organization_id, owner=member, updated_by=member.email)
    _name(saved, member, name, shared)
    saved.asks, saved.columns, saved.sort = _plain(asks), list(columns)[:60], sort[:100]
    saved.save()
    return saved


def list_update(
    *, saved: SavedList, member: Member, asks: Mapping[str, Sequence[str]], columns: Sequence[str], sort: str
) -> None:
    """Makes the list show what the member looks at now."""
    saved.asks, saved.columns, saved.sort = _plain(asks), list(columns)[:60], sort[:100]
    _save(saved, member)


def list_rename(*, saved: SavedList, member: Member, name: str, shared: bool) -> None:
    """Changes the name, and who sees the list. Raises FieldError."""
    _name(saved, member, name, shared)
    _save(saved, member)


def _name(saved: SavedList, member: Member, name: str, shared: bool) -> None:
    cleaned, errors = clean({"name": _NAME}, {"name": name})
    if errors:
        raise FieldError(errors)
    line = cleaned["name"]
    if shared and not member.can_write:
        raise FieldError({"shared": "Your member type is Lite: your lists are your own."})
    others = SavedList.objects.filter(Q(owner=saved.owner) | Q(shared=True)).exclude(pk=saved.pk)
    if line.casefold() in {other.casefold() for other in others.values_list("name", flat=True)}:
        raise FieldError({"name": "There is a list of this name already. Use another name."})
    saved.name, saved.shared = line, shared


def _plain(asks: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {key[:120]: [value[:500] for value in values][:20] for key, values in list(asks.items())[:60]}


def _save(saved: SavedList, member: Member) -> None:
    saved.updated_at, saved.updated_by = clock.now(), member.email
    saved.save()
