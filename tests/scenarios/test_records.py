"""Customers and users follow Intercom by the field rules."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from startdeliver.common import clock
from startdeliver.sync.models import IntercomCompany, IntercomContact

from .story import Story


def again(story: Story) -> None:
    """A run with the daily sweep."""
    story.connection.swept_at = None
    story.connection.save(update_fields=["swept_at"])
    story.intercom.scroll.drop()
    story.sync(messages=False)


def test_core_fields_come_in_and_stay_aligned(story: Story) -> None:
    acme = story.customer("acme", external_id="acme")
    ann = story.user("ann@acme.example", acme)
    company = story.workspace.add_company(
        "Acme Ltd", "acme", website="https://acme.example", plan="Pro", size=12, industry="Tools", monthly_spend=99
    )
    story.workspace.tag_company(company.id, "vip")
    contact = story.workspace.add_contact(
        "Ann", "ann@acme.example", external_id="a1", phone="+46", last_seen_at=1_790_000_000, companies=[company]
    )
    story.workspace.tag_contact(contact.id, "champion")
    story.sync(messages=False)
    acme.refresh_from_db()
    ann.refresh_from_db()
    assert (acme.name, acme.website, acme.plan) == ("Acme Ltd", "https://acme.example", "Pro")
    assert (acme.size, acme.industry, acme.monthly_spend) == (12, "Tools", Decimal(99))
    assert (acme.tags, acme.domain) == (["vip"], "acme.example")
    assert (ann.name, ann.phone, ann.external_id, ann.role, ann.tags) == ("Ann", "+46", "a1", "user", ["champion"])
    assert ann.last_seen_at is not None
    assert int(ann.last_seen_at.timestamp()) == 1_790_000_000
    story.workspace.set_contact(contact.id, name="Ann Berg", phone=None)
    story.workspace.set_company(company.id, plan="Basic")
    again(story)
    acme.refresh_from_db()
    ann.refresh_from_db()
    assert (ann.name, ann.phone) == ("Ann Berg", "")
    assert acme.plan == "Basic"


def test_custom_attributes_are_kept(story: Story) -> None:
    story.workspace.define_attribute("company", "tier", "string")
    company = story.workspace.add_company("Acme Ltd", "acme", custom_attributes={"tier": "Gold"})
    story.workspace.add_contact("Ann", "ann@acme.example", companies=[company], custom_attributes={"seat": 4})
    story.sync(messages=False)
    assert IntercomCompany.objects.get().facts["custom_attributes"] == {"tier": "Gold"}
    assert IntercomContact.objects.get().facts["custom_attributes"] == {"seat": 4}


def test_an_edit_here_is_set_right_when_intercom_wins_and_kept_when_not(story: Story) -> None:
    story.set(field_rules={"user.phone": {"rule": "startdeliver"}})
    ann = story.user("ann@acme.example", story.customer())
    story.workspace.add_contact("Ann", "ann@acme.example", phone="1")
    story.sync(messages=False)
    ann.refresh_from_db()
    assert (ann.name, ann.phone) == ("Ann", "")
    ann.name, ann.phone, ann.updated_at = "Edited", "2", clock.now() + timedelta(seconds=1)
    ann.save()
    story.sync(messages=False)
    ann.refresh_from_db()
    assert (ann.name, ann.phone) == ("Ann", "2")


def test_a_changed_rule_applies_from_the_next_sync_on(story: Story) -> None:
    story.set(field_rules={"user.name": {"rule": "fill"}})
    ann = story.user("ann@acme.example", story.customer(), name="Our name")
    story.workspace.add_contact("Ann", "ann@acme.example")
    story.sync(messages=False)
    ann.refresh_from_db()
    assert ann.name == "Our name"
    story.set(field_rules={})
    story.sync(messages=False)
    ann.refresh_from_db()
    assert ann.name == "Ann"


def test_a_changed_address_counts_in_matching_in_the_same_run(story: Story) -> None:
    acme = story.customer()
    ann = story.user("old@acme.example", acme)
    first = story.workspace.add_contact("Ann", "old@acme.example")
    story.sync(messages=False)
    story.workspace.set_contact(first.id, email="new@acme.example")
    twin = story.workspace.add_contact("Ann's twin", "new@acme.example", role="lead")
    asked = story.workspace.add_conversation([twin])
    story.sync(messages=False)
    assert story.ticket(asked).users.get() == ann


def test_a_taken_external_id_never_crashes(story: Story) -> None:
    acme = story.customer()
    one = story.user("one@acme.example", acme)
    other = story.user("other@acme.example", acme, external_id="x1")
    contact = story.workspace.add_contact("One", "one@acme.example", external_id=None)
    story.sync(messages=False)
    story.workspace.set_contact(contact.id, external_id="x1")
    run = story.sync(messages=False)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.external_id, other.external_id) == (None, "x1")
    assert any("belongs to another user" in warning for warning in run.warnings)


def test_all_companies_of_a_contact_with_many(story: Story) -> None:
    story.set(create_contacts=True)
    companies = [story.workspace.add_company(f"C{n}", f"c{n}") for n in range(13)]
    last = story.customer("Last", external_id="c12")
    contact = story.workspace.add_contact("Ann", "ann@x.example", companies=companies)
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    assert story.ticket(asked).customer == last


def test_a_company_that_was_never_listed_is_asked_for(story: Story) -> None:
    story.set(create_contacts=True)
    acme = story.customer(external_id="late")
    story.sync(messages=False)
    company = story.workspace.add_company("Late Ltd", "late")
    contact = story.workspace.add_contact("Ann", "ann@x.example", companies=[company])
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    assert story.ticket(asked).customer == acme
