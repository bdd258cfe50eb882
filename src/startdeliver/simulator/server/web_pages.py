"""Plain pages for people: what an app's links to Intercom open here. All values are escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from startdeliver.simulator.model.records import Attachment, Author, Company, Contact, Conversation
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
    """Return a complete page. `body` is HTML, `title` is text."""
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
                company = workspace.companies.get(record_id)
                return None if company is None else _company(workspace, company)
            case ["a", "apps", code, "users", record_id, *_] if code == workspace.id_code:
                contact = workspace.contacts.get(record_id)
                return None if contact is None else _contact(workspace, contact)
            case ["a", "inbox", code, "inbox", *_, "conversation", record_id] if code in (workspace.id_code, "_"):
                conversation = workspace.conversations.get(record_id)
                return None if conversation is None else _conversation(workspace, conversation)
    return None


def _e(value: Any) -> str:
    return html.escape(str(value))


def _time(seconds: int | None) -> str:
    return "–" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%-d %b %Y, %H:%M UTC")


def _table(rows: dict[str, Any]) -> str:
    cells = "".join(f"<tr><th>{_e(k)}</th><td>{'–' if v in (None, '') else _e(v)}</td></tr>" for k, v in rows.items())
    return f"<table>{cells}</table>"


def _attributes(values: dict[str, Any]) -> str:
    table = _table(dict(sorted(values.items()))) if values else '<p class="muted">None yet.</p>'
    return f"<h2>Custom attributes</h2>{table}"


def _company_link(workspace: Workspace, record: Company) -> str:
    path = f"/a/apps/{workspace.id_code}/companies/{record.id}"
    return f'<a href="{_e(path)}">{_e(record.name or record.company_id)}</a>'


def _contact_link(workspace: Workspace, record: Contact) -> str:
    path = f"/a/apps/{workspace.id_code}/users/{record.id}"
    return f'<a href="{_e(path)}">{_e(record.name or record.email or record.id)}</a>'


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _conversation_list(workspace: Workspace, ids: Iterable[str]) -> str:
    records = [c for i in ids if (c := workspace.conversations.get(i)) is not None]
    records.sort(key=lambda c: c.updated_at, reverse=True)
    items = []
    for record in records[:SHOWN]:
        path = f"/a/inbox/{workspace.id_code}/inbox/conversation/{record.id}"
        status = f'<span class="muted">{_e(record.state)}, {_time(record.updated_at)}</span>'
        items.append(f'<a href="{_e(path)}">{_e(_heading(record))}</a> {status}')
    return _list(items) if items else '<p class="muted">None.</p>'


def _heading(record: Conversation) -> str:
    return record.title or record.source.subject or f"Conversation {record.id}"


def _overview(workspace: Workspace) -> str:
    companies = sorted(workspace.visible_companies(), key=lambda c: (c.name or "").lower())
    newest = [i for _, i in workspace.conversations.updated[-10:]]
    table = {
        "Workspace ID": workspace.id_code,
        "Region": workspace.region,
        "Time zone": workspace.timezone,
        "Conversations": len(workspace.conversations),
        "Contacts": len(workspace.contacts.updated),
        "Companies": len(companies),
    }
    body = (
        f"<h1>{_e(workspace.name)}</h1>{_table(table)}"
        f"<h2>Latest conversations</h2>{_conversation_list(workspace, newest)}"
        f"<h2>Companies</h2>{_list(_company_link(workspace, c) for c in companies[:SHOWN])}"
    )
    return document(workspace.name, body)


def _company(workspace: Workspace, record: Company) -> str:
    people = [c for i in sorted(record.contact_ids) if (c := workspace.contacts.get(i)) is not None and c.active]
    conversation_ids = {i for c in people for i in workspace.conversations_of.get(c.id, ())}
    table = {
        "Company ID": record.company_id,
        "Intercom ID": record.id,
        "Website": record.website,
        "Industry": record.industry,
        "Plan": record.plan,
        "Size": record.size,
        "Monthly spend": record.monthly_spend,
        "Tags": ", ".join(workspace.tags[i].name for i in record.tag_ids),
        "Last changed": _time(record.updated_at),
    }
    title = record.name or record.company_id
    body = (
        f"<h1>{_e(title)}</h1>{_table(table)}{_attributes(record.custom_attributes)}"
        f"<h2>People</h2>{_list(_contact_link(workspace, c) for c in people[:SHOWN])}"
        f"<h2>Conversations</h2>{_conversation_list(workspace, conversation_ids)}"
    )
    return document(title, body)


def _contact(workspace: Workspace, record: Contact) -> str:
    state = (
        "merged" if record.merged_into else "archived" if record.archived else "deleted" if record.deleted else "active"
    )
    table = {
        "Role": record.role,
        "State": state,
        "E-mail": record.email,
        "Phone": record.phone,
        "External ID": record.external_id,
        "Intercom ID": record.id,
        "Last seen": _time(record.last_seen_at),
        "Last changed": _time(record.updated_at),
    }
    body = (
        f"<h1>{_e(record.name or record.email or record.id)}</h1>{_table(table)}{_attributes(record.custom_attributes)}"
        f"<h2>Companies</h2>{_list(_company_link(workspace, workspace.companies[i]) for i in record.company_ids)}"
        f"<h2>Conversations</h2>{_conversation_list(workspace, workspace.conversations_of.get(record.id, ()))}"
    )
    return document(record.name or record.id, body)


def _message(author: Author, at: int, body: str | None, kind: str, attachments: list[Attachment]) -> str:
    header = f'<span class="muted">{_e(author.name or author.id)} ({_e(author.type)}), {_time(at)}, {_e(kind)}</span>'
    if body is None and not attachments:
        return f"<p>{header}</p>"
    names = ", ".join(a.name for a in attachments)
    files = f'\n<span class="muted">Files: {_e(names)}</span>' if attachments else ""
    return f'<article class="{"note" if kind == "note" else "message"}">{header}\n{_e(body or "")}{files}</article>'


def _conversation(workspace: Workspace, record: Conversation) -> str:
    people = [c for i in record.contact_ids if (c := workspace.contacts.get(i)) is not None]
    source = record.source
    messages = [_message(source.author, record.created_at, source.body, "first message", source.attachments)]
    messages += [_message(p.author, p.created_at, p.body, p.part_type, p.attachments) for p in record.parts[-500:]]
    table = {
        "State": record.state,
        "Priority": record.priority,
        "Created": _time(record.created_at),
        "Last changed": _time(record.updated_at),
        "Tags": ", ".join(workspace.tags[t.tag_id].name for t in record.tags),
        "Rating": f"{record.rating.rating} of 5. {record.rating.remark or ''}" if record.rating else None,
        "Ticket": f"{record.ticket.title} ({record.ticket.state})" if record.ticket else None,
    }
    links = ", ".join(_contact_link(workspace, c) for c in people)
    body = f"<h1>{_e(_heading(record))}</h1><p>{links}</p>{_table(table)}<h2>Thread</h2>{''.join(messages)}"
    return document(_heading(record), body)
