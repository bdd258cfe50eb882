"""A run over 100,000 unchanged tickets, and separately the daily sweeps."""

from __future__ import annotations

from benchmarks.harness import Figures, arguments, fresh_database, peak_megabytes, settle
from benchmarks.workspace import connect, simulated_intercom, sync


def main() -> None:
    options = arguments(__doc__ or "")
    conversations = 10_000 if options.small else 100_000
    with (
        simulated_intercom(conversations) as intercom,
        fresh_database(options.database, INTERCOM_API_URL=intercom.url),
    ):
        from startdeliver.support.models import Ticket
        from startdeliver.sync.models import Connection
        from startdeliver.tenancy.scope import organization_scope

        organization = connect(conversations)
        first = sync(organization, messages=False)
        with organization_scope(organization):
            # Mark the messages as read, because reading is not measured here.
            Ticket.objects.update(messages_due=False)
        settle()
        figures = Figures("nothing changed", options.database)
        figures.add("tickets", first.run.imported)
        figures.add("first listing (not part of a claim)", first.seconds, "s")
        for name in ("a run", "a second run"):
            result = sync(organization)
            figures.add(f"{name}: seconds", result.seconds, "s", "under 2")
            figures.add(f"{name}: requests", result.run.requests, "", "at most 10")
            figures.add(f"{name}: changed", result.run.imported + result.run.updated, "", "0")
        with organization_scope(organization):
            Connection.objects.update(swept_at=None)
        with_sweeps = sync(organization)
        figures.add("with the daily sweeps: seconds", with_sweeps.seconds, "s")
        figures.add("  of which sweeps", with_sweeps.run.sweep_seconds, "s")
        figures.add("with the daily sweeps: requests", with_sweeps.run.requests)
        figures.add("  of which sweeps ", with_sweeps.run.sweep_requests)
        figures.add("peak memory", peak_megabytes(), "MB")
        figures.show()


if __name__ == "__main__":
    main()
