"""The user documentation: Markdown files of the `docs` folder, rendered to HTML.

A page's title is its first heading. The index below fixes the order; a new page must be added to it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

DOCS_DIR = Path(__file__).resolve().parents[3] / "docs"


@dataclass(frozen=True)
class Entry:
    """A page in the index: its address below /docs, and a one-line summary."""

    slug: str
    summary: str


INDEX: tuple[Entry, ...] = (
    Entry("intercom", "Connect Intercom, what syncs, every setting, and what to do when something is missing."),
    Entry("attributes", "Send health, last login and custom fields to Intercom, and target messages with them."),
    Entry("events", "Count Intercom's events as usage: event names, waiting events, and which contacts are read."),
    Entry("customers", "The customers list, the profile, users, members and permissions."),
    Entry("lists", "Filters, columns, saved and shared lists, and My portfolio."),
    Entry("fields", "Custom fields on customers and users: types, visibility, aliases."),
    Entry("import", "Import customers, users and usage from CSV files, and export every list."),
    Entry("products", "Usage types, products, targets, and how to send events."),
    Entry("usage-health", "How usage health is computed, an example of each goal type, and last login."),
    Entry("tickets", "How conversations become tickets, and what open, resolved and overdue mean."),
    Entry("support-health", "How Good, Fair and Poor are computed, and the two settings."),
    Entry("assessment", "What the five statuses mean, what they are based on, who assesses, and what is sent."),
    Entry("workflows", "Programmes such as At-risk: rules, enrolling by hand, leaving, and history."),
    Entry("api", "Read and write customers, users and tickets from your own programs."),
    Entry("operating", "Install, settings, backup, upgrades, and running it for many organizations."),
)


@dataclass(frozen=True)
class Page:
    """A documentation page: `html` is safe to show; `markdown` is its source."""

    slug: str
    title: str
    summary: str
    markdown: str
    html: str


# Long lines can be scrolled sideways, also with the keyboard.
_PRE = '<pre tabindex="0">'


@functools.cache
def _renderer() -> MarkdownIt:
    # Raw HTML in the source is shown as text, so the Content-Security-Policy needs no exception.
    return MarkdownIt("commonmark", {"html": False}).enable("table").use(anchors_plugin, min_level=2, max_level=3)


@functools.lru_cache(maxsize=64)
def _read(slug: str, modified: float) -> Page:
    entry = next(entry for entry in INDEX if entry.slug == slug)
    text = (DOCS_DIR / f"{slug}.md").read_text(encoding="utf-8")
    title = text.split("\n", 1)[0].removeprefix("# ").strip()
    return Page(slug, title, entry.summary, text, _renderer().render(text).replace("<pre>", _PRE))


def page(slug: str) -> Page | None:
    """Returns the page at `slug`, or None when the index has no such page."""
    if slug not in {entry.slug for entry in INDEX}:
        return None
    path = DOCS_DIR / f"{slug}.md"
    return _read(slug, path.stat().st_mtime) if path.is_file() else None


def pages() -> list[Page]:
    """Returns every page in the order of the index."""
    return [document for entry in INDEX if (document := page(entry.slug)) is not None]
