"""Thirty customers written by somebody who had not read the assessor: the first held-out set.

Messages are as people write them: short, with typos, signatures, quotes and HTML.
"""

from __future__ import annotations

from benchmarks.assessment import heldout_one_everyday, heldout_one_trouble

SCENARIOS = [*heldout_one_trouble.SCENARIOS, *heldout_one_everyday.SCENARIOS]
