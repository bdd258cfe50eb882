"""A server with OpenAI's chat completions and Anthropic's messages. Tests set the answers and read the requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# The test's answer to the body of a request: an answer's arguments, or an HTTP status.
Reply = Callable[[dict[str, Any]], dict[str, Any] | int]


class ModelServer:
    """`url` is the base URL; `asked` holds the requests' bodies and `keys` their Authorization, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.reply: Reply = lambda body: 500
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()
        self.hold: threading.Event | None = None


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Runs the server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with found.lock:
                found.asked.append(body)
                found.keys.append(self.headers.get("x-api-key") or self.headers.get("Authorization", ""))
                found.paths.append(self.path)
                found.busy += 1
                found.most_busy = max(found.most_busy, found.busy)
            if found.hold is not None:
                found.hold.wait(10)
            answer = found.reply(body)
            with found.lock:
                found.busy -= 1
            if isinstance(answer, int):
                self._send(answer, {"error": {"message": "no", "type": "test"}})
                return
            if self.path.split("?")[0].endswith("/v1/messages"):
                self._anthropic(body, answer)
                return
            call = {
                "id": f"call{len(found.asked)}",
                "type": "function",
                "function": {"name": body["tools"][0]["function"]["name"], "arguments": json.dumps(answer)},
            }
            self._send(
                200,
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": body["model"],
                    "choices": [
                        {
                            "index": 0,
                            "finish_reason": "tool_calls",
                            "message": {"role": "assistant", "content": None, "tool_calls": [call]},
                        }
                    ],
                    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
                },
            )

        def _anthropic(self, body: dict[str, Any], answer: dict[str, Any]) -> None:
            use = {
                "type": "tool_use",
                "id": f"toolu_{len(found.asked)}",
                "name": body["tools"][0]["name"],
                "input": answer,
            }
            self._send(
                200,
                {
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "model": body["model"],
                    "content": [use],
                    "stop_reason": "tool_use",
                    "stop_sequence": None,
                    "usage": {"input_tokens": 1000, "output_tokens": 100},
                },
            )

        def _send(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("x-should-retry", "false")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except BrokenPipeError:
                pass

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = ModelServer(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        if found.hold is not None:
            found.hold.set()
        server.shutdown()
        server.server_close()
