"""What runs periodically: runs that are due, the alerts of administrators, and events that waited for a usage type."""

from __future__ import annotations

from startdeliver.common import clock
from startdeliver.engine.jobs import periodic
from startdeliver.sync import alerts, runs
from startdeliver.sync.events import work as events_work


@periodic("sync.due", 60)
def start_due() -> int:
    """Starts the runs that are due, missed ones too."""
    return runs.start_due(clock.now())


@periodic("sync.alerts", 300)
def alert() -> int:
    """Writes to administrators whose connection needs them."""
    return alerts.enqueue_alerts()


@periodic("sync.events", 60)
def bring_in_events() -> int:
    """Makes usage of events that waited for a usage type and have one now; returns how many."""
    return events_work.bring_in_all()


@periodic("sync.events.prune", 3600)
def prune_events() -> int:
    """Deletes waiting events that are older than Intercom itself would list."""
    return events_work.prune_all()
