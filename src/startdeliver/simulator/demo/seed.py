"""Fills a workspace with the demo data: the same for the same `now`, with oddities that a client must handle."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, field

from startdeliver.simulator.demo.people import NAMES, DemoCompany, companies, people
from startdeliver.simulator.demo.texts import MESSAGES, SCENARIOS, Scenario
from startdeliver.simulator.model.records import Attachment, Company, Contact, Conversation
from startdeliver.simulator.workspace import Workspace

HOUR, DAY = 3_600, 86_400
PAST_DAYS = 180
CLOSED_THREADS, OPEN_THREADS, OUTBOUND_THREADS = 450, 52, 28
LONG_THREAD = 540
"""Parts of the longest thread: more than the 500 that Intercom returns."""
EVENTS = ("report-exported", "board-created", "teammate-invited", "api-key-created", "file-imported")


def seed_demo(workspace: Workspace, now: int) -> None:
    """Add the demo's people, about 600 conversations of the 180 days before `now` (unix seconds), and events."""
    seeder = _Seeder(workspace, int(now))
    with workspace.lock:
        workspace.name = "Startdeliver Demo"
        seeder.add_team()
        seeder.add_definitions()
        seeder.add_companies()
        seeder.add_people()
        seeder.add_closed_threads()
        seeder.add_open_threads()
        seeder.add_overdue_threads()
        seeder.add_threads_without_company()
        seeder.add_outbound_threads()
        seeder.add_hostile_threads()
        seeder.add_long_thread()
        seeder.add_tickets()
        seeder.add_ai_agent_thread()
        seeder.add_events()
        seeder.add_archived_and_merged_people()
        seeder.add_deleted_conversation()


@dataclass
class _Customer:
    described: DemoCompany
    company: Company
    contacts: list[Contact] = field(default_factory=list)


@dataclass
class _Thread:
    """A conversation with who takes part: the contact, and the admin id of the agent."""

    conversation: Conversation
    scenario: Scenario
    contact: Contact
    agent: str
    slots: dict[str, object]


class _Seeder:
    """Every choice comes from one seeded generator, so the order of the steps and of the choices matters."""

    def __init__(self, workspace: Workspace, now: int) -> None:
        self.workspace = workspace
        self.now = now
        self.rng = random.Random(20_240_917)
        self.team: list[str] = []
        self.customers: dict[str, _Customer] = {}
        self.contacts_without_company: list[Contact] = []

    def add_team(self) -> None:
        teams: dict[str, list[str]] = {}
        for member in NAMES["team"]:
            admin = self.workspace.add_admin(member["name"], member["email"], job_title=f"{member['team']} specialist")
            self.team.append(admin.id)
            teams.setdefault(member["team"], []).append(admin.id)
        for name, admin_ids in teams.items():
            self.workspace.add_team(name, [self.workspace.admins[i] for i in admin_ids])

    def add_definitions(self) -> None:
        workspace = self.workspace
        workspace.define_attribute("contact", "job_title", description="What the person does")
        workspace.define_attribute("contact", "newsletter", "boolean")
        workspace.define_attribute("company", "contract_end_at", "date", description="When the contract ends")
        workspace.define_attribute("company", "account_tier", "options", options=["Bronze", "Silver", "Gold"])
        workspace.define_attribute("company", "onboarded", "boolean")
        workspace.define_conversation_attribute("Issue type", "list", ["Bug", "Question", "Billing"])
        workspace.define_conversation_attribute("Product area")
        workspace.add_segment("Active people")
        workspace.add_segment("Slipping away")

    def add_companies(self) -> None:
        rng = self.rng
        for described in companies():
            joined = self.now - rng.randrange(200, 900) * DAY
            company = self.workspace.add_company(
                described.name,
                described.company_id,
                created_at=joined,
                updated_at=self.now - rng.randrange(1, 60) * DAY,
                website=f"https://{described.domain}",
                industry=described.industry,
                plan=described.plan,
                size=described.size,
                monthly_spend=described.monthly_spend,
                session_count=rng.randrange(20, 4000),
                remote_created_at=joined - 7 * DAY,
                last_request_at=self.now - rng.randrange(0, 20) * DAY,
                custom_attributes={
                    "contract_end_at": self.now + rng.randrange(20, 340) * DAY,
                    "account_tier": {"Enterprise": "Gold", "Business": "Silver"}.get(described.plan, "Bronze"),
                    "onboarded": True,
                },
            )
            if described.plan == "Enterprise":
                self.workspace.tag_company(company.id, "Key account")
            self.customers[described.company_id] = _Customer(described, company)

    def add_people(self) -> None:
        rng = self.rng
        for person in people():
            customer = self.customers[person.company_id] if person.company_id else None
            joined = self.now - rng.randrange(30, 700) * DAY
            contact = self.workspace.add_contact(
                person.name,
                person.email,
                role=person.role,
                external_id=person.external_id,
                companies=[customer.company] if customer else [],
                created_at=joined,
                updated_at=self.now - rng.randrange(1, 30) * DAY,
                signed_up_at=joined if person.role == "user" else None,
                last_seen_at=self.now - rng.randrange(0, 40 * 24) * HOUR,
                phone=f"+46 8 555 {rng.randrange(100, 999)} {rng.randrange(10, 99)}" if rng.random() < 0.4 else None,
                custom_attributes={"job_title": person.title, "newsletter": rng.random() < 0.5} if person.title else {},
            )
            (customer.contacts if customer else self.contacts_without_company).append(contact)
        consultant = next(c for c in self.customers["cus-007"].contacts if c.external_id == "usr-9004")
        self.workspace.attach(consultant.id, self.customers["cus-019"].company.id)

    # Steps of one thread

    def working_time(self, days_ago: float) -> int:
        """Return a time so many days ago, on a weekday between 07:00 and 17:00 UTC unless that is in the future."""
        at = self.now - int(days_ago * DAY)
        weekday = (at // DAY + 3) % 7
        if weekday >= 5:
            at -= (weekday - 4) * DAY
        at = at - at % DAY + self.rng.randrange(7 * HOUR, 17 * HOUR)
        return at if at < self.now - HOUR else self.now - self.rng.randrange(HOUR, 5 * HOUR)

    def choose_slots(self, customer: _Customer, contact: Contact, agent: str) -> dict[str, object]:
        """Choose a value for every slot of the texts."""
        rng = self.rng
        colleagues = [c.name for c in customer.contacts if c.id != contact.id and c.name]
        return {
            "me": _first_name(contact),
            "agent": self.workspace.admins[agent].name.split(" ")[0],
            "company": customer.described.name,
            "colleague": rng.choice(colleagues).split(" ")[0] if colleagues else "my colleague",
            "n": rng.randrange(2, 10),
            "big": f"{rng.randrange(1, 60)},{rng.randrange(100, 999)}",
            "day": rng.choice(MESSAGES["slots"]["day"]),
            "feature": rng.choice(MESSAGES["slots"]["feature"]),
            "file": rng.choice(MESSAGES["slots"]["file"]),
        }

    def choose_scenario(self, mood: str, recent: bool) -> Scenario:
        """Choose a scenario that fits the mood: unhappy customers write in anger, and more so lately."""
        chance = {"poor": 0.8 if recent else 0.45, "fair": 0.45 if recent else 0.3}.get(mood, 0.12)
        return self.rng.choice(_scenarios(unhappy=self.rng.random() < chance))

    def start(self, customer: _Customer, scenario: Scenario, created: int) -> _Thread:
        """Add a conversation with its first message, assigned to an agent."""
        rng, workspace = self.rng, self.workspace
        contact = rng.choice(customer.contacts)
        agent = rng.choice(self.team)
        slots = self.choose_slots(customer, contact, agent)
        by_mail = rng.random() < 0.35
        subject = scenario.subject.format(**slots)
        body = _paragraph(rng.choice(scenario.openings), slots)
        if by_mail:
            body += (
                f"<p>Kind regards<br>{html.escape(contact.name or '')}<br>{html.escape(customer.described.name)}</p>"
            )
        attachments = []
        if scenario.attachment and rng.random() < 0.6:
            attachments = [_attachment(scenario.attachment, created)]
            if scenario.attachment == "screenshot":
                body += f'<p><img src="{attachments[0].url}" alt="screenshot"></p>'
        participants = [contact.id]
        if rng.random() < 0.12 and len(customer.contacts) > 1:
            participants.append(rng.choice(customer.contacts).id)
        conversation = workspace.add_conversation(
            list(dict.fromkeys(participants)),
            body,
            subject=subject if by_mail else "",
            title=None if by_mail else subject,
            company=customer.company,
            created_at=created,
            channel="email" if by_mail else "conversation",
            attachments=attachments,
            priority=rng.choice(("urgent", "high")) if scenario.tone == "angry" else "none",
        )
        workspace.assign(conversation.id, admin_id=agent, by=agent, at=created + rng.randrange(2, 30) * 60)
        workspace.tag(conversation.id, scenario.tag, at=created + 1800)
        return _Thread(conversation, scenario, contact, agent, slots)

    def play(self, thread: _Thread, turns: int, *, pace: float, until: int) -> int:
        """Play up to `turns` turns, `pace` hours apart on average, none after `until`. Return the time of the last."""
        rng, workspace, conversation_id = self.rng, self.workspace, thread.conversation.id
        at = thread.conversation.created_at + rng.randrange(10, 90) * 60
        for turn in thread.scenario.turns[:turns]:
            at += int(rng.expovariate(1 / pace) * HOUR) + rng.randrange(3, 20) * 60
            at = min(at, until)
            for writer, text in turn.items():
                body = _paragraph(text, thread.slots)
                if writer == "note":
                    workspace.add_note(conversation_id, body, by=thread.agent, at=at)
                else:
                    workspace.reply(
                        conversation_id, body, by=thread.agent if writer == "agent" else thread.contact, at=at
                    )
        return at

    def finish(self, thread: _Thread, last: int) -> None:
        """Close a thread; sometimes it is reopened once, rated, or has a service level agreement."""
        rng, workspace, conversation = self.rng, self.workspace, thread.conversation
        closed = min(last + rng.randrange(10, 240) * 60, self.now - 60)
        workspace.close(conversation.id, by=thread.agent, at=closed)
        if rng.random() < 0.08 and closed + DAY < self.now - HOUR:
            again = closed + rng.randrange(4, 20) * HOUR
            question = "<p>Sorry, one more thing: it happened again just now.</p>"
            workspace.reply(conversation.id, question, by=thread.contact, at=again)
            answer = "<p>Thanks for telling us, it is sorted now.</p>"
            workspace.reply(conversation.id, answer, by=thread.agent, at=again + HOUR // 2)
            closed = again + HOUR
            workspace.close(conversation.id, by=thread.agent, at=closed)
        if thread.scenario.ratings and rng.random() < 0.4:
            rating = rng.choice(thread.scenario.ratings)
            at = min(closed + rng.randrange(5, 300) * 60, self.now - 30)
            workspace.rate(conversation.id, rating["rating"], rating["remark"], at=at)
        if rng.random() < 0.15:
            conversation.sla = ("First reply in four hours", rng.choice(("hit", "hit", "missed")))
        conversation.read = True

    # Threads

    def talking_customers(self) -> list[_Customer]:
        return [c for c in self.customers.values() if c.described.mood != "quiet"]

    def add_closed_threads(self) -> None:
        """Add the resolved threads of half a year. Volume follows size; poor customers wait longer, more so lately."""
        customers = self.talking_customers()
        weights = [1 + c.described.size**0.35 + {"poor": 5, "fair": 2}.get(c.described.mood, 0) for c in customers]
        for number in range(CLOSED_THREADS):
            customer = self.rng.choices(customers, weights)[0]
            mood = customer.described.mood
            days_ago = 2 + (PAST_DAYS - 3) * ((number + self.rng.random()) / CLOSED_THREADS)
            created = self.working_time(days_ago)
            recent = days_ago < 45
            scenario = self.choose_scenario(mood, recent)
            pace = {"poor": 14 if recent else 6, "fair": 5}.get(mood, 1.5)
            thread = self.start(customer, scenario, created)
            end = min(self.now - HOUR, created + 12 * DAY)
            self.finish(thread, self.play(thread, len(scenario.turns), pace=pace, until=end))

    def add_open_threads(self) -> None:
        """Add what is on the agents' desks now: young open threads in all stages, and a few snoozed ones."""
        rng, customers = self.rng, self.talking_customers()
        for number in range(OPEN_THREADS):
            customer = customers[(number * 5) % len(customers)]
            scenario = self.choose_scenario(customer.described.mood, True)
            created = self.working_time(0.1 + rng.random() * 5.5)
            thread = self.start(customer, scenario, created)
            turns = rng.randrange(0, min(4, len(scenario.turns)))
            last = self.play(thread, turns, pace=2, until=self.now - 300)
            if number % 6 == 5:
                until = self.now + rng.randrange(1, 6) * DAY
                at = min(last + HOUR, self.now - 120)
                self.workspace.snooze(thread.conversation.id, until, by=thread.agent, at=at)

    def add_overdue_threads(self) -> None:
        """Add threads that have waited for over a week: three to five at poor customers, one or two at fair ones."""
        rng, workspace = self.rng, self.workspace
        for customer in self.customers.values():
            count = {"poor": rng.randrange(3, 6), "fair": rng.randrange(1, 3)}.get(customer.described.mood, 0)
            for number in range(count):
                scenario = rng.choice(_scenarios(unhappy=True))
                created = self.working_time(8.5 + rng.random() * 16)
                thread = self.start(customer, scenario, created)
                turns = 0 if number == 0 else rng.choice((1, 2, 4))
                last = self.play(thread, turns, pace=20, until=self.now - DAY)
                if number == 0:
                    chase = min(created + rng.randrange(3, 6) * DAY, self.now - 2 * HOUR)
                    text = "<p>Hello? Is anybody reading this? We are still waiting for an answer.</p>"
                    workspace.reply(thread.conversation.id, text, by=thread.contact, at=max(chase, last))
                if number == 2:
                    workspace.snooze(thread.conversation.id, self.now + 3 * DAY, by=thread.agent, at=last + HOUR)

    def add_threads_without_company(self) -> None:
        for contact in self.contacts_without_company:
            created = self.working_time(self.rng.randrange(3, 60))
            agent = self.rng.choice(self.team)
            conversation = self.workspace.add_conversation(
                [contact],
                "<p>Hi, I found you through a friend. Does your product work for a very small team, and is there a "
                "trial?</p>",
                title="Question before buying",
                created_at=created,
            )
            text = "<p>Hello, and welcome! Yes to both: three people are free, and the trial needs no card.</p>"
            self.workspace.reply(conversation.id, text, by=agent, at=created + 2 * HOUR)
            self.workspace.close(conversation.id, by=agent, at=created + 30 * HOUR)

    def add_outbound_threads(self) -> None:
        """Add messages by the team. Most have no answer, so they are not tickets."""
        workspace, customers = self.workspace, list(self.customers.values())
        for number in range(OUTBOUND_THREADS):
            customer = customers[(number * 3) % len(customers)]
            contact, agent = customer.contacts[0], self.team[number % len(self.team)]
            message = MESSAGES["outbound"][number % len(MESSAGES["outbound"])]
            created = self.working_time(4 + number * 3)
            conversation = workspace.add_conversation(
                [contact],
                _paragraph(message["body"], {"me": _first_name(contact)}),
                subject=message["subject"],
                company=customer.company,
                created_at=created,
                state="closed",
                author=workspace.author_of(agent),
            )
            if number % 9 == 8:
                answer = f"<p>Thanks, we are looking forward to it at {html.escape(customer.described.name)}.</p>"
                answered = created + self.rng.randrange(2, 30) * HOUR
                workspace.reply(conversation.id, answer, by=contact, at=answered)
                workspace.close(conversation.id, by=agent, at=created + 40 * HOUR)

    # What breaks naive clients

    def add_hostile_threads(self) -> None:
        company_ids = ("cus-001", "cus-007", "cus-012", "cus-019")
        for number, (company_id, message) in enumerate(zip(company_ids, MESSAGES["hostile"], strict=True)):
            customer = self.customers[company_id]
            created = self.working_time(9 + number * 4)
            conversation = self.workspace.add_conversation(
                [customer.contacts[0]],
                message["body"],
                subject=message["subject"],
                company=customer.company,
                created_at=created,
            )
            text = "<p>Thanks, we have cleaned this up.</p>"
            self.workspace.reply(conversation.id, text, by=self.team[0], at=created + HOUR)
            self.workspace.close(conversation.id, by=self.team[0], at=created + 2 * HOUR)

    def add_long_thread(self) -> None:
        workspace, rng, customer = self.workspace, self.rng, self.customers["cus-010"]
        created = self.working_time(150)
        conversation = workspace.add_conversation(
            customer.contacts[:2],
            f"<p>Let us use this thread for the whole migration of {html.escape(customer.described.name)}.</p>",
            title="Migration project",
            company=customer.company,
            created_at=created,
        )
        agent = self.team[2]
        step = (self.now - 20 * DAY - created) // LONG_THREAD
        texts = MESSAGES["migration_project"]
        for number in range(LONG_THREAD):
            writer: Contact | str = customer.contacts[0] if number % 2 == 0 else agent
            slots = {"n": rng.randrange(2, 90), "big": f"{rng.randrange(1, 90)},{rng.randrange(100, 999)}"}
            body = _paragraph(texts[number % len(texts)], slots)
            workspace.reply(conversation.id, body, by=writer, at=created + (number + 1) * step)
        workspace.close(conversation.id, by=agent, at=self.now - 18 * DAY)

    def add_tickets(self) -> None:
        """Add conversations that are Intercom's Tickets, in every state."""
        states = ("submitted", "in_progress", "waiting_on_customer", "resolved", "resolved")
        company_ids = ("cus-003", "cus-005", "cus-009", "cus-015", "cus-021")
        for number, (state, company_id) in enumerate(zip(states, company_ids, strict=True)):
            scenario = self.rng.choice([s for s in SCENARIOS if s.tag == "bug"])
            created = self.working_time(20 + number if state == "resolved" else 2.5 + number * 0.7)
            thread = self.start(self.customers[company_id], scenario, created)
            last = self.play(thread, 2, pace=2, until=self.now - HOUR)
            title = scenario.subject.format(**thread.slots)
            self.workspace.make_ticket(thread.conversation.id, title=title, state=state, at=last)
            if state == "resolved":
                self.workspace.close(thread.conversation.id, by=thread.agent, at=last + HOUR)

    def add_ai_agent_thread(self) -> None:
        """Add a thread that the AI agent answered, with a part type that no client knows."""
        workspace, customer = self.workspace, self.customers["cus-011"]
        created = self.working_time(12)
        conversation = workspace.add_conversation(
            [customer.contacts[0]],
            "<p>How do I change my password?</p>",
            title="Password change",
            company=customer.company,
            created_at=created,
            ai_agent={
                "source_type": "workflow",
                "source_title": "Fin answers",
                "last_answer_type": "ai_answer",
                "resolution_state": "confirmed_resolution",
                "rating": 5,
                "rating_remark": "Quick",
                "created_at": created,
                "updated_at": created + 60,
                "content_sources": {"type": "content_source.list", "content_sources": [], "total_count": 0},
            },
        )
        bot = workspace.bot_author()
        reply = workspace.part("comment", bot, "<p>Under your name, Security, Change password.</p>", at=created + 20)
        workspace.append_part(conversation.id, reply)
        workspace.append_part(conversation.id, workspace.part("fin_handover_v9", bot, at=created + 40))
        workspace.close(conversation.id, by=workspace.me.id, at=created + 90)

    # Events and people who are gone

    def add_events(self) -> None:
        """Add what people did in the product: steadily at good customers, less and less at poor ones."""
        rng, workspace = self.rng, self.workspace
        for customer in self.customers.values():
            for contact in customer.contacts:
                if contact.role != "user":
                    continue
                last_login = None
                for day in range(100, -1, -1):
                    steady = {"poor": 0.15 + day / 250, "fair": 0.35, "quiet": 0.08}
                    chance = steady.get(customer.described.mood, 0.55)
                    if rng.random() > chance or (self.now // DAY - day + 3) % 7 >= 5:
                        continue
                    last_login = self.now - day * DAY - rng.randrange(HOUR, 9 * HOUR)
                    workspace.add_event(contact.id, "logged-in", at=last_login)
                    if rng.random() < 0.4:
                        name = rng.choice(EVENTS)
                        workspace.add_event(contact.id, name, at=last_login + rng.randrange(60, HOUR))
                if last_login is not None:
                    workspace.set_contact(contact.id, touch=False, last_seen_at=last_login)

    def add_archived_and_merged_people(self) -> None:
        """Archive a person, and merge a lead into the user that the lead became."""
        workspace = self.workspace
        workspace.archive_contact(self.customers["cus-016"].contacts[-1].id)
        user = self.customers["cus-017"].contacts[0]
        lead = workspace.add_contact(user.name, user.email, role="lead", created_at=self.now - 90 * DAY)
        conversation = workspace.add_conversation(
            [lead],
            "<p>Hello, I am trying out your product before we sign up.</p>",
            title="Trial questions",
            created_at=self.working_time(88),
        )
        workspace.close(conversation.id, by=self.team[0], at=self.now - 87 * DAY)
        workspace.merge_contacts(lead.id, user.id)

    def add_deleted_conversation(self) -> None:
        spam = self.workspace.add_conversation(
            [self.contacts_without_company[0]],
            "<p>Cheap watches!!!</p>",
            title="Offer",
            created_at=self.now - 40 * DAY,
        )
        self.workspace.delete_conversation(spam.id)


def _first_name(contact: Contact) -> str:
    return (contact.name or "there").split(" ")[0]


def _scenarios(unhappy: bool) -> list[Scenario]:
    return [s for s in SCENARIOS if (s.tone in ("angry", "annoyed")) == unhappy]


def _paragraph(text: str, slots: dict[str, object]) -> str:
    return f"<p>{html.escape(text.format(**slots), quote=False)}</p>"


def _attachment(kind: str, created: int) -> Attachment:
    file = MESSAGES["attachments"][kind]
    url = f"https://downloads.intercomcdn.example/i/o/{created}/{file['name']}?expires=1&signature=demo"
    is_image = file["content_type"].startswith("image/")
    return Attachment(url=url, width=1280 if is_image else None, height=800 if is_image else None, **file)
