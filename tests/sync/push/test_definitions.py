"""Which attributes are made, used, restored or refused."""

from __future__ import annotations

from typing import Any

import pytest

from startdeliver.intercom.wire import DataAttribute
from startdeliver.sync.models import PushField
from startdeliver.sync.push.choices import Choice
from startdeliver.sync.push.definitions import Action, compare, unknown
from startdeliver.sync.push.sources import Source, text


def choice(name: str = "sd_x", model: str = "company", data_type: str = "string", **more: Any) -> Choice:
    options = more.pop("options", ())
    source = Source(model, "x", "X", data_type, "c.name", text, "", options=options)
    return Choice(source, PushField(model=model, source="x", name=name, **more))


def there(name: str = "sd_x", model: str = "company", data_type: str = "string", **more: Any) -> DataAttribute:
    return DataAttribute(name=name, id=more.pop("id", 7), model=model, data_type=data_type, custom=True, **more)


def only(one: Choice, *found: DataAttribute) -> tuple[Action, str]:
    (result,) = compare([one], found)
    return result.action, result.sentence


def test_what_is_missing_is_made() -> None:
    assert only(choice()) == (Action.CREATE, "")


def test_what_fits_is_used() -> None:
    assert only(choice(), there())[0] is Action.USE
    assert only(choice(data_type="date"), there(data_type="datetime"))[0] is Action.USE


def test_an_archived_one_comes_back() -> None:
    assert only(choice(), there(archived=True))[0] is Action.RESTORE


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (there(model="contact"), "for contacts already"),
        (there(data_type="integer"), "with the type integer"),
        (there(api_writable=False), "does not let programs write"),
        (DataAttribute(name="sd_x", model="company", data_type="string", custom=False), "one of Intercom's own"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_out(found: DataAttribute, words: str) -> None:
    action, sentence = only(choice(), found)
    assert action is Action.REFUSED
    assert words in sentence
    assert "Choose another name." in sentence


def test_new_options_are_added_to_those_that_are_there() -> None:
    one = choice(data_type="options", options=("Gold", "Tin"))
    (result,) = compare([one], [there(options=["Silver", "Gold"])])
    assert (result.action, result.options) == (Action.OPTIONS, ("Silver", "Gold", "Tin"))


def test_the_limit_counts_active_ones_of_both_models() -> None:
    full = [there(f"a{n}", "contact" if n % 2 else "company", id=n) for n in range(249)]
    full += [there(f"old{n}", archived=True, id=1000 + n) for n in range(5)]
    standard = [DataAttribute(name=f"s{n}", model="company", data_type="string") for n in range(5)]
    first, second = compare([choice("one"), choice("two")], [*full, *standard])
    assert first.action is Action.CREATE
    assert second.action is Action.REFUSED
    assert "250" in second.sentence


def test_who_is_known_need_not_be_asked_about() -> None:
    from startdeliver.common import clock

    one = choice(workspace="w", defined_at=clock.now())
    assert unknown([one], "w") == []
    assert unknown([one], "another") == [one]
    grown = choice(data_type="options", options=("a", "b", "c"), workspace="w", defined_at=clock.now())
    grown.field.options = ["a", "b"]
    assert unknown([grown], "w") == [grown]
