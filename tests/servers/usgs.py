"""The USGS event service: details by id, and lists as the FDSN service gives them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.servers.base import LocalServer, Reply, Request


class UsgsService(LocalServer):
    """``events``: details by id. Give ``server.url`` as ``SARLRA_USGS_URL``.

    A query with ``starttime`` lists the events, without their products; ``files`` are answered
    by their path.
    """

    def __init__(self, events: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> None:
        super().__init__()
        self.events = events
        self.files = files or {}

    def reply(self, request: Request) -> Reply:
        if request.path in self.files:
            return Reply(200, self.files[request.path])
        if request.path != "/query" or request.query.get("format") != "geojson":
            return Reply(400, b"Bad Request")
        if "starttime" in request.query:
            return Reply.json(self._listed(request))
        detail = self.events.get(request.query.get("eventid", ""))
        return Reply(404, b"Not Found") if detail is None else Reply.json(detail)

    def _listed(self, request: Request) -> dict[str, Any]:
        start, end = (
            datetime.fromisoformat(request.query[name]).replace(tzinfo=UTC).timestamp() * 1000
            for name in ("starttime", "endtime")
        )
        features = []
        for detail in self.events.values():
            told = {k: v for k, v in detail["properties"].items() if k != "products"}
            large = (told["mag"] or 0) >= float(request.query["minmagnitude"])
            if start <= told["time"] <= end and large:
                features.append({**detail, "properties": told})
        return {"type": "FeatureCollection", "metadata": {"status": 200}, "features": features}
