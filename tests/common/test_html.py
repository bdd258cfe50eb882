"""Foreign HTML: hostile input does nothing, plain input stays as it is, images become links."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startdeliver.common import html

LINK = "https://app.intercom.com/a/inbox/w/inbox/conversation/1"

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href=' java\nscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<form action=/logout><button>x</button></form>",
    "<iframe src=https://evil.example></iframe>",
    "<style>body{display:none}</style>",
    "<p style='position:fixed' onclick=alert(1) id=x class=y>x</p>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<a href='https://x.example/<img>\" onmouseover=alert(1) x=\"'>x</a>",
    "<img src=x title='<img src=y onerror=alert(1)>'>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<p>\x00<scr\x00ipt>alert(1)</script></p>",
    "<xmp><script>alert(1)</script></xmp>",
    "<a href='/logout'>x</a>",
    "<a href='//evil.example'>x</a>",
]


class Inspector(HTMLParser):
    """Collects tags and attributes as a browser's parser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def assert_harmless(text: str) -> None:
    inspector = Inspector()
    inspector.feed(text)
    inspector.close()
    for tag, attributes in inspector.seen:
        assert tag in html.TAGS
        assert set(attributes) <= ({"href", "rel", "target"} if tag == "a" else set())
        if tag == "a":
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"
        if href := attributes.get("href"):
            assert href.lower().startswith(("http://", "https://", "mailto:"))


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_html_does_nothing(body: str) -> None:
    assert_harmless(html.sanitise(body, LINK))


@given(st.text())
@settings(max_examples=200)
def test_any_text_is_harmless(body: str) -> None:
    assert_harmless(html.sanitise(body, LINK))


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "<p>", "</p>", "<a href=https://ok.example>", "</a>", "<img>", "text"]), max_size=8
    )
)
@settings(max_examples=200)
def test_any_mixture_is_harmless(pieces: list[str]) -> None:
    assert_harmless(html.sanitise("".join(pieces), LINK))


@given(
    st.lists(
        st.tuples(st.sampled_from(["<p>", '<p class="no-margin">']), st.text(st.characters(exclude_categories=["Cs"])))
    ),
)
@settings(max_examples=500)
def test_the_fast_path_answers_what_the_cleaner_answers(paragraphs: list[tuple[str, str]]) -> None:
    body = "".join(f"{start}{text}</p>" for start, text in paragraphs)
    assert html.sanitise(body, LINK) == (
        html._link_images(html._cleaner.clean(body.replace("\x00", "")), LINK) if body else ""
    )


def test_scripts_and_forms_go_with_their_content() -> None:
    assert (
        html.sanitise("<p>a</p><script>b</script><style>c</style><form>d<input></form><p>e</p>") == "<p>a</p><p>e</p>"
    )


def test_an_image_becomes_a_link_to_intercom() -> None:
    clean = html.sanitise('<p>see <img src="https://downloads.example/x.png?expires=1"></p>', LINK)
    assert (
        clean == f'<p>see <a href="{LINK}" target="_blank" rel="noopener noreferrer nofollow">Image in Intercom</a></p>'
    )


def test_an_image_inside_a_link_does_not_nest_links() -> None:
    clean = html.sanitise('<a href="https://x.example"><img src=y></a>', LINK)
    assert clean.count("<a ") == 1
    assert "Image in Intercom" in clean


def test_good_links_stay() -> None:
    assert 'href="https://x.example/?a=1&amp;b=2"' in html.sanitise('<a href="https://x.example/?a=1&amp;b=2">x</a>')
    assert 'href="mailto:a@b.example"' in html.sanitise('<a href="mailto:a@b.example">x</a>')


def test_plain_text_of_html() -> None:
    assert html.plain("<p>Hello <b>you</b></p><p>a &amp; b</p>") == "Hello you a & b"
    assert html.plain("<p>" + "word " * 100 + "</p>", 20) == "word word word word…"
