"""How good the built-in assessor is: python -m benchmarks.assessment [--verbose] [--database sqlite|postgres]

Prints exact and within-one agreement with the expected status, how many of the facts that a good summary must name are
named, and claims without evidence (must be 0).
"""

from __future__ import annotations

from benchmarks.harness import Figures, arguments, fresh_database


def main() -> None:
    args = arguments(__doc__ or "", ("--verbose", {"action": "store_true", "help": "show every assessment"}))
    with fresh_database(args.database):
        from benchmarks.assessment.judge import judge

        result = judge(args.verbose)
        figures = Figures("assessment quality", args.database)
        figures.add("scenarios", result.scenarios)
        figures.add("exact", 100 * result.exact / result.scenarios, "%", "at least 85")
        figures.add("acceptable", 100 * result.acceptable / result.scenarios, "%")
        figures.add("within one", 100 * result.near / result.scenarios, "%", "at least 98")
        figures.add("facts named", 100 * result.named / max(result.to_name, 1), "%")
        figures.add("claims without evidence", result.unfounded, "", "0")
        figures.show()


if __name__ == "__main__":
    main()
