"""Good, Fair and Poor: the three values of every health, their order, words and symbols."""

from __future__ import annotations

from django.db.models import TextChoices


class Health(TextChoices):
    """The health of one signal, best first. A missing value (None) means no data, which is never Good."""

    GOOD = "good", "Good"
    FAIR = "fair", "Fair"
    POOR = "poor", "Poor"

    @property
    def points(self) -> int:
        """Good 2, Fair 1, Poor 0: what averages and comparisons use."""
        return {Health.GOOD: 2, Health.FAIR: 1, Health.POOR: 0}[self]


NO_DATA = "No data"
NONE = "none"
"""Stands for no data where a value must be a word: in addresses and CSS classes."""

FILTERS: tuple[tuple[str, str], ...] = (*reversed(Health.choices), (NONE, NO_DATA))
"""What lists are filtered by, worst first: (value, label)."""


def known(value: str | None) -> Health | None:
    """Returns the health for `value`; None for no data and for anything else."""
    return Health(value) if value in Health.values else None


def health_label(value: str | None, no_data: str = NO_DATA) -> str:
    """Returns "Good", "Fair", "Poor", or `no_data`."""
    health = known(value)
    return str(health.label) if health else no_data


def css_class(value: str | None) -> str:
    """Returns the last part of the CSS classes `health-…` and `chart-…`: good, fair, poor or none."""
    return known(value) or NONE


def is_worse(now: str | None, before: str | None) -> bool:
    """Returns whether health fell from `before` to `now`; False when either has no data."""
    after, earlier = known(now), known(before)
    return after is not None and earlier is not None and after.points < earlier.points
