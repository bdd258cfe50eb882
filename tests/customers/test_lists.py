"""Saved lists: whose they are, who may change them."""

from __future__ import annotations

import pytest

from startdeliver.customers.lists import list_create, list_for, list_rename, list_update, lists_of, may_change
from startdeliver.customers.models import SavedList
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope


def make(member: Member, name: str = "Mine", shared: bool = False) -> SavedList:
    return list_create(member=member, name=name, shared=shared, asks={"csm": ["me"]}, columns=["arr"], sort="-arr")


def test_an_own_list_is_seen_by_its_owner_and_a_shared_one_by_all(
    scoped: Organization, csm: Member, administrator: Member, lite: Member
) -> None:
    own, shared = make(csm, "own"), make(csm, "Shared", shared=True)
    assert lists_of(csm) == [own, shared]
    for member in (administrator, lite):
        assert lists_of(member) == [shared]
        assert list_for(member, own.pk) is None
    assert [may_change(member, shared) for member in (csm, administrator, lite)] == [True, True, False]
    assert not may_change(administrator, own)


def test_lite_members_have_their_own_lists_only(scoped: Organization, lite: Member) -> None:
    saved = make(lite, "Mine")
    assert may_change(lite, saved)
    with pytest.raises(FieldError, match="Lite"):
        make(lite, "Ours", shared=True)
    with pytest.raises(FieldError, match="Lite"):
        list_rename(saved=saved, member=lite, name="Mine", shared=True)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "mine", "SHARED"])
def test_a_name_must_tell_lists_apart(scoped: Organization, csm: Member, administrator: Member, name: str) -> None:
    make(csm)
    make(administrator, "Shared", shared=True)
    with pytest.raises(FieldError):
        make(csm, name)
    assert SavedList.objects.count() == 2


def test_a_list_is_overwritten_and_renamed(scoped: Organization, csm: Member) -> None:
    saved = make(csm)
    list_update(saved=saved, member=csm, asks={"health": ["poor"]}, columns=[], sort="worse")
    list_rename(saved=saved, member=csm, name="Renamed", shared=True)
    saved.refresh_from_db()
    assert (saved.name, saved.shared, saved.asks, saved.columns) == ("Renamed", True, {"health": ["poor"]}, [])


def test_another_organizations_lists_do_not_exist(
    scoped: Organization, csm: Member, outsider: Member, other_organization: Organization
) -> None:
    shared = make(csm, shared=True)
    with organization_scope(other_organization):
        assert lists_of(outsider) == []
        assert list_for(outsider, shared.pk) is None
    assert not may_change(outsider, shared)
