"""Core fields both ways: several syncs with edits on both sides, for each rule. Nothing may ping-pong."""

from __future__ import annotations

import random
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.sync.models import Connection, PushLog

from .pushing import Out

WINS, THEIRS, FILL = "startdeliver", "intercom", "fill"


class Sides:
    """One field, here and in Intercom."""

    def __init__(self, out: Out, model: str, name: str) -> None:
        self.out, self.model, self.name = out, model, name

    @property
    def here(self) -> Any:
        row = Customer.objects.get() if self.model == "customer" else CustomerUser.objects.get()
        return getattr(row, self.name)

    @here.setter
    def here(self, value: Any) -> None:
        rows = Customer.objects if self.model == "customer" else CustomerUser.objects
        # Without a source: a person has written it.
        rows.update(**{self.name: value, "field_sources": {}, "updated_at": clock.now()})

    @property
    def _record(self) -> Any:
        (company,) = self.out.workspace.companies.values()
        return company if self.model == "customer" else self.out.contact()

    @property
    def there(self) -> Any:
        return getattr(self._record, self.name)

    @there.setter
    def there(self, value: Any) -> None:
        change = self.out.workspace.set_company if self.model == "customer" else self.out.workspace.set_contact
        change(self._record.id, **{self.name: value})

    def sync(self) -> int:
        """One sync that looks at everything; gives how many writes Intercom got."""
        Connection.objects.update(swept_at=None, contacts_until=None)
        self.out.intercom.log.clear()
        self.out.sync(messages=False)
        return len(self.out.writes())


@pytest.fixture(params=[("customer", "plan"), ("user", "phone")], ids=["company", "contact"])
def sides(out: Out, request: pytest.FixtureRequest) -> Sides:
    out.set(field_rules={"user.external_id": {"rule": THEIRS}})
    return Sides(out, *request.param)


def rule(sides: Sides, name: str) -> None:
    rules = {**sides.out.connection.field_rules, f"{sides.model}.{sides.name}": {"rule": name}}
    sides.out.set(field_rules=rules)


# Each story: (who edits, the new value, what is here and there after the sync, writes to Intercom).
STORIES: dict[str, list[tuple[str, str, str, str, int]]] = {
    WINS: [
        ("there", "t1", "", "t1", 0),  # nothing here, so nothing to send
        ("here", "h1", "h1", "h1", 1),
        ("there", "t2", "h1", "h1", 1),
        ("there", "t3", "h1", "h1", 1),
        ("here", "h2", "h2", "h2", 1),
        ("here", "", "", "h2", 0),  # an empty value here takes none away there
        ("here", "h2", "h2", "h2", 0),
    ],
    THEIRS: [
        ("here", "h1", "h1", "", 0),
        ("there", "t1", "t1", "t1", 0),
        ("there", "t2", "t2", "t2", 0),
        ("here", "h2", "t2", "t2", 0),  # overwritten, although nothing moved there
        ("there", "", "", "", 0),  # it came from there, so it goes from there
    ],
    FILL: [
        ("here", "h1", "h1", "h1", 1),
        ("there", "t1", "h1", "t1", 0),  # both have a value: both keep theirs
        ("here", "h2", "h2", "t1", 0),
        ("there", "", "h2", "h2", 1),
        ("here", "", "h2", "h2", 0),
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_edits_on_both_sides(sides: Sides, name: str) -> None:
    rule(sides, name)
    for step, (who, value, here, there, writes) in enumerate(STORIES[name]):
        setattr(sides, who, value)
        assert sides.sync() == writes, (step, who, value)
        assert (sides.here, sides.there or "") == (here, there), (step, who, value)
        assert sides.sync() == 0, f"step {step}: a second sync with nothing changed writes again"
        assert (sides.here, sides.there or "") == (here, there), f"step {step}: it moved by itself"


@pytest.mark.parametrize("name", [WINS, THEIRS, FILL])
def test_edits_at_random_settle_at_once(out: Out, name: str) -> None:
    """Whatever is edited, after one sync nothing moves any more, and nobody's value is overwritten against the rule."""
    out.set(field_rules={"user.external_id": {"rule": THEIRS}})
    both = [Sides(out, "customer", "industry"), Sides(out, "user", "name")]
    for one in both:
        rule(one, name)
    chance = random.Random(7)
    for _ in range(4):
        for one in both:
            for who in chance.sample(["here", "there"], chance.randint(0, 2)):
                setattr(one, who, chance.choice(["", "a", "b", "ü 🙂"]))
        before = [(one.here, one.there or "") for one in both]
        both[0].sync()
        after = [(one.here, one.there or "") for one in both]
        for (here, there), (now_here, now_there) in zip(before, after, strict=True):
            if name == WINS:
                assert (now_here, now_there) == (here, here or there)
            elif name == FILL:
                assert (now_here, now_there) == (here or there, there or here)
            else:
                assert now_there == there
                assert now_here == (there or now_here)
        log = PushLog.objects.count()
        assert both[0].sync() == 0
        assert [(one.here, one.there or "") for one in both] == after
        assert PushLog.objects.count() == log


def test_changing_the_rule_changes_the_direction_once(sides: Sides) -> None:
    rule(sides, THEIRS)
    sides.there = "t"
    assert (sides.sync(), sides.here) == (0, "t")
    rule(sides, WINS)
    sides.here = "h"
    assert (sides.sync(), sides.there) == (1, "h")
    rule(sides, THEIRS)
    sides.there = "t2"
    assert (sides.sync(), sides.here) == (0, "t2")
    assert sides.sync() == 0
