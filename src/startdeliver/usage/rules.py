"""The rule of usage health as pure functions: one product at one customer, and the mean over a customer's products.

- The window is the last `look_back_days` calendar days of the organization's time zone, today included.
- Users who left or are archived count for nothing. Users flagged as non-users do not count per user; what they do
  counts in the customer's total.
- "No data" is a customer without users, or one none of whose users ever used the product. A user who used it once and
  stopped has data: zero. For a dependent count, no data is neither type used in the window; for a field, no number.
- A user without data does not reach a target, but is one of "the customer's users" unless the product leaves out users
  who never used it.
- "No news is good news" turns the product around: at most the good target is Good, at most the fair target is Fair,
  more is Poor; and no data is Good, as long as there is a user who could have made news.
- A dependent count compares with a percentage of the other type's count. Where that is zero, any usage reaches every
  target (and exceeds it, when no news is good news).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from startdeliver.common.health import Health
from startdeliver.usage.models import Basis, Goal, Product


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

    @classmethod
    def of(cls, product: Product) -> Rule:
        """The rule that the product's settings say."""
        return cls(
            goal=Goal(product.goal),
            fair=float(product.fair_target),
            good=float(product.good_target),
            basis=Basis(product.basis),
            percent=product.percent,
            look_back_days=product.look_back_days,
            only_users_with_product=product.only_users_with_product,
            no_news_is_good_news=product.no_news_is_good_news,
        )


class Person(NamedTuple):
    """One present user of the customer, with what it did in the product's window.

    `days`: a set of bits, bit n for usage of the product's types on the window's day n. `quantity` of these types,
    `dependent` of the dependent type. `has_used`: whether the user used one of the types in the window or before it.
    `number`: the user's field value when it is a number.
    """

    days: int = 0
    quantity: float = 0
    dependent: float = 0
    has_used: bool = False
    number: float | None = None
    non_user: bool = False


class Verdict(NamedTuple):
    """A product's health at one customer. `value`: what was compared, or per user the percentage at the good target."""

    status: Health | None
    value: float | None = None
    user_count: int = 0
    good_count: int = 0
    fair_count: int = 0


def window(today: int, look_back_days: int) -> range:
    """The days that count: the last `look_back_days` up to and including `today` (all as days since 1970)."""
    return range(today - look_back_days + 1, today + 1)


def judge(rule: Rule, people: Sequence[Person], number: float | None = None, measured: bool = True) -> Verdict:
    """The health of one product at one customer.

    `people`: the customer's users, without those who left or are archived. `number`: the customer's field value when it
    is a number. `measured`: whether the product has anything to measure at all (a usage type, or a field).
    """
    if not measured:
        return Verdict(None)
    if rule.basis == Basis.PER_USER:
        return _per_user(rule, people)
    return _in_total(rule, people, number)


def reach(rule: Rule, person: Person) -> Health:
    """What one user, or the customer in total, reaches: Good, Fair, or Poor for neither target."""
    value, scale = amount(rule, person), 1.0
    if value is None:
        return Health.GOOD if rule.no_news_is_good_news else Health.POOR
    if rule.goal == Goal.DEPENDENT_COUNT:
        if not value and not rule.no_news_is_good_news:
            # Zero of zero is no usage; it reaches nothing.
            return Health.POOR
        value, scale = value * 100.0, person.dependent
    if rule.no_news_is_good_news:
        is_good, is_fair = value <= rule.good * scale, value <= rule.fair * scale
    else:
        is_good, is_fair = value >= rule.good * scale, value >= rule.fair * scale
    return Health.GOOD if is_good else Health.FAIR if is_fair else Health.POOR


def counts(rule: Rule, person: Person) -> bool:
    """Whether the user is one of those that a product which looks at each user counts."""
    return not person.non_user and (not rule.only_users_with_product or _has_product(rule, person))


def amount(rule: Rule, person: Person) -> float | None:
    """What is compared: days, the quantity, or the number in the field (None: there is none)."""
    if rule.goal == Goal.FIELD_VALUE:
        return person.number
    return float(person.days.bit_count()) if rule.goal == Goal.UNIQUE_DAYS else person.quantity


def mean(statuses: Iterable[Health | None]) -> tuple[Health | None, float | None]:
    """The customer's usage health and its score: the mean over the products with data (Good 2, Fair 1, Poor 0)."""
    points = [status.points for status in statuses if status is not None]
    if not points:
        return None, None
    # In whole numbers, so that a mean of exactly 1.5 or 0.5 is never lost to rounding.
    doubled, count = 2 * sum(points), len(points)
    status = Health.GOOD if doubled >= 3 * count else Health.FAIR if doubled >= count else Health.POOR
    return status, sum(points) / count


def _per_user(rule: Rule, people: Sequence[Person]) -> Verdict:
    counted = [person for person in people if counts(rule, person)]
    if not rule.no_news_is_good_news and not any(_has_data(rule, person) for person in counted):
        return Verdict(None, user_count=len(counted))
    if all(person.non_user for person in people):
        return Verdict(None)
    if not counted:
        return Verdict(Health.GOOD)
    reached = [reach(rule, person) for person in counted]
    good = reached.count(Health.GOOD)
    fair = good + reached.count(Health.FAIR)
    enough = rule.percent * len(counted)
    status = Health.GOOD if good * 100 >= enough else Health.FAIR if fair * 100 >= enough else Health.POOR
    return Verdict(status, good * 100.0 / len(counted), len(counted), good, fair)


def _in_total(rule: Rule, people: Sequence[Person], number: float | None) -> Verdict:
    if not people and rule.goal != Goal.FIELD_VALUE:
        return Verdict(None)
    days, quantity, dependent, has_used = 0, 0.0, 0.0, False
    for person in people:
        days |= person.days
        quantity += person.quantity
        dependent += person.dependent
        has_used = has_used or person.has_used
    total = Person(days, quantity, dependent, has_used, number)
    if not rule.no_news_is_good_news and not _has_data(rule, total):
        return Verdict(None, user_count=len(people))
    value = amount(rule, total)
    if value is not None and rule.goal == Goal.DEPENDENT_COUNT:
        value = value * 100.0 / dependent if dependent else None
    return Verdict(reach(rule, total), value, len(people))


def _has_data(rule: Rule, person: Person) -> bool:
    if rule.goal == Goal.DEPENDENT_COUNT:
        return person.quantity > 0 or person.dependent > 0
    return _has_product(rule, person)


def _has_product(rule: Rule, person: Person) -> bool:
    return person.number is not None if rule.goal == Goal.FIELD_VALUE else person.has_used
