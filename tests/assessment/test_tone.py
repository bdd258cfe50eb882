"""The reader of tones: what it hears, what it does not read, and what stands in when it does not load."""

from __future__ import annotations

import pytest

from startdeliver.assessment.reader import model
from startdeliver.assessment.reader.language import is_read
from startdeliver.assessment.reader.tone import Tone


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
    assert model.tones([text])[0].label == label


def test_leaving_is_heard_and_a_cancelled_meeting_is_not() -> None:
    leaving, meeting, wish = model.tones(
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
    monkeypatch.setattr(model, "_encoder", lambda: None)
    bad, german = model.tones(["This is terrible, I hate it.", "Wir sind sehr unzufrieden mit dem ganzen Produkt."])
    assert (bad.label, bad.source) == ("negative", "words")
    assert not german.known
    assert not model.has_encoder()


def test_equal_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def by_words(texts: list[str]) -> list[Tone]:
        read.extend(texts)
        return [Tone(0, 0, "other", True) for _ in texts]

    monkeypatch.setattr(model, "_encoder", lambda: None)
    monkeypatch.setattr(model, "_by_words", by_words)
    assert len(model.tones(["Thanks"] * 5)) == 5
    assert read == ["Thanks"]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("We have decided not to renew and will move to another provider.", "leaving"),
        ("Wir werden den Vertrag nicht verlängern und wechseln den Anbieter.", "leaving"),
        ("Vi har bestämt oss för att byta leverantör och säger upp avtalet.", "leaving"),
        ("契約を終了したいと思います。", "leaving"),
        ("What is the notice period of our contract?", "hint"),
        ("Nobody can log in since this morning, the whole company is blocked!", "blocked"),
        ("Our lawyer will contact you about damages.", "legal"),
        ("I want to speak to your manager.", "escalation"),
        ("Friday is my last working day, my colleague takes over.", "handover"),
        ("We have signed the renewal for another two years.", "staying"),
        ("Don't worry, we are not leaving.", "staying"),
        ("I am out of the office until Monday.", "automatic"),
        ("How do I change the logo?", ""),
        ("A client of ours left us for a competitor, how do we record that?", ""),
        ("Please end the trial of the beta feature.", ""),
    ],
)
def test_what_messages_are_up_to(text: str, intent: str) -> None:
    assert model.tones([text])[0].intent == intent


def test_the_end_of_a_long_message_is_heard() -> None:
    polite = (
        "Thank you for the nice call last week. We talked about many things, and the new report looks fine to us. " * 3
    )
    assert (
        model.tones([polite + "However, we have decided to cancel our contract at the end of the year."])[0].churn
        >= 0.5
    )


@pytest.mark.parametrize(
    "text",
    [
        "Hi Tom,\nthe export works.\nBest regards\nAna Silva\nHead of Sales",
        "The export works.\n> We will cancel our contract.",
        "The export works.\n\nOn Mon, 2 Nov 2026, Ana wrote:\nWe will cancel our contract.",
        "The export works.\n-----Original Message-----\nFrom: Ana\nWe will cancel our contract.",
    ],
)
def test_quotations_greetings_and_signatures_are_not_read(text: str) -> None:
    assert " ".join(model.pieces(text)) == "The export works." or model.pieces(text) == ["the export works."]
