"""20,000 conversations from a local server without latency, contacts already read: listing only, or with messages."""

from __future__ import annotations

import cProfile
import pstats

from benchmarks.harness import Figures, Watch, arguments, fresh_database, peak_megabytes
from benchmarks.workspace import connect, read_contacts, simulated_intercom, sync

CLAIMS = {("sqlite", False): 3000, ("postgres", False): 2000, ("sqlite", True): 1200, ("postgres", True): 800}


def main() -> None:
    options = arguments(
        __doc__ or "",
        ("--messages", {"action": "store_true", "help": "read the messages too"}),
        ("--profile", {"action": "store_true", "help": "print where the time goes"}),
    )
    conversations = 2_000 if options.small else 20_000
    with (
        simulated_intercom(conversations) as intercom,
        fresh_database(options.database, INTERCOM_API_URL=intercom.url),
    ):
        organization = connect(conversations)
        started = read_contacts(organization, messages=options.messages)
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        with Watch() as watch:
            result = sync(organization, started)
        profile.disable()
        figures = Figures("sync with messages" if options.messages else "sync, listing only", options.database)
        figures.add("conversations", result.run.imported)
        figures.add("messages", result.run.messages)
        figures.add("seconds", result.seconds, "s")
        figures.add("seconds that this process computed", watch.cpu, "s")
        claim = CLAIMS[options.database, options.messages]
        figures.add("conversations a second", result.run.imported / result.seconds, "/s", f"at least {claim:,}")
        for stage, (second, _) in result.stages.items():
            figures.add(f"  {stage}: first commit at", second, "s")
        figures.add("peak memory", peak_megabytes(), "MB")
        figures.show()
        if options.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
