"""A threaded HTTP/1.1 server in a thread of the test."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    """After the body the connection is reset (RST), not closed."""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        kind = {"Content-Type": "application/json"}
        return cls(status, json.dumps(value).encode(), {**kind, **headers})


@dataclass
class Failure:
    """``times`` answers with ``status`` to requests whose path holds ``path``; 0 hangs up."""

    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


class LocalServer:
    """Subclasses answer requests in :meth:`reply`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.failures: list[Failure] = []
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def reply(self, request: Request) -> Reply:
        raise NotImplementedError

    def count(self, text: str) -> int:
        """How many requests had a path that holds the text."""
        return sum(text in request.path for request in self.requests)

    def _next_failure(self, request: Request) -> Failure | None:
        with self.lock:
            for failure in self.failures:
                if failure.times > 0 and failure.path in request.path:
                    failure.times -= 1
                    return failure
        return None

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                request = Request(self.command, parts.path, query, headers, body, time.monotonic())
                with server.lock:
                    server.requests.append(request)
                failure = server._next_failure(request)
                if failure is None:
                    reply = server.reply(request)
                elif failure.status == 0:
                    self.close_connection = True
                    return
                else:
                    reply = Reply(failure.status, failure.body, failure.headers)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
                if reply.reset:
                    self.wfile.flush()
                    at_once = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                    self.connection.close()
                    self.close_connection = True

            do_GET = do_POST = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        return Handler
