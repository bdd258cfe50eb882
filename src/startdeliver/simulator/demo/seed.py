"""Fills a workspace with the demo: the same for the same `now`, believable, with oddities a client must take."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, field

from startdeliver.simulator.demo.people import TEAM, DemoCompany, companies, people
from startdeliver.simulator.demo.scenarios import (
    ATTACHMENTS,
    CHATTER,
    DAYS,
    FEATURES,
    FILES,
    HOSTILE,
    OUTBOUND,
    SCENARIOS,
    Scenario,
)
from startdeliver.simulator.model import Attachment, Company, Contact, Conversation
from startdeliver.simulator.workspace import Workspace

DAY = 86_400
HOUR = 3_600
PAST_DAYS = 180
THREADS = 560
LONG_THREAD = 540
_BAD = frozenset({"angry", "annoyed"})
_BRIGHT = frozenset({"calm", "happy"})
_EVENTS = ("logged-in", "report-exported", "board-created", "teammate-invited", "api-key-created", "file-imported")


@dataclass
class _Demo:
    """What the steps of seeding share."""

    workspace: Workspace
    now: int
    rng: random.Random
    team: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    owned: list[tuple[DemoCompany, Company, list[Contact]]] = field(default_factory=list)
    loose: list[Contact] = field(default_factory=list)


def seed_demo(workspace: Workspace, now: int) -> None:
    """Add the demo's people, about 600 conversations of the 180 days before `now` (unix seconds), and events."""
    demo = _Demo(workspace, int(now), random.Random(20_240_917))
    with workspace.lock:
        workspace.name = "Startdeliver Demo"
        _team(demo)
        _definitions(workspace)
        _people(demo)
        _closed_history(demo)
        _open_threads(demo)
        _overdue_threads(demo)
        _loose_threads(demo)
        _outbound(demo)
        _oddities(demo)
        _events(demo)
        _gone_people(demo)


def _team(demo: _Demo) -> None:
    groups: dict[str, list[str]] = {}
    for name, email, group in TEAM:
        admin = demo.workspace.add_admin(name, email, job_title=f"{group} specialist")
        demo.team.append(admin.id)
        demo.names[admin.id] = name.split(" ")[0]
        groups.setdefault(group, []).append(admin.id)
    for group, ids in groups.items():
        demo.workspace.add_team(group, [demo.workspace.admins[i] for i in ids])


def _definitions(workspace: Workspace) -> None:
    workspace.define_attribute("contact", "job_title", description="What the person does")
    workspace.define_attribute("contact", "newsletter", "boolean")
    workspace.define_attribute("company", "contract_end_at", "date", description="When the contract ends")
    workspace.define_attribute("company", "account_tier", "options", options=["Bronze", "Silver", "Gold"])
    workspace.define_attribute("company", "onboarded", "boolean")
    workspace.define_conversation_attribute("Issue type", "list", ["Bug", "Question", "Billing"])
    workspace.define_conversation_attribute("Product area")
    workspace.add_segment("Active people")
    workspace.add_segment("Slipping away")


def _people(demo: _Demo) -> None:
    workspace, rng = demo.workspace, demo.rng
    records: dict[str, Company] = {}
    for described in companies():
        joined = demo.now - rng.randrange(200, 900) * DAY
        record = workspace.add_company(
            described.name,
            described.company_id,
            created_at=joined,
            updated_at=demo.now - rng.randrange(1, 60) * DAY,
            website=f"https://{described.domain}",
            industry=described.industry,
            plan=described.plan,
            size=described.size,
            monthly_spend=described.monthly_spend,
            session_count=rng.randrange(20, 4000),
            remote_created_at=joined - 7 * DAY,
            last_request_at=demo.now - rng.randrange(0, 20) * DAY,
            custom_attributes={
                "contract_end_at": demo.now + rng.randrange(20, 340) * DAY,
                "account_tier": {"Enterprise": "Gold", "Business": "Silver"}.get(described.plan, "Bronze"),
                "onboarded": True,
            },
        )
        records[described.company_id] = record
        if described.plan == "Enterprise":
            workspace.tag_company(record.id, "Key account")
        demo.owned.append((described, record, []))
    owners = {described.company_id: listed for described, _, listed in demo.owned}
    for person in people():
        joined = demo.now - rng.randrange(30, 700) * DAY
        contact = workspace.add_contact(
            person.name,
            person.email,
            role=person.role,
            external_id=person.external_id,
            companies=[records[person.company_id]] if person.company_id else [],
            created_at=joined,
            updated_at=demo.now - rng.randrange(1, 30) * DAY,
            signed_up_at=joined if person.role == "user" else None,
            last_seen_at=demo.now - rng.randrange(0, 40 * 24) * HOUR,
            phone=f"+46 8 555 {rng.randrange(100, 999)} {rng.randrange(10, 99)}" if rng.random() < 0.4 else None,
            custom_attributes={"job_title": person.title, "newsletter": rng.random() < 0.5} if person.title else {},
        )
        if person.company_id:
            owners[person.company_id].append(contact)
        else:
            demo.loose.append(contact)
    consultant = next(c for c in owners["cus-007"] if c.external_id == "usr-9004")
    workspace.attach(consultant.id, records["cus-019"].id)


# Threads


def _working_time(demo: _Demo, days_ago: float) -> int:
    """Return a moment so many days ago, moved to a weekday between 07:00 and 17:00 UTC where that stays in the past."""
    at = demo.now - int(days_ago * DAY)
    weekday = (at // DAY + 3) % 7
    if weekday >= 5:
        at -= (weekday - 4) * DAY
    at = at - at % DAY + demo.rng.randrange(7 * HOUR, 17 * HOUR)
    return at if at < demo.now - HOUR else demo.now - demo.rng.randrange(HOUR, 5 * HOUR)


def _slots(demo: _Demo, contact: Contact, colleagues: list[Contact], company: str, agent: str) -> dict[str, object]:
    rng = demo.rng
    others = [c for c in colleagues if c.id != contact.id and c.name]
    colleague = rng.choice(others).name if others else None
    return {
        "me": (contact.name or "there").split(" ")[0],
        "agent": demo.names[agent],
        "company": company,
        "colleague": (colleague or "my colleague").split(" ")[0] if colleague else "my colleague",
        "n": rng.randrange(2, 10),
        "big": f"{rng.randrange(1, 60)},{rng.randrange(100, 999)}",
        "day": rng.choice(DAYS),
        "feature": rng.choice(FEATURES),
        "file": rng.choice(FILES),
    }


def _paragraphs(text: str, slots: dict[str, object]) -> str:
    return f"<p>{html.escape(text.format(**slots), quote=False)}</p>"


def _attachment(kind: str, conversation: str) -> Attachment:
    name, content_type, size = ATTACHMENTS[kind]
    address = f"https://downloads.intercomcdn.example/i/o/{conversation}/{name}?expires=1&signature=demo"
    picture = content_type.startswith("image/")
    return Attachment(name, address, content_type, size, 1280 if picture else None, 800 if picture else None)


def _scenario(demo: _Demo, mood: str, recent: bool) -> Scenario:
    """Return a scenario that fits: unhappy customers write in anger, and more so lately."""
    chance = {"poor": 0.8 if recent else 0.45, "fair": 0.45 if recent else 0.3}.get(mood, 0.12)
    tones = _BAD if demo.rng.random() < chance else _BRIGHT
    return demo.rng.choice([s for s in SCENARIOS if s.tone in tones])


def _start(
    demo: _Demo, described: DemoCompany, record: Company, staff: list[Contact], scenario: Scenario, created: int
) -> tuple[Conversation, Contact, str, dict[str, object]]:
    """Add a conversation with its first message, assigned to somebody, and return it with who takes part."""
    rng, workspace = demo.rng, demo.workspace
    contact = rng.choice(staff)
    agent = rng.choice(demo.team)
    slots = _slots(demo, contact, staff, described.name, agent)
    mail = rng.random() < 0.35
    subject = scenario.subject.format(**slots)
    body = _paragraphs(f"{rng.choice(scenario.openings)}", slots)
    if mail:
        body += f"<p>Kind regards<br>{html.escape(contact.name or '')}<br>{html.escape(described.name)}</p>"
    files = []
    if scenario.attachment and rng.random() < 0.6:
        files = [_attachment(scenario.attachment, str(created))]
        if scenario.attachment == "screenshot":
            body += f'<p><img src="{files[0].url}" alt="screenshot"></p>'
    participants = [contact, *([rng.choice(staff)] if rng.random() < 0.12 and len(staff) > 1 else [])]
    conversation = workspace.add_conversation(
        list(dict.fromkeys(p.id for p in participants)),
        body,
        subject=subject if mail else "",
        title=None if mail else subject,
        company=record,
        created_at=created,
        channel="email" if mail else "conversation",
        attachments=files,
        priority=rng.choice(("urgent", "high")) if scenario.tone == "angry" else "none",
    )
    workspace.assign(conversation.id, admin_id=agent, by=agent, at=created + rng.randrange(2, 30) * 60)
    workspace.tag(conversation.id, scenario.tag, at=created + 1800)
    return conversation, contact, agent, slots


def _turns(
    demo: _Demo,
    conversation: Conversation,
    contact: Contact,
    agent: str,
    slots: dict[str, object],
    scenario: Scenario,
    count: int,
    pace: float,
    until: int,
) -> int:
    """Play up to `count` turns, `pace` hours apart on average, none later than `until`. Return the time of the last."""
    rng, workspace = demo.rng, demo.workspace
    at = conversation.created_at + rng.randrange(10, 90) * 60
    for who, text in scenario.turns[:count]:
        at += int(rng.expovariate(1 / max(pace, 0.05)) * HOUR) + rng.randrange(3, 20) * 60
        at = min(at, until)
        body = _paragraphs(text, slots)
        if who == "n":
            workspace.add_note(conversation.id, body, by=agent, at=at)
        else:
            workspace.reply(conversation.id, body, by=agent if who == "a" else contact, at=at)
    return at


def _closed_history(demo: _Demo) -> None:
    """Add the resolved threads of half a year. Volume follows size; poor customers wait longer, and lately more so."""
    rng = demo.rng
    talking = [(d, r, s) for d, r, s in demo.owned if d.mood != "quiet" and s]
    weights = [1 + d.size**0.35 + {"poor": 5, "fair": 2}.get(d.mood, 0) for d, _, _ in talking]
    for number in range(THREADS - 110):
        described, record, staff = rng.choices(talking, weights)[0]
        days_ago = 2 + (PAST_DAYS - 3) * ((number + rng.random()) / (THREADS - 110))
        created = _working_time(demo, days_ago)
        recent = days_ago < 45
        scenario = _scenario(demo, described.mood, recent)
        slow = {"poor": 14 if recent else 6, "fair": 5}.get(described.mood, 1.5)
        conversation, contact, agent, slots = _start(demo, described, record, staff, scenario, created)
        end = min(demo.now - HOUR, created + 12 * DAY)
        last = _turns(demo, conversation, contact, agent, slots, scenario, len(scenario.turns), slow, end)
        _finish(demo, conversation, contact, agent, scenario, last)


def _finish(
    demo: _Demo, conversation: Conversation, contact: Contact, agent: str, scenario: Scenario, last: int
) -> None:
    rng, workspace = demo.rng, demo.workspace
    closed = min(last + rng.randrange(10, 240) * 60, demo.now - 60)
    workspace.close(conversation.id, by=agent, at=closed)
    if rng.random() < 0.08 and closed + DAY < demo.now - HOUR:
        again = closed + rng.randrange(4, 20) * HOUR
        workspace.reply(
            conversation.id, "<p>Sorry, one more thing: it happened again just now.</p>", by=contact, at=again
        )
        workspace.reply(
            conversation.id, "<p>Thanks for telling us, it is sorted now.</p>", by=agent, at=again + HOUR // 2
        )
        closed = again + HOUR
        workspace.close(conversation.id, by=agent, at=closed)
    if scenario.remarks and rng.random() < 0.4:
        score, remark = rng.choice(scenario.remarks)
        at = min(closed + rng.randrange(5, 300) * 60, demo.now - 30)
        workspace.rate(conversation.id, score, remark, at=at)
    if rng.random() < 0.15:
        conversation.sla = ("First reply in four hours", rng.choice(("hit", "hit", "missed")))
    conversation.read = True


def _open_threads(demo: _Demo) -> None:
    """Add what is on the desk now: young open threads in all stages, and a few snoozed ones."""
    rng = demo.rng
    talking = [(d, r, s) for d, r, s in demo.owned if d.mood != "quiet" and s]
    for number in range(52):
        described, record, staff = talking[(number * 5) % len(talking)]
        scenario = _scenario(demo, described.mood, True)
        created = _working_time(demo, 0.1 + rng.random() * 5.5)
        conversation, contact, agent, slots = _start(demo, described, record, staff, scenario, created)
        count = rng.randrange(0, min(4, len(scenario.turns)))
        last = _turns(demo, conversation, contact, agent, slots, scenario, count, 2, demo.now - 300)
        if number % 6 == 5:
            demo.workspace.snooze(
                conversation.id, demo.now + rng.randrange(1, 6) * DAY, by=agent, at=min(last + HOUR, demo.now - 120)
            )


def _overdue_threads(demo: _Demo) -> None:
    """Add threads that have waited for more than a week: three to five at poor customers, one or two at fair ones."""
    rng = demo.rng
    for described, record, staff in demo.owned:
        count = {"poor": rng.randrange(3, 6), "fair": rng.randrange(1, 3)}.get(described.mood, 0)
        for number in range(count):
            scenario = rng.choice([s for s in SCENARIOS if s.tone in _BAD])
            created = _working_time(demo, 8.5 + rng.random() * 16)
            conversation, contact, agent, slots = _start(demo, described, record, staff, scenario, created)
            turns = 0 if number == 0 else rng.choice((1, 2, 4))
            last = _turns(demo, conversation, contact, agent, slots, scenario, turns, 20, demo.now - DAY)
            if number == 0:
                chase = min(created + rng.randrange(3, 6) * DAY, demo.now - 2 * HOUR)
                text = "<p>Hello? Is anybody reading this? We are still waiting for an answer.</p>"
                demo.workspace.reply(conversation.id, text, by=contact, at=max(chase, last))
            if number == 2:
                demo.workspace.snooze(conversation.id, demo.now + 3 * DAY, by=agent, at=last + HOUR)


def _loose_threads(demo: _Demo) -> None:
    """Add threads of people who belong to no customer."""
    rng, workspace = demo.rng, demo.workspace
    for contact in demo.loose:
        created = _working_time(demo, rng.randrange(3, 60))
        agent = rng.choice(demo.team)
        conversation = workspace.add_conversation(
            [contact],
            "<p>Hi, I found you through a friend. Does your product work for a very small team, and is there a "
            "trial?</p>",
            title="Question before buying",
            created_at=created,
        )
        text = "<p>Hello, and welcome! Yes to both: three people are free, and the trial needs no card.</p>"
        workspace.reply(conversation.id, text, by=agent, at=created + 2 * HOUR)
        workspace.close(conversation.id, by=agent, at=created + 30 * HOUR)


def _outbound(demo: _Demo) -> None:
    """Add messages of ours; most of them nobody answered, which makes them no tickets."""
    rng, workspace = demo.rng, demo.workspace
    talking = [(d, r, s) for d, r, s in demo.owned if s]
    for number in range(28):
        described, record, staff = talking[(number * 3) % len(talking)]
        contact, agent = staff[0], demo.team[number % len(demo.team)]
        subject, text = OUTBOUND[number % len(OUTBOUND)]
        created = _working_time(demo, 4 + number * 3)
        conversation = workspace.add_conversation(
            [contact],
            _paragraphs(text, {"me": (contact.name or "there").split(" ")[0]}),
            subject=subject,
            company=record,
            created_at=created,
            state="closed",
            author=workspace.author_of(agent),
        )
        if number % 9 == 8:
            answer = f"<p>Thanks, we are looking forward to it at {html.escape(described.name)}.</p>"
            workspace.reply(conversation.id, answer, by=contact, at=created + rng.randrange(2, 30) * HOUR)
            workspace.close(conversation.id, by=agent, at=created + 40 * HOUR)


def _oddities(demo: _Demo) -> None:
    """Add what breaks naive clients: hostile HTML, tickets, an AI agent, unknown part types, very long threads."""
    workspace, rng = demo.workspace, demo.rng
    by_id = {d.company_id: (d, r, s) for d, r, s in demo.owned}
    for number, (subject, body) in enumerate(HOSTILE):
        _, record, staff = by_id[("cus-001", "cus-007", "cus-012", "cus-019")[number]]
        created = _working_time(demo, 9 + number * 4)
        odd = workspace.add_conversation([staff[0]], body, subject=subject, company=record, created_at=created)
        workspace.reply(odd.id, "<p>Thanks, we have cleaned this up.</p>", by=demo.team[0], at=created + HOUR)
        workspace.close(odd.id, by=demo.team[0], at=created + 2 * HOUR)
    _long_thread(demo, *by_id["cus-010"])
    for number, state in enumerate(("submitted", "in_progress", "waiting_on_customer", "resolved", "resolved")):
        described, record, staff = by_id[f"cus-{(3, 5, 9, 15, 21)[number]:03}"]
        scenario = rng.choice([s for s in SCENARIOS if s.tag == "bug"])
        created = _working_time(demo, 2.5 + number * 0.7 if state != "resolved" else 20 + number)
        conversation, contact, agent, slots = _start(demo, described, record, staff, scenario, created)
        last = _turns(demo, conversation, contact, agent, slots, scenario, 2, 2, demo.now - HOUR)
        workspace.make_ticket(conversation.id, title=scenario.subject.format(**slots), state=state, at=last)
        if state == "resolved":
            workspace.close(conversation.id, by=agent, at=last + HOUR)
    described, record, staff = by_id["cus-011"]
    created = _working_time(demo, 12)
    answered = workspace.add_conversation(
        [staff[0]],
        "<p>How do I change my password?</p>",
        title="Password change",
        company=record,
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
    workspace.append_part(answered.id, reply)
    workspace.append_part(answered.id, workspace.part("fin_handover_v9", bot, at=created + 40))
    workspace.close(answered.id, by=workspace.me.id, at=created + 90)


def _long_thread(demo: _Demo, described: DemoCompany, record: Company, staff: list[Contact]) -> None:
    """Add a thread of more parts than Intercom gives out (500)."""
    workspace, rng = demo.workspace, demo.rng
    created = _working_time(demo, 150)
    conversation = workspace.add_conversation(
        staff[:2],
        f"<p>Let us use this thread for the whole migration of {html.escape(described.name)}.</p>",
        title="Migration project",
        company=record,
        created_at=created,
    )
    agent = demo.team[2]
    step = (demo.now - 20 * DAY - created) // LONG_THREAD
    for number in range(LONG_THREAD):
        text = CHATTER[number % len(CHATTER)]
        who: Contact | str = staff[0] if number % 2 == 0 else agent
        body = _paragraphs(
            text, {"n": rng.randrange(2, 90), "big": f"{rng.randrange(1, 90)},{rng.randrange(100, 999)}"}
        )
        workspace.reply(conversation.id, body, by=who, at=created + (number + 1) * step)
    workspace.close(conversation.id, by=agent, at=demo.now - 18 * DAY)


def _events(demo: _Demo) -> None:
    """Add what people did in the product: steadily at good customers, less and less at poor ones."""
    rng, workspace = demo.rng, demo.workspace
    for described, _, staff in demo.owned:
        for contact in staff:
            if contact.role != "user":
                continue
            newest = None
            for day in range(100, -1, -1):
                chance = {"poor": 0.15 + day / 250, "fair": 0.35, "quiet": 0.08}.get(described.mood, 0.55)
                if rng.random() > chance or (demo.now // DAY - day + 3) % 7 >= 5:
                    continue
                at = demo.now - day * DAY - rng.randrange(HOUR, 9 * HOUR)
                workspace.add_event(contact.id, "logged-in", at=at)
                newest = at
                if rng.random() < 0.4:
                    workspace.add_event(contact.id, rng.choice(_EVENTS[1:]), at=at + rng.randrange(60, HOUR))
            if newest is not None:
                workspace.set_contact(contact.id, touch=False, last_seen_at=newest)


def _gone_people(demo: _Demo) -> None:
    """Archive one person, merge a lead into the user that it was, and delete a conversation."""
    workspace = demo.workspace
    by_id = {d.company_id: (r, s) for d, r, s in demo.owned}
    _, staff = by_id["cus-016"]
    workspace.archive_contact(staff[-1].id)
    _, staff = by_id["cus-017"]
    before = workspace.add_contact(staff[0].name, staff[0].email, role="lead", created_at=demo.now - 90 * DAY)
    first = workspace.add_conversation(
        [before],
        "<p>Hello, I am trying out your product before we sign up.</p>",
        title="Trial questions",
        created_at=_working_time(demo, 88),
    )
    workspace.close(first.id, by=demo.team[0], at=demo.now - 87 * DAY)
    workspace.merge_contacts(before.id, staff[0].id)
    spam = workspace.add_conversation(
        [demo.loose[0]], "<p>Cheap watches!!!</p>", title="Offer", created_at=demo.now - 40 * DAY
    )
    workspace.delete_conversation(spam.id)
