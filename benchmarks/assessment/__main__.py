"""How good the built-in assessor is: python -m benchmarks.assessment [--set own|one|two|three|all] [--verbose]
    [--database sqlite|postgres]

Prints exact and within-one agreement with the expected status, how many of the facts that a good summary must name are
named, and claims without evidence (must be 0). The assessor was built with its own set in sight; sets one and two were
written by somebody who had not seen it, set three by somebody else who had not either.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.harness import Figures, arguments, fresh_database

SETS = {"own": "scenarios", "one": "heldout_one", "two": "heldout_two", "three": "heldout_three"}


def scenarios_of(chosen: str) -> list[dict[str, Any]]:
    """The scenarios of one set, or of all of them."""
    modules = SETS.values() if chosen == "all" else [SETS[chosen]]
    return [one for module in modules for one in import_module(f"benchmarks.assessment.{module}").SCENARIOS]


def main() -> None:
    args = arguments(
        __doc__ or "",
        ("--verbose", {"action": "store_true", "help": "show every assessment"}),
        ("--set", {"choices": [*SETS, "all"], "default": "own", "help": "which scenarios"}),
    )
    with fresh_database(args.database):
        from benchmarks.assessment.judge import judge

        result = judge(args.verbose, scenarios_of(args.set))
        figures = Figures(
            "assessment quality" if args.set == "own" else f"assessment quality, set {args.set}", args.database
        )
        figures.add("scenarios", result.scenarios)
        figures.add("exact", 100 * result.exact / result.scenarios, "%", "at least 85")
        figures.add("acceptable", 100 * result.acceptable / result.scenarios, "%")
        figures.add("within one", 100 * result.near / result.scenarios, "%", "at least 98")
        figures.add("facts named", 100 * result.named / max(result.to_name, 1), "%")
        figures.add("claims without evidence", result.unfounded, "", "0")
        figures.show()


if __name__ == "__main__":
    main()
