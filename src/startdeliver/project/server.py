"""The web server: gunicorn with threads, started from here so that it needs no command line or file."""

from __future__ import annotations

import errno
import socket
from typing import Any

from django.db import connections
from gunicorn.app.base import BaseApplication

from startdeliver.project.console import Refused


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from startdeliver.project.wsgi import application

        return application


def check_port(host: str, port: int) -> None:
    """Raises Refused if the process cannot listen on `host`:`port`."""
    try:
        free_port_check(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(f"Port {port} is taken by another program; choose another one with --port.") from error
        raise Refused(f"Cannot listen on {host}:{port} ({error.strerror}).") from error


def free_port_check(host: str, port: int) -> None:
    """Raises OSError if the process cannot listen on `host`:`port`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Like the server itself: a port with lingering connections counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def run(host: str, port: int, workers: int) -> None:
    """Serves until SIGTERM or SIGINT. Django must be ready."""
    # A connection that was opened before the fork must not be shared by the processes after it.
    connections.close_all()
    _Server(
        {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": "gthread",
            "threads": 8,
            "timeout": 60,
            "graceful_timeout": 5,
            "keepalive": 15,
            "preload_app": True,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "proc_name": "startdeliver",
            "control_socket_disable": True,
        }
    ).run()
