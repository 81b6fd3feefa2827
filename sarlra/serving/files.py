"""The catalogue's files over HTTP, whole or in ranges; only those that the catalogue names."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sarlra.catalog.names import inside
from sarlra.errors import SarlraError
from sarlra.serving.live import Live
from sarlra.serving.place import read_range
from sarlra.serving.results import Results

#: By these alone the type is told; a browser never guesses and never runs what is in a file.
TYPES: Mapping[str, str] = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".json": "application/json",
    ".png": "image/png",
}
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def assets_router(live: Live) -> APIRouter:
    """Routes of ``/assets/PATH``, for GET and HEAD."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/assets/{path:path}", methods=["GET", "HEAD"])
    def asset(path: str, request: Request) -> Response:
        return _serve(live.results, path, request)

    return router


def _serve(results: Results, path: str, request: Request) -> Response:
    size = _size(results, path)
    if size is None:
        raise HTTPException(404, "there is no such file in the catalogue")
    tag = _tag(results, path, size)
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": "no-cache"}
    if tag in [t.strip() for t in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if request.headers.get("if-range", tag) != tag:
        wanted = None
    part = None if wanted is None else byte_range(wanted, size)
    if part == (0, 0):
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, stop = part or (0, size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    kind = TYPES.get(posixpath.splitext(path)[1], "application/octet-stream")
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    body = read_range(results.place, path, start, stop)
    return StreamingResponse(body, status, headers, kind)


def _size(results: Results, path: str) -> int | None:
    try:
        if not results.is_served(inside(path)):
            return None
        return results.place.size(path)
    except SarlraError:
        return None


def _tag(results: Results, path: str, size: int) -> str:
    state = results.place.state(path)
    return f'"{hashlib.sha256(f"{path} {size} {state}".encode()).hexdigest()[:32]}"'


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """``[start, stop)`` of a ``Range`` header.

    None where the header is none or asks for several ranges (the whole file is the answer then),
    (0, 0) where it lies outside the file.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    if first == "":
        length = min(int(last), size)
        return (size - length, size) if length else (0, 0)
    start = int(first)
    stop = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return (start, stop) if start < size else (0, 0)
