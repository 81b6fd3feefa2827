"""A proxy that has another server under a path of its own, and takes the path off."""

from __future__ import annotations

import json

import httpx

from tests.servers.base import LocalServer, Reply, Request

_KEPT = ("range", "accept", "content-type", "authorization", "host")


class PrefixProxy(LocalServer):
    """``headers`` go with every request; what is not under the path is 404."""

    def __init__(self, prefix: str, to: str, **headers: str) -> None:
        super().__init__()
        self.prefix, self.to, self.headers = prefix, to, headers

    @property
    def url(self) -> str:
        return f"{super().url}{self.prefix}"

    def reply(self, request: Request) -> Reply:
        if not request.path.startswith(f"{self.prefix}/"):
            return Reply(404)
        answer = httpx.request(
            request.method,
            self.to + request.path.removeprefix(self.prefix),
            params=request.query,
            content=None if request.body is None else json.dumps(request.body),
            headers={
                **{name: request.headers[name] for name in _KEPT if name in request.headers},
                **{name.replace("_", "-"): value for name, value in self.headers.items()},
            },
            timeout=60,
        )
        kept = ["content-type", "content-range", "content-security-policy", "content-disposition"]
        if request.method == "HEAD":
            kept.append("content-length")
        headers = {name.title(): answer.headers[name] for name in kept if name in answer.headers}
        return Reply(answer.status_code, answer.content, headers)
