"""A plain web server of a folder, as a catalogue is put on the web."""

from __future__ import annotations

import re
from pathlib import Path

from tests.servers.base import LocalServer, Reply, Request


class FileServer(LocalServer):
    """Serves a folder's files, whole and by range."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder.resolve()

    def reply(self, request: Request) -> Reply:
        file = (self.folder / request.path.lstrip("/")).resolve()
        if not file.is_relative_to(self.folder) or not file.is_file():
            return Reply(404)
        return ranged(file.read_bytes(), request)


def ranged(data: bytes, request: Request) -> Reply:
    """A file, or the range of it that was asked for."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    span = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if span is None or not any(span.groups()):
        return Reply(200, data, {**headers, "Content-Length": str(len(data))})
    if span[1]:
        start, end = int(span[1]), int(span[2]) if span[2] else len(data) - 1
    else:  # so many bytes at the end
        start, end = max(0, len(data) - int(span[2])), len(data) - 1
    end = min(end, len(data) - 1)
    if start > end:
        return Reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
    stated = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
    return Reply(206, data[start : end + 1], stated)
