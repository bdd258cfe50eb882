"""Plain pages for people: where the links of an app lead in the simulated Intercom. Everything shown is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from startdeliver.simulator.model import Author, Company, Contact, Conversation
from startdeliver.simulator.workspace import Workspace

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
SHOWN = 100

_STYLE = """
:root{color-scheme:light dark;--line:#d8dce3;--muted:#5b6472;--accent:#1f5fd6;--note:#fff7d6;--ink:#161a20;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--line:#333a45;--muted:#a0a9b7;--accent:#8db4ff;--note:#3a3420;--ink:#eef1f5;
--paper:#14171c}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:1.5rem 1rem 4rem}
header{border-bottom:1px solid var(--line);padding:.6rem 1rem;color:var(--muted);font-size:.9rem}
a{color:var(--accent)}h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--muted);font-weight:500;width:35%}
.muted{color:var(--muted);font-size:.9rem}article{border:1px solid var(--line);border-radius:8px;padding:.6rem .8rem;
margin:.6rem 0;white-space:pre-wrap;overflow-wrap:anywhere}article.note{background:var(--note)}
button{font:inherit;padding:.5rem 1.1rem;border:1px solid var(--line);border-radius:6px;background:none;color:inherit;
cursor:pointer}button.primary{background:#1f5fd6;border-color:#1f5fd6;color:#fff}
"""


def document(title: str, body: str) -> str:
    """Return a whole page. `body` is HTML; `title` is text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><header>Simulated Intercom</header><main>{body}</main></body></html>"
    )


def page(workspace: Workspace, path: str) -> str | None:
    """Return the page of a path, or None when there is none."""
    with workspace.lock:
        match path.strip("/").split("/"):
            case [""]:
                return _overview(workspace)
            case ["a", "apps", code, "companies", record_id] if code == workspace.id_code:
                found = workspace.companies.get(record_id)
                return None if found is None else _company(workspace, found)
            case ["a", "apps", code, "users", record_id, *_] if code == workspace.id_code:
                contact = workspace.contacts.get(record_id)
                return None if contact is None else _contact(workspace, contact)
            case ["a", "inbox", code, "inbox", *_, "conversation", record_id] if code in (workspace.id_code, "_"):
                thread = workspace.conversations.get(record_id)
                return None if thread is None else _conversation(workspace, thread)
    return None


def _e(value: Any) -> str:
    return html.escape(str(value))


def _time(seconds: int | None) -> str:
    return "–" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%-d %b %Y, %H:%M UTC")


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cells = "".join(f"<tr><th>{_e(k)}</th><td>{'–' if v in (None, '') else _e(v)}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"


def _attributes(values: dict[str, Any]) -> str:
    shown = _table(sorted(values.items())) if values else '<p class="muted">None yet.</p>'
    return f"<h2>Custom attributes</h2>{shown}"


def company_path(workspace: Workspace, record: Company) -> str:
    return f"/a/apps/{workspace.id_code}/companies/{record.id}"


def contact_path(workspace: Workspace, record: Contact) -> str:
    return f"/a/apps/{workspace.id_code}/users/{record.id}"


def conversation_path(workspace: Workspace, record_id: str) -> str:
    return f"/a/inbox/{workspace.id_code}/inbox/conversation/{record_id}"


def _conversation_list(workspace: Workspace, ids: Iterable[str]) -> str:
    found = [c for i in ids if (c := workspace.conversations.get(i)) is not None]
    found.sort(key=lambda c: c.updated_at, reverse=True)
    items = "".join(
        f'<li><a href="{_e(conversation_path(workspace, c.id))}">{_e(_heading(c))}</a> '
        f'<span class="muted">{_e(c.state)}, {_time(c.updated_at)}</span></li>'
        for c in found[:SHOWN]
    )
    return f"<ul>{items}</ul>" if items else '<p class="muted">None.</p>'


def _heading(record: Conversation) -> str:
    return record.title or record.source.subject or f"Conversation {record.id}"


def _overview(workspace: Workspace) -> str:
    companies = sorted(workspace.visible_companies(), key=lambda c: (c.name or "").lower())
    links = "".join(
        f'<li><a href="{_e(company_path(workspace, c))}">{_e(c.name or c.company_id)}</a></li>'
        for c in companies[:SHOWN]
    )
    newest = [i for _, i in workspace.conversations.updated[-10:]]
    body = (
        f"<h1>{_e(workspace.name)}</h1>"
        + _table(
            [
                ("Workspace ID", workspace.id_code),
                ("Region", workspace.region),
                ("Time zone", workspace.timezone),
                ("Conversations", len(workspace.conversations)),
                ("Contacts", len(workspace.contacts.updated)),
                ("Companies", len(companies)),
            ]
        )
        + f"<h2>Latest conversations</h2>{_conversation_list(workspace, newest)}"
        + f"<h2>Companies</h2><ul>{links}</ul>"
    )
    return document(workspace.name, body)


def _company(workspace: Workspace, record: Company) -> str:
    people = [c for i in sorted(record.contact_ids) if (c := workspace.contacts.get(i)) is not None and c.active]
    links = "".join(
        f'<li><a href="{_e(contact_path(workspace, c))}">{_e(c.name or c.email or c.id)}</a></li>'
        for c in people[:SHOWN]
    )
    ids = {i for c in people for i in workspace.conversations_of.get(c.id, ())}
    body = (
        f"<h1>{_e(record.name or record.company_id)}</h1>"
        + _table(
            [
                ("Company ID", record.company_id),
                ("Intercom ID", record.id),
                ("Website", record.website),
                ("Industry", record.industry),
                ("Plan", record.plan),
                ("Size", record.size),
                ("Monthly spend", record.monthly_spend),
                ("Tags", ", ".join(workspace.tags[i].name for i in record.tag_ids)),
                ("Last changed", _time(record.updated_at)),
            ]
        )
        + _attributes(record.custom_attributes)
        + f"<h2>People</h2><ul>{links}</ul><h2>Conversations</h2>{_conversation_list(workspace, ids)}"
    )
    return document(record.name or record.company_id, body)


def _contact(workspace: Workspace, record: Contact) -> str:
    state = (
        "merged" if record.merged_into else "archived" if record.archived else "deleted" if record.deleted else "active"
    )
    owners = [workspace.companies[i] for i in record.company_ids]
    links = "".join(
        f'<li><a href="{_e(company_path(workspace, c))}">{_e(c.name or c.company_id)}</a></li>' for c in owners
    )
    body = (
        f"<h1>{_e(record.name or record.email or record.id)}</h1>"
        + _table(
            [
                ("Role", record.role),
                ("State", state),
                ("E-mail", record.email),
                ("Phone", record.phone),
                ("External ID", record.external_id),
                ("Intercom ID", record.id),
                ("Last seen", _time(record.last_seen_at)),
                ("Last changed", _time(record.updated_at)),
            ]
        )
        + _attributes(record.custom_attributes)
        + f"<h2>Companies</h2><ul>{links}</ul>"
        + f"<h2>Conversations</h2>{_conversation_list(workspace, workspace.conversations_of.get(record.id, ()))}"
    )
    return document(record.name or record.id, body)


def _message(author: Author, at: int, body: str | None, kind: str, attachments: list[str]) -> str:
    who = f'<span class="muted">{_e(author.name or author.id)} ({_e(author.type)}), {_time(at)}, {_e(kind)}</span>'
    if body is None and not attachments:
        return f"<p>{who}</p>"
    files = f'\n<span class="muted">Files: {_e(", ".join(attachments))}</span>' if attachments else ""
    return f'<article class="{"note" if kind == "note" else "message"}">{who}\n{_e(body or "")}{files}</article>'


def _conversation(workspace: Workspace, record: Conversation) -> str:
    people = [c for i in record.contact_ids if (c := workspace.contacts.get(i)) is not None]
    links = ", ".join(f'<a href="{_e(contact_path(workspace, c))}">{_e(c.name or c.email or c.id)}</a>' for c in people)
    source = record.source
    thread = [
        _message(source.author, record.created_at, source.body, "first message", [a.name for a in source.attachments])
    ]
    thread += [
        _message(p.author, p.created_at, p.body, p.part_type, [a.name for a in p.attachments])
        for p in record.parts[-500:]
    ]
    rating = f"{record.rating.rating} of 5. {record.rating.remark or ''}" if record.rating else None
    body = (
        f"<h1>{_e(_heading(record))}</h1><p>{links}</p>"
        + _table(
            [
                ("State", record.state),
                ("Priority", record.priority),
                ("Created", _time(record.created_at)),
                ("Last changed", _time(record.updated_at)),
                ("Tags", ", ".join(workspace.tags[t.tag_id].name for t in record.tags)),
                ("Rating", rating),
                ("Ticket", f"{record.ticket.title} ({record.ticket.state})" if record.ticket else None),
            ]
        )
        + "<h2>Thread</h2>"
        + "".join(thread)
    )
    return document(_heading(record), body)
