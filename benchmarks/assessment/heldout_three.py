"""Thirty-six customers by another author: the third held-out set. Run once; nobody improves the assessor by it.

The author had not seen the assessor, nor the other sets but for a few pages of set two, for their manner.
Eight at risk (half say so, half only show it), eight that need attention, eight neutral, eight engaged, four thriving.
"""

from __future__ import annotations

from benchmarks.assessment import heldout_three_everyday, heldout_three_trouble

SCENARIOS = [*heldout_three_trouble.SCENARIOS, *heldout_three_everyday.SCENARIOS]
