"""A simulated Intercom workspace: a separate server that speaks API 2.16 over HTTP.

It is built from Intercom's own description, shares no code with our client, and serves the tests, the benchmarks and
the demo. Start it with `python -m startdeliver.simulator`; in tests use `startdeliver.simulator.testing.run_in_thread`.
"""

from startdeliver.simulator.api.access import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TOKEN
from startdeliver.simulator.clock import Clock
from startdeliver.simulator.workspace import Workspace

__all__ = ["DEFAULT_CLIENT_ID", "DEFAULT_CLIENT_SECRET", "DEFAULT_TOKEN", "Clock", "Workspace"]
