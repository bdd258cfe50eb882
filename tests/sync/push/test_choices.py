"""What goes out: defaults, names, consent, and that only the advanced tier may choose."""

from __future__ import annotations

import pytest

from startdeliver.customers import fields
from startdeliver.sync.models import PushField
from startdeliver.sync.push import choices
from startdeliver.tenancy.models import Organization


@pytest.fixture
def advanced(scoped: Organization) -> Organization:
    scoped.advanced = True
    scoped.save()
    return scoped


def save(organization: Organization, *ticked: str, **more: object) -> None:
    choices.save(organization, by="ada", ticked=ticked, **more)  # type: ignore[arg-type]


def names() -> dict[str, str]:
    return {f"{one.model}.{one.source}": one.name for one in PushField.objects.all()}


def test_the_defaults_on_unlocking(advanced: Organization) -> None:
    fields.field_create(organization=advanced, by="ada", entity="customer", name="Region", type="text")
    assert {one.key for one in choices.choices(advanced) if one.field.ticked} == {
        "company.usage_health",
        "company.support_health",
        "company.last_login",
        "company.link",
        "contact.last_login",
    }


def test_the_locked_tier_chooses_nothing(scoped: Organization) -> None:
    with pytest.raises(choices.Locked, match="To access it, contact"):
        save(scoped, "company.link")
    assert choices.going(scoped, accepted_only=False) == []


def test_names_are_unique_and_dates_end_in_at(advanced: Organization) -> None:
    rows = choices.choices(advanced)
    assert len({one.field.name for one in rows}) == len(rows)
    with pytest.raises(choices.ChoiceError) as error:
        save(advanced, names={"company.last_login": "login", "company.link": "a.b", "contact.link": "x"})
    assert error.value.errors == {
        "company.last_login": "The name of a date must end in _at.",
        "company.link": "Intercom takes letters, digits, spaces, hyphens and underscores in a name.",
    }
    assert not PushField.objects.exists()


def test_the_prefix_changes_names_that_are_not_in_intercom_yet(advanced: Organization) -> None:
    save(advanced, "company.link")
    PushField.objects.filter(model="company", source="usage_health").update(defined_at="2026-11-01T00:00Z")
    save(advanced, "company.link", prefix="acme_", names=names())
    found = names()
    assert found["company.link"] == "acme_link"
    assert found["company.usage_health"] == "startdeliver_usage_health"


def test_two_names_may_be_exchanged(advanced: Organization) -> None:
    save(advanced, names={"company.link": "one", "contact.link": "two"})
    save(advanced, names={"company.link": "two", "contact.link": "one"})
    assert (names()["company.link"], names()["contact.link"]) == ("two", "one")


def test_unticking_takes_the_consent_back(advanced: Organization) -> None:
    save(advanced, "company.link")
    choices.accept(advanced, "ada")
    assert [one.key for one in choices.going(advanced, accepted_only=True)] == ["company.link"]
    save(advanced)
    save(advanced, "company.link")
    assert choices.going(advanced, accepted_only=True) == []
    assert len(choices.going(advanced, accepted_only=False)) == 1
