"""Who a ticket belongs to, and what happens to those that belong to nobody yet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.common import clock
from startdeliver.customers.models import CustomerUser
from startdeliver.support.models import SupportHealth, TicketParticipant
from startdeliver.support.threads import thread_entries
from startdeliver.sync import manual_matching
from startdeliver.sync.models import IntercomContact

from .story import Story


def test_external_id_comes_before_the_address(story: Story) -> None:
    one, other = story.customer("One"), story.customer("Other")
    by_id = story.user("old@one.example", one, external_id="u1")
    story.user("ann@acme.example", other)
    contact = story.workspace.add_contact("Ann", "ann@acme.example", external_id="u1")
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    assert list(story.ticket(asked).users.all()) == [by_id]
    assert story.ticket(asked).customer == one


def test_a_shared_address_is_ambiguous_and_never_guessed(story: Story) -> None:
    story.user("team@acme.example", story.customer("One"))
    story.user("team@acme.example", story.customer("Two"))
    contact = story.workspace.add_contact("Team", "TEAM@acme.example")
    asked = story.workspace.add_conversation([contact])
    story.set(create_contacts=True)
    run = story.sync(messages=False)
    assert story.skips() == {asked.id: "ambiguous"}
    assert run.users_created == 0
    assert IntercomContact.objects.get().match_note == "ambiguous"


def test_one_participant_matches_and_another_is_ambiguous(story: Story) -> None:
    ann = story.user("ann@acme.example", story.customer())
    story.user("team@acme.example")
    story.user("team@acme.example")
    people = [story.workspace.add_contact(n, f"{n}@acme.example") for n in ("ann", "team")]
    asked = story.workspace.add_conversation(people)
    story.sync(messages=False)
    ticket = story.ticket(asked)
    assert list(ticket.users.all()) == [ann]
    assert dict(ticket.participants.values_list("contact_ref", "match")) == {
        people[0].id: "matched",
        people[1].id: "ambiguous",
    }


def test_the_second_unmatched_participant_is_created_too(story: Story) -> None:
    story.set(create_contacts=True)
    story.user("ann@acme.example", story.customer())
    people = [story.workspace.add_contact(n, f"{n}@acme.example") for n in ("ann", "bob")]
    asked = story.workspace.add_conversation(people)
    story.sync(messages=False)
    assert set(story.ticket(asked).users.values_list("email", flat=True)) == {"ann@acme.example", "bob@acme.example"}


def test_several_contacts_with_one_address_are_one_user(story: Story) -> None:
    story.set(create_contacts=True)
    acme, other = story.customer("Acme", external_id="acme"), story.customer("Other", external_id="other")
    companies = {c.external_id: story.workspace.add_company(c.name, str(c.external_id)) for c in (acme, other)}
    lead = story.workspace.add_contact("A lead", "zoe@x.example", role="lead", companies=[companies["other"]])
    user = story.workspace.add_contact("Zoe", "Zoe@x.example", external_id="z", companies=[companies["acme"]])
    asked = [story.workspace.add_conversation([who]) for who in (lead, user)]
    story.sync(messages=False)
    made = CustomerUser.objects.get()
    assert (made.name, made.external_id, made.customer) == ("Zoe", "z", acme)
    assert [story.ticket(one).users.get() for one in asked] == [made, made]


def test_the_conversations_company_comes_first(story: Story) -> None:
    acme, other = story.customer("Acme", external_id="acme"), story.customer("Other")
    story.user("ann@acme.example", other)
    company = story.workspace.add_company("Acme Ltd", "acme")
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    asked = story.workspace.add_conversation([contact], company=company)
    plain = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    assert story.ticket(asked).customer == acme
    assert story.ticket(plain).customer == other


def test_users_of_different_customers_give_the_authors(story: Story) -> None:
    one, two = story.customer("One"), story.customer("Two")
    story.user("ann@one.example", one)
    story.user("bob@two.example", two)
    ann = story.workspace.add_contact("Ann", "ann@one.example")
    bob = story.workspace.add_contact("Bob", "bob@two.example")
    asked = story.workspace.add_conversation([bob, ann])
    story.sync(messages=False)
    assert story.ticket(asked).customer == two


def test_several_matching_companies_leave_the_ticket_unassigned(story: Story) -> None:
    story.set(create_contacts=True)
    companies = [story.workspace.add_company(n, n) for n in ("one", "two")]
    for name in ("one", "two"):
        story.customer(name, external_id=name)
    contact = story.workspace.add_contact("Ann", "ann@x.example", companies=companies)
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    ticket = story.ticket(asked)
    assert ticket.customer is None
    assert ticket.users.get().customer is None


def test_a_skipped_ticket_arrives_once_the_user_exists(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked = story.workspace.add_conversation([contact], "<p>Hello</p>", created_at=int(story.workspace.now()) - 90_000)
    story.sync()
    assert story.skips() == {asked.id: "no_user"}
    acme = story.customer()
    story.user("ZOE@x.example", acme)
    run = story.sync()
    assert story.tickets() == {asked.id}
    assert run.imported == 1
    assert story.skips() == {}
    skip = story.skip(asked)
    assert skip.resolved_at is not None
    assert thread_entries(story.ticket(asked))[0].html == "<p>Hello</p>"
    assert SupportHealth.objects.get(customer=acme).ticket_count == 1


def test_skips_arrive_when_the_switch_is_turned_on(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    story.set(create_contacts=True)
    story.sync(messages=False)
    assert story.tickets() == {asked.id}
    assert story.ticket(asked).users.get().email == "zoe@x.example"


def test_a_ticket_stays_a_ticket_when_the_switch_is_turned_off(story: Story) -> None:
    story.set(create_contacts=True)
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    story.set(create_contacts=False)
    CustomerUser.objects.all().delete()
    story.workspace.reply(asked.id, "<p>More</p>", by=contact)
    story.sync(messages=False)
    assert story.tickets() == {asked.id}
    assert story.skips() == {}


def test_nothing_is_looked_at_again_while_nothing_changed(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    story.workspace.add_conversation([contact], created_at=int(story.workspace.now()) - 90_000)
    story.sync(messages=False)
    story.intercom.log.clear()
    story.sync(messages=False)
    assert story.intercom.log.total <= 10
    assert story.intercom.log.count("GET /conversations/{id}") == 0


def test_a_match_by_hand_imports_at_once(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked, other = (story.workspace.add_conversation([contact], "<p>Hi</p>") for _ in range(2))
    story.sync()
    acme = story.customer()
    ann = story.user("ann@acme.example", acme)
    ticket = manual_matching.match_skip(story.skip(asked), ann)
    assert ticket.customer == acme
    assert ticket.users.get() == ann
    assert story.tickets() == {asked.id, other.id}
    assert story.skips() == {}
    assert thread_entries(ticket)
    assert SupportHealth.objects.get(customer=acme).ticket_count == 2
    newer = story.workspace.add_conversation([contact])
    story.sync()
    assert story.ticket(newer).users.get() == ann, "the match is kept for good"


def test_a_user_is_made_by_hand(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked = story.workspace.add_conversation([contact])
    story.sync()
    ticket = manual_matching.create_user_for_skip(story.skip(asked))
    assert ticket.users.get().name == "Zoe"


def test_no_user_is_made_from_the_remains_of_a_contact(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked = story.workspace.add_conversation([contact])
    story.sync()
    story.workspace.archive_contact(contact.id)
    with pytest.raises(manual_matching.ManualMatchError, match="no longer exists in Intercom"):
        manual_matching.create_user_for_skip(story.skip(asked))
    assert not CustomerUser.objects.exists()


def test_by_hand_says_what_went_wrong(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@x.example")
    asked = story.workspace.add_conversation([contact])
    story.sync()
    story.intercom.faults.fail_next("html", "/conversations/*", times=9)
    with pytest.raises(manual_matching.ManualMatchError, match="web page instead of data"):
        manual_matching.match_skip(story.skip(asked), story.user("ann@acme.example"))
    assert story.tickets() == set()


def test_a_contact_that_is_gone_is_matched_by_what_the_conversation_says(story: Story) -> None:
    ann = story.user("ann@acme.example", story.customer(), external_id="u1")
    bob = story.user("bob@acme.example", ann.customer)
    by_id = story.workspace.add_contact("Ann", None, external_id="u1")
    by_address = story.workspace.add_contact("Bob", "bob@acme.example")
    nobody = story.workspace.add_contact("Zoe", "zoe@acme.example")
    asked = [story.workspace.add_conversation([who]) for who in (by_id, by_address, nobody)]
    for who in (by_id, by_address, nobody):
        story.workspace.archive_contact(who.id)
    story.set(create_contacts=True)
    story.sync(messages=False)
    assert story.ticket(asked[0]).users.get() == ann
    assert story.ticket(asked[1]).users.get() == bob
    assert story.skips() == {asked[2].id: "no_user"}
    story.intercom.log.clear()
    story.workspace.touch(asked[0].id)
    story.sync(messages=False)
    assert story.intercom.log.count("GET /contacts/{id}") == 0, "asked once and remembered"


def test_a_merged_contacts_tickets_follow_the_survivor(story: Story) -> None:
    acme = story.customer()
    story.user("lead@acme.example", acme)
    ann = story.user("ann@acme.example", acme)
    lead = story.workspace.add_contact("Lead", "lead@acme.example", role="lead")
    user = story.workspace.add_contact("Ann", "ann@acme.example")
    asked = story.workspace.add_conversation([lead])
    story.sync(messages=False)
    assert story.ticket(asked).users.get().email == "lead@acme.example"
    story.workspace.merge_contacts(lead.id, user.id)
    story.sync(messages=False)
    assert story.ticket(asked).users.get() == ann
    assert TicketParticipant.objects.get().contact_ref == user.id


def test_the_merged_contacts_user_follows_when_the_survivor_has_none(story: Story) -> None:
    known = story.user("lead@acme.example", story.customer())
    lead = story.workspace.add_contact("Lead", "lead@acme.example", role="lead")
    user = story.workspace.add_contact("Somebody", "other@x.example")
    story.workspace.add_conversation([lead])
    story.sync(messages=False)
    story.workspace.merge_contacts(lead.id, user.id)
    later = story.workspace.add_conversation([user])
    story.sync(messages=False)
    assert story.ticket(later).users.get() == known


def test_who_left_is_marked_and_comes_back(story: Story) -> None:
    ann = story.user("ann@acme.example", story.customer())
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    story.sync(messages=False)
    story.workspace.archive_contact(contact.id)
    story.sync(messages=False)
    ann.refresh_from_db()
    assert ann.has_left_at is not None
    story.workspace.unarchive_contact(contact.id)
    story.sync(messages=False)
    ann.refresh_from_db()
    assert ann.has_left_at is None


def test_a_moved_users_tickets_follow(story: Story) -> None:
    ann = story.user("ann@acme.example", story.customer("Old"))
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    asked = story.workspace.add_conversation([contact], created_at=int(story.workspace.now()) - 90_000)
    story.sync(messages=False)
    new = story.customer("New")
    ann.customer, ann.updated_at = new, clock.now() + timedelta(seconds=1)
    ann.save()
    story.sync(messages=False)
    assert story.ticket(asked).customer == new
    assert SupportHealth.objects.get(customer=new).ticket_count == 1


def test_an_unassigned_ticket_finds_its_customer_later(story: Story) -> None:
    story.set(create_contacts=True)
    company = story.workspace.add_company("Acme Ltd", "acme")
    contact = story.workspace.add_contact("Ann", "ann@acme.example", companies=[company])
    asked = story.workspace.add_conversation([contact])
    story.sync(messages=False)
    assert story.ticket(asked).customer is None
    acme = story.customer(external_id="acme")
    story.sync(messages=False)
    assert story.ticket(asked).customer == acme
    assert story.ticket(asked).users.get().customer == acme


def test_customers_are_created_from_companies_when_switched_on(story: Story) -> None:
    story.set(create_contacts=True, create_customers=True)
    company = story.workspace.add_company("Acme Ltd", "acme", website="https://acme.example", plan="Pro", size=12)
    contact = story.workspace.add_contact("Ann", "ann@acme.example", companies=[company])
    asked = story.workspace.add_conversation([contact])
    run = story.sync(messages=False)
    customer = story.ticket(asked).customer
    assert customer is not None
    assert (customer.name, customer.external_id, customer.plan, customer.size) == ("Acme Ltd", "acme", "Pro", 12)
    assert customer.domain == "acme.example"
    assert run.customers_created == 1


def test_domains_match_only_when_switched_on_and_never_public_ones(story: Story) -> None:
    acme = story.customer(domain="acme.example")
    story.customer("Mailer", domain="gmail.com")
    story.set(create_contacts=True)
    ann = story.workspace.add_conversation([story.workspace.add_contact("Ann", "ann@acme.example")])
    bob = story.workspace.add_conversation([story.workspace.add_contact("Bob", "bob@gmail.com")])
    story.sync(messages=False)
    assert story.ticket(ann).customer is None
    story.set(match_domains=True)
    story.sync(messages=False)
    assert story.ticket(ann).customer == acme
    assert story.ticket(bob).customer is None


def test_participants_of_tickets_are_created_when_the_switch_is_turned_on(story: Story) -> None:
    story.user("ann@acme.example", story.customer())
    people = [story.workspace.add_contact(n, f"{n}@acme.example") for n in ("ann", "bob")]
    asked = story.workspace.add_conversation(people)
    story.sync(messages=False)
    assert story.ticket(asked).users.count() == 1
    story.set(create_contacts=True)
    story.sync(messages=False)
    assert story.ticket(asked).users.count() == 2


def test_the_skip_names_whom_a_person_has_to_decide_about(story: Story) -> None:
    for _ in range(2):
        story.user("team@acme.example")
    people = [story.workspace.add_contact(n, f"{n}@acme.example") for n in ("zoe", "team")]
    asked = story.workspace.add_conversation(people)
    story.sync(messages=False)
    assert story.skip(asked).reason == "ambiguous"
    assert story.skip(asked).contact_ref == people[1].id


def test_a_skip_that_several_users_fit_meanwhile_says_so(story: Story) -> None:
    asked = story.workspace.add_conversation([story.workspace.add_contact("Zoe", "zoe@x.example")])
    story.sync(messages=False)
    for _ in range(2):
        story.user("zoe@x.example")
    story.sync(messages=False)
    assert story.skips() == {asked.id: "ambiguous"}


def test_archived_users_are_not_preferred(story: Story) -> None:
    acme = story.customer()
    story.user("ann@acme.example", acme, archived_at=clock.now())
    current = story.user("ann@acme.example", acme)
    asked = story.workspace.add_conversation([story.workspace.add_contact("Ann", "ann@acme.example")])
    story.sync(messages=False)
    assert list(story.ticket(asked).users.all()) == [current]


def test_a_deleted_users_tickets_find_another(story: Story) -> None:
    acme = story.customer()
    ann = story.user("ann@acme.example", acme)
    asked = story.workspace.add_conversation([story.workspace.add_contact("Ann", "ann@acme.example")])
    story.sync(messages=False)
    ann.delete()
    assert story.ticket(asked).users.count() == 0
    again = story.user("ann@acme.example", acme)
    story.sync(messages=False)
    assert list(story.ticket(asked).users.all()) == [again]
