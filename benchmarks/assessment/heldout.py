"""The form of a held-out scenario."""

from __future__ import annotations

from typing import Any


def case(name: str, expected: str, *also: str, names: tuple[str, ...] = (), **record: Any) -> dict[str, Any]:
    """One customer, the status that a customer-success lead expects, and the facts that the summary must rest on.

    `also`: statuses that honest colleagues might choose instead. Everything else is as in `scenarios.py`.
    """
    return {"name": name, "expected": expected, "also": also, "names": names, **record}
