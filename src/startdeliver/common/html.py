"""Cleans foreign HTML once, when it is stored, so that it is safe to show.

A small set of text tags and links to http, https and mailto is kept. Scripts, styles and forms are removed with their
content, other tags without it, and all attributes except the address of a link. An image becomes a link to a page that
shows it, because the image's own address expires and would tell its server who reads it.
"""

from __future__ import annotations

import re
from html import escape, unescape

import nh3

IMAGE_TEXT = "Image in Intercom"
_TAG_NAMES = (
    "a b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong sub sup "
    "table tbody td tfoot th thead tr u ul"
)
TAGS = frozenset(_TAG_NAMES.split())
# Dropped with everything inside them; other unknown tags lose the tag only.
_DROPPED_NAMES = (
    "script style form button select textarea iframe object embed noscript template svg math title head "
    "applet audio video canvas datalist noembed noframes xmp"
)
_DROPPED = frozenset(_DROPPED_NAMES.split())
_SCHEMES = ("http://", "https://", "mailto:")
_UNSAFE = str.maketrans({"<": "%3C", ">": "%3E", '"': "%22", "'": "%27", "`": "%60"})

# Paragraphs of plain text, the form of nearly all chat messages. The cleaner would only remove the class. NUL, CR, FF
# and entities are left to the cleaner, which rewrites them.
_PLAIN = re.compile(r"(?:<p(?: class=\"no-margin\")?>[^<>&\x00\x0c\r\xa0]*</p>)+")
_MARGIN = ' class="no-margin"'
_PIECES = re.compile(r"<img>|<a[ >]|</a>")
_TAG = re.compile(r"<[^>]*>")


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "href":
        value = value.strip()
        return value.translate(_UNSAFE) if value.lower().startswith(_SCHEMES) else None
    return value


_cleaner = nh3.Cleaner(
    tags=set(TAGS | {"img"}),
    clean_content_tags=set(_DROPPED),
    attributes={"a": {"href"}, "*": set()},
    attribute_filter=_attribute,
    strip_comments=True,
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes={"http", "https", "mailto"},
)


def sanitise(body: str | None, image_link: str = "") -> str:
    """`body` as HTML that is safe to put into a page. `image_link` is where images can be seen (an http(s) address)."""
    if not body:
        return ""
    if _PLAIN.fullmatch(body):
        return body.replace(_MARGIN, "") if _MARGIN in body else body
    clean = _cleaner.clean(body.replace("\x00", ""))
    return _link_images(clean, image_link) if "<img>" in clean else clean


def plain(html: str, limit: int = 0) -> str:
    """Returns the text of sanitised HTML on one line, at most `limit` characters (0: all)."""
    if limit and len(html) > limit * 8:
        html = html[: limit * 8]
    if html.startswith("<p>") and html.endswith("</p>") and html.count("<") == 2 and "&" not in html:
        text = html[3:-4]
    else:
        text = unescape(_TAG.sub(" ", html))
    text = " ".join(text.split())
    return text if not limit or len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _link_images(clean: str, link: str) -> str:
    anchor = (
        f'<a href="{escape(link)}" target="_blank" rel="noopener noreferrer nofollow">{IMAGE_TEXT}</a>'
        if link.lower().startswith(("http://", "https://"))
        else IMAGE_TEXT
    )
    inside = False

    def replace(match: re.Match[str]) -> str:
        nonlocal inside
        piece = match.group()
        if piece != "<img>":
            inside = piece != "</a>"
            return piece
        return IMAGE_TEXT if inside else anchor

    return _PIECES.sub(replace, clean)
