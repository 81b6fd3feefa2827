"""A web server of one folder with byte ranges, where every answer comes late, as over a network.

    python benchmarks/range_server.py FOLDER [--latency-ms 30]

Asynchronous, in a process of its own: any number of requests wait at the same time. The first line
printed is its address. ``/stats`` gives the requests and bytes sent since it was last asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from pathlib import Path

_RANGE = re.compile(rb"\r\nrange:\s*bytes=(\d+)-(\d*)", re.IGNORECASE)


class RangeServer:
    """Counts what it sends."""

    def __init__(self, folder: Path, latency_s: float) -> None:
        self.folder, self.latency_s = folder.resolve(), latency_s
        self.requests = self.sent = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target = head.split(b" ", 2)[:2]
                writer.write(await self._answer(method, target.decode(), head))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: bytes, target: str, head: bytes) -> bytes:
        if target == "/stats":
            body = json.dumps({"requests": self.requests, "bytes": self.sent}).encode()
            self.requests = self.sent = 0
            return _reply("200 OK", body)
        await asyncio.sleep(self.latency_s)
        self.requests += 1
        file = (self.folder / target.split("?")[0].lstrip("/")).resolve()
        if not file.is_relative_to(self.folder) or not file.is_file():
            return _reply("404 Not Found", b"")
        size = file.stat().st_size
        span = _RANGE.search(head)
        first = int(span[1]) if span else 0
        last = min(int(span[2]) if span and span[2] else size - 1, size - 1)
        if first > last:
            return _reply("416 Range Not Satisfiable", b"")
        about = f"Accept-Ranges: bytes\r\nContent-Range: bytes {first}-{last}/{size}\r\n"
        status = "206 Partial Content" if span else "200 OK"
        if method == b"HEAD":
            return _reply(status, b"", about, length=last - first + 1)
        with file.open("rb") as stream:
            body = os.pread(stream.fileno(), last - first + 1, first)
        self.sent += len(body)
        return _reply(status, body, about)


def _reply(status: str, body: bytes, more: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{more}\r\n".encode() + body


async def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency-ms", type=float, default=30.0)
    given = parser.parse_args()
    own = RangeServer(given.folder, given.latency_ms / 1000)
    server = await asyncio.start_server(own.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
