"""The five statuses of an assessment and the three trends, in the words of the product."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """The verdict on a customer, best first."""

    THRIVING = "thriving", "Strongly Thriving"
    ENGAGED = "engaged", "Actively Engaged"
    NEUTRAL = "neutral", "Neutral"
    ATTENTION = "attention", "Needs Attention"
    RISK = "risk", "At Risk"


class Trend(models.TextChoices):
    """Where the status is going, from the history."""

    IMPROVING = "improving", "Improving"
    STEADY = "steady", "Steady"
    DETERIORATING = "deteriorating", "Deteriorating"


# Higher is better; the distance between two statuses is the difference of their levels.
LEVELS: dict[str, int] = {
    Status.THRIVING: 4,
    Status.ENGAGED: 3,
    Status.NEUTRAL: 2,
    Status.ATTENTION: 1,
    Status.RISK: 0,
}
