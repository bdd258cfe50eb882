"""`python -m startdeliver.simulator`: serve a simulated workspace until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from startdeliver.simulator.clock import Clock
from startdeliver.simulator.model.state import REGIONS
from startdeliver.simulator.server.http import HttpServer
from startdeliver.simulator.server.simulator import Simulator
from startdeliver.simulator.workspace import Workspace


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m startdeliver.simulator", description="A simulated Intercom workspace."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8790, help="0 for a free port")
    parser.add_argument("--demo", action="store_true", help="fill the workspace with demo data")
    parser.add_argument(
        "--demo-at",
        type=int,
        metavar="UNIX",
        help="the demo's present time, so that a restart makes the same data",
    )
    parser.add_argument("--rate-limit", type=int, default=1667, help="calls per 10 seconds; 0 for none")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of every answer in milliseconds")
    parser.add_argument("--conversations", type=int, default=0, metavar="N", help="add N generated conversations")
    parser.add_argument(
        "--contacts", type=int, default=None, metavar="N", help="contacts of the generated conversations"
    )
    parser.add_argument("--companies", type=int, default=None, metavar="N", help="companies of those contacts")
    parser.add_argument("--parts", type=int, default=5, help="parts of each generated conversation")
    parser.add_argument("--body-bytes", type=int, default=300, help="length of each generated message")
    parser.add_argument("--region", choices=REGIONS, default="US")
    parser.add_argument("--timezone", default="America/Los_Angeles")
    parser.add_argument("--workspace-id", default=None, help="the workspace's id_code")
    return parser.parse_args(argv)


def build(options: argparse.Namespace) -> Simulator:
    """Return the simulator that the options describe."""
    code = options.workspace_id or ("demo1abc" if options.demo else "sim1work")
    workspace = Workspace(code, region=options.region, timezone=options.timezone, now=Clock())
    if options.demo:
        from startdeliver.simulator.demo import seed_demo

        seed_demo(workspace, options.demo_at or workspace.seconds())
    if options.conversations:
        workspace.add_bulk(
            options.conversations,
            parts=options.parts,
            body_bytes=options.body_bytes,
            contacts=options.contacts,
            companies=options.companies,
        )
    simulator = Simulator.create(workspace, rate_limit=options.rate_limit, latency_ms=options.latency_ms)
    # The demo's workspace is the same after a restart, so earlier connections keep working.
    simulator.access.accept_earlier = options.demo
    return simulator


async def serve(simulator: Simulator, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Print one line with the URL when listening."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner, url = await HttpServer(simulator).listen(host, port, 0.5)
    sys.stdout.write(f"Simulated Intercom workspace {simulator.workspace.id_code} on {url}\n")
    sys.stdout.flush()
    await stop.wait()
    simulator.faults.clear()
    await runner.cleanup()


def main(argv: Sequence[str] | None = None) -> int:
    options = _arguments(argv)
    simulator = build(options)
    try:
        asyncio.run(serve(simulator, options.host, options.port))
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {error.strerror or error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
