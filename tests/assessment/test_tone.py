"""The reader of tones: what it hears, what it does not read, and what stands in when it does not load."""

from __future__ import annotations

import pytest

from startdeliver.assessment import tone
from startdeliver.assessment.language import is_read


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Everything crashed again and nobody picks up the phone. I am angry.", "negative"),
        ("Das System ist schon wieder ausgefallen, wir sind sehr verärgert.", "negative"),
        ("Marvellous, thank you, you saved our day!", "positive"),
        ("Merci infiniment, tout marche très bien.", "positive"),
        ("Which file format does the import expect?", "neutral"),
        ("", "neutral"),
    ],
)
def test_labels(text: str, label: str) -> None:
    assert tone.tones([text])[0].label == label


def test_leaving_is_heard_and_a_cancelled_meeting_is_not() -> None:
    leaving, meeting, wish = tone.tones(
        [
            "Please cancel our subscription, we are moving to a competitor.",
            "I have to cancel our call on Friday, sorry.",
            "It would help us to sort the table by region.",
        ]
    )
    assert leaving.churn >= 0.5
    assert max(meeting.churn, wish.churn) < 0.5


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("We are waiting for the invoice.", True),
        ("Wir warten auf die Rechnung.", True),
        ("請求書を待っています。", True),
        ("Vi väntar på fakturan och det är inte bra.", True),
        ("Odotamme laskua, mutta tämä ei ole hyvä.", False),
        ("Чекаємо на рахунок, він ще не прийшов, дякую її", False),
        ("Περιμένουμε το τιμολόγιο.", False),
        ("12345", True),
    ],
)
def test_languages(text: str, read: bool) -> None:
    assert is_read(text) is read


def test_a_list_of_words_stands_in_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tone, "_encoder", lambda: None)
    bad, german = tone.tones(["This is terrible, I hate it.", "Wir sind sehr unzufrieden mit dem ganzen Produkt."])
    assert (bad.label, bad.source) == ("negative", "words")
    assert not german.known
    assert "simple list" in tone.limits()


def test_equal_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def by_words(texts: list[str]) -> list[tone.Tone]:
        read.extend(texts)
        return [tone.Tone(0, 0, "other", True) for _ in texts]

    monkeypatch.setattr(tone, "_encoder", lambda: None)
    monkeypatch.setattr(tone, "_by_words", by_words)
    assert len(tone.tones(["Thanks"] * 5)) == 5
    assert read == ["Thanks"]
