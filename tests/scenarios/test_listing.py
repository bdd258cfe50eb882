"""Conversations become tickets: the first run, the second one, and what changes between."""

from __future__ import annotations

from startdeliver.support.models import SupportHealth, TicketParticipant

from .story import Story


def test_conversations_of_known_people_become_tickets(story: Story) -> None:
    acme = story.customer(external_id="acme")
    ann = story.user("Ann@Acme.example", acme)
    company = story.workspace.add_company("Acme Ltd", "acme")
    contact = story.workspace.add_contact("Ann", "ann@acme.example", companies=[company])
    asked = story.workspace.add_conversation([contact], "<p>It is broken</p>", title="Broken")
    run = story.sync(messages=False)
    ticket = story.ticket(asked)
    assert ticket.title == "Broken"
    assert ticket.preview == "It is broken"
    assert ticket.status == "open"
    assert ticket.customer == acme
    assert list(ticket.users.all()) == [ann]
    assert ticket.link == f"https://app.intercom.com/a/inbox/{story.workspace.id_code}/inbox/conversation/{asked.id}"
    assert (run.listed, run.imported, run.updated, run.unchanged) == (1, 1, 0, 0)
    assert SupportHealth.objects.get(customer=acme).status == "good"


def test_a_second_run_changes_nothing(story: Story) -> None:
    story.user("ann@acme.example", story.customer())
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    for _ in range(3):
        story.workspace.add_conversation([contact])
    story.sync(messages=False)
    before = list(TicketParticipant.objects.order_by("pk").values())
    run = story.sync(messages=False)
    assert (run.imported, run.updated, run.users_updated) == (0, 0, 0)
    assert run.unchanged == run.listed
    assert list(TicketParticipant.objects.order_by("pk").values()) == before


def test_only_what_changed_is_read_again(story: Story) -> None:
    story.user("ann@acme.example", story.customer())
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    old = int(story.workspace.now()) - 30 * 86_400
    first = story.workspace.add_conversation([contact], created_at=old)
    for n in range(5):
        story.workspace.add_conversation([contact], created_at=old + 3600 * (n + 1))
    story.sync(messages=False)
    story.workspace.close(first.id)
    run = story.sync(messages=False)
    assert run.updated == 1
    assert run.listed <= 2
    assert story.ticket(first).status == "resolved"
    assert story.ticket(first).resolved_at is not None


def test_a_skipped_conversation_names_its_reason(story: Story) -> None:
    contact = story.workspace.add_contact("Zoe", "zoe@nowhere.example")
    asked = story.workspace.add_conversation([contact])
    run = story.sync(messages=False)
    assert story.tickets() == set()
    assert run.skipped == {"no_user": 1}
    skip = story.skip(asked)
    assert skip.contact_ref == contact.id
    assert "Zoe (zoe@nowhere.example) matches no user here" in skip.detail


def test_users_are_created_when_the_switch_is_on(story: Story) -> None:
    story.set(create_contacts=True)
    acme = story.customer(external_id="acme")
    company = story.workspace.add_company("Acme Ltd", "acme")
    contact = story.workspace.add_contact(
        "Zoe", "zoe@acme.example", companies=[company], phone="+46 1", external_id="z1"
    )
    silent = story.workspace.add_contact("Silent", "silent@acme.example", companies=[company])
    asked = story.workspace.add_conversation([contact])
    run = story.sync(messages=False)
    user = story.ticket(asked).users.get()
    assert (user.name, user.email, user.phone, user.external_id, user.role) == (
        "Zoe",
        "zoe@acme.example",
        "+46 1",
        "z1",
        "user",
    )
    assert user.customer == acme
    assert user.field_sources["email"]["source"] == "intercom"
    assert story.ticket(asked).customer == acme
    assert run.users_created == 1, f"{silent.name} has no ticket"


def test_outbound_messages_without_a_reply_are_only_counted(story: Story) -> None:
    story.user("ann@acme.example", story.customer())
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    sent = story.workspace.add_conversation([contact], "<p>News</p>", outbound=True)
    run = story.sync(messages=False)
    assert run.outbound == 1
    assert story.tickets() == set()
    assert story.skips() == {}
    story.workspace.reply(sent.id, "<p>Thanks</p>", by=contact)
    story.sync(messages=False)
    assert story.tickets() == {sent.id}
