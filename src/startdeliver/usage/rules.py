"""The rule of usage health (product.md section 7), as pure functions: one product at one customer.

`health.py` does the same for all customers in SQL; a property test holds the two together.

What the specification leaves open, decided here:
- The window is the last `look_back_days` calendar days of the organization's time zone, today included.
- Users who left or are archived count for nothing. Users flagged as non-users do not count per user; what they do
  counts in the customer's total.
- "No data" is a customer without users, or one none of whose users ever used the product. Who used it once and stopped
  has data: zero. For a dependent count, no data is neither type used in the window; for a field, no number in it.
- A user without data does not reach a target, but is one of "the customer's users" unless the product leaves out users
  who never used it.
- "No news is good news" turns the product around: at most the good target is Good, at most the fair target is Fair,
  more is Poor; and no data is Good, as long as there is a user who could have made news.
- A dependent count compares with a percentage of the other type's count; where that is zero, any usage reaches every
  target (and exceeds it, when no news is good news).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from startdeliver.common.health import Health
from startdeliver.usage.models import Basis, Goal


@dataclass(frozen=True)
class Rule:
    """How one product is measured. Targets as numbers, `percent` from 1 to 100."""

    goal: Goal
    fair: float
    good: float
    basis: Basis = Basis.CUSTOMER
    percent: int = 50
    look_back_days: int = 35
    only_users_with_product: bool = False
    no_news_is_good_news: bool = False


@dataclass(frozen=True)
class Person:
    """One user of the customer: quantities by day (days since 1970) of the product's types and of the dependent type.

    `number` is the user's field value when it is a number. Days outside the window are looked at only to know whether
    the user ever had the product.
    """

    usage: Mapping[int, int] = field(default_factory=dict)
    dependent: Mapping[int, int] = field(default_factory=dict)
    number: float | None = None
    gone: bool = False
    non_user: bool = False


@dataclass(frozen=True)
class Verdict:
    """A product's health at one customer. `value`: what was compared, or per user the percentage at the good target."""

    status: Health | None
    value: float | None = None
    user_count: int = 0
    good_count: int = 0
    fair_count: int = 0


@dataclass(frozen=True)
class _Measure:
    """What is compared with a target. `base` is the dependent type's count, None for the other goals."""

    amount: float
    base: int | None = None


def window(today: int, look_back_days: int) -> range:
    """The days that count: the last `look_back_days` up to and including `today` (all as days since 1970)."""
    return range(today - look_back_days + 1, today + 1)


def judge(
    rule: Rule, people: Iterable[Person], today: int, number: float | None = None, measured: bool = True
) -> Verdict:
    """The health of one product at one customer on `today` (days since 1970).

    `people`: the customer's users; `number`: the customer's field value when it is a number; `measured`: whether the
    product has anything to measure at all (a usage type, or a field).
    """
    present = [person for person in people if not person.gone]
    if not measured:
        return Verdict(None)
    if rule.basis == Basis.PER_USER:
        return _per_user(rule, [person for person in present if not person.non_user], today)
    return _in_total(rule, present, today, number)


def reach(rule: Rule, amount: float | None, base: int | None = None) -> Health:
    """What one user reaches by itself: Good, Fair, or Poor for neither target.

    `amount`: days, uses or the number in the field (None: there is none); `base`: the dependent type's count.
    """
    measure = None if amount is None else _Measure(amount, base)
    if _reaches(rule, measure, rule.good):
        return Health.GOOD
    return Health.FAIR if _reaches(rule, measure, rule.fair) else Health.POOR


def mean(statuses: Iterable[Health | None]) -> tuple[Health | None, float | None]:
    """The customer's usage health and its score: the mean over the products with data (Good 2, Fair 1, Poor 0)."""
    points = [status.points for status in statuses if status is not None]
    if not points:
        return None, None
    # In whole numbers, so that a mean of exactly 1.5 or 0.5 is never lost to rounding.
    doubled, count = 2 * sum(points), len(points)
    status = Health.GOOD if doubled >= 3 * count else Health.FAIR if doubled >= count else Health.POOR
    return status, sum(points) / count


def _per_user(rule: Rule, people: Sequence[Person], today: int) -> Verdict:
    counted = [person for person in people if not rule.only_users_with_product or _has_product(rule, person, today)]
    if not rule.no_news_is_good_news and not any(_has_data(rule, person, today) for person in counted):
        return Verdict(None, user_count=len(counted))
    if not people:
        return Verdict(None)
    if not counted:
        return Verdict(Health.GOOD)
    measures = [_of_person(rule, person, today) for person in counted]
    good = sum(_reaches(rule, measure, rule.good) for measure in measures)
    fair = sum(_reaches(rule, measure, rule.fair) or _reaches(rule, measure, rule.good) for measure in measures)
    enough = rule.percent * len(counted)
    status = Health.GOOD if good * 100 >= enough else Health.FAIR if fair * 100 >= enough else Health.POOR
    return Verdict(status, good * 100 / len(counted), len(counted), good, fair)


def _in_total(rule: Rule, people: Sequence[Person], today: int, number: float | None) -> Verdict:
    count = len(people)
    if rule.goal == Goal.FIELD_VALUE:
        if number is None:
            return Verdict(Health.GOOD if rule.no_news_is_good_news else None, user_count=count)
        return Verdict(_compare(rule, _Measure(number)), number, count)
    if not people:
        return Verdict(None)
    if not rule.no_news_is_good_news and not any(_has_data(rule, person, today) for person in people):
        return Verdict(None, user_count=count)
    days = window(today, rule.look_back_days)
    usage = [(day, n) for person in people for day, n in person.usage.items() if day in days]
    base = sum(n for person in people for day, n in person.dependent.items() if day in days)
    measure = _measure(rule, usage, base)
    return Verdict(_compare(rule, measure), _shown(measure), count)


def _of_person(rule: Rule, person: Person, today: int) -> _Measure | None:
    if rule.goal == Goal.FIELD_VALUE:
        return None if person.number is None else _Measure(person.number)
    days = window(today, rule.look_back_days)
    usage = [(day, n) for day, n in person.usage.items() if day in days]
    return _measure(rule, usage, sum(n for day, n in person.dependent.items() if day in days))


def _measure(rule: Rule, usage: Sequence[tuple[int, int]], base: int) -> _Measure:
    if rule.goal == Goal.UNIQUE_DAYS:
        return _Measure(len({day for day, _ in usage}))
    return _Measure(sum(n for _, n in usage), base if rule.goal == Goal.DEPENDENT_COUNT else None)


def _shown(measure: _Measure) -> float | None:
    if measure.base is None:
        return float(measure.amount)
    return measure.amount * 100.0 / measure.base if measure.base else None


def _compare(rule: Rule, measure: _Measure) -> Health:
    if _reaches(rule, measure, rule.good):
        return Health.GOOD
    return Health.FAIR if _reaches(rule, measure, rule.fair) else Health.POOR


def _reaches(rule: Rule, measure: _Measure | None, target: float) -> bool:
    if measure is None:
        return rule.no_news_is_good_news
    amount, limit = float(measure.amount), target
    if measure.base is not None:
        amount, limit = amount * 100.0, target * measure.base
    if rule.no_news_is_good_news:
        return amount <= limit
    # Zero of zero is no usage; it reaches nothing.
    return amount >= limit and (measure.base is None or measure.amount > 0)


def _has_data(rule: Rule, person: Person, today: int) -> bool:
    if rule.goal == Goal.FIELD_VALUE:
        return person.number is not None
    if rule.goal == Goal.DEPENDENT_COUNT:
        days = window(today, rule.look_back_days)
        return any(day in days for day in [*person.usage, *person.dependent])
    return _has_product(rule, person, today)


def _has_product(rule: Rule, person: Person, today: int) -> bool:
    if rule.goal == Goal.FIELD_VALUE:
        return person.number is not None
    return any(day <= today for day in person.usage)
