"""A workspace with everything around it that the server needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from startdeliver.simulator.api.access import Access, Limiter
from startdeliver.simulator.api.scroll import Scroll
from startdeliver.simulator.faults import Faults, RequestLog
from startdeliver.simulator.workspace import Workspace


@dataclass
class Simulator:
    workspace: Workspace
    access: Access
    limiter: Limiter = field(default_factory=Limiter)
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    scroll: Scroll = field(init=False)

    def __post_init__(self) -> None:
        self.scroll = Scroll(lambda: self.workspace.now())

    @classmethod
    def create(
        cls,
        workspace: Workspace | None = None,
        *,
        rate_limit: int = 0,
        workspace_limit: int = 0,
        latency_ms: float = 0.0,
        redirect_uris: Iterable[str] = (),
        app_version: str = "2.16",
    ) -> Simulator:
        """Return a simulator with the default credentials. Limits are calls per 10 seconds; 0 means no limit."""
        workspace = workspace or Workspace()
        simulator = cls(
            workspace,
            Access(redirect_uris=redirect_uris, app_version=app_version, now=lambda: workspace.now()),
            Limiter(rate_limit, workspace_limit),
        )
        simulator.faults.latency_ms = latency_ms
        return simulator
