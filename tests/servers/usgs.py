"""The USGS event service: ``/query?eventid=ID&format=geojson`` over given event details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.servers.base import LocalServer, Reply, Request


class UsgsService(LocalServer):
    """``events``: details by id. Give ``server.url`` as ``SARLRA_USGS_URL``."""

    def __init__(self, events: Mapping[str, Any]) -> None:
        super().__init__()
        self.events = events

    def reply(self, request: Request) -> Reply:
        if request.path != "/query" or request.query.get("format") != "geojson":
            return Reply(400, b"Bad Request")
        detail = self.events.get(request.query.get("eventid", ""))
        return Reply(404, b"Not Found") if detail is None else Reply.json(detail)
