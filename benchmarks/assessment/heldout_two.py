"""Thirty more customers by the same author: the second held-out set, the judge. Nobody improves the assessor by it.

Messages are as people write them: short, with typos, signatures, quotes and HTML.
"""

from __future__ import annotations

from benchmarks.assessment import heldout_two_everyday, heldout_two_trouble

SCENARIOS = [*heldout_two_trouble.SCENARIOS, *heldout_two_everyday.SCENARIOS]
