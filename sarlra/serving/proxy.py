"""What a proxy in front says of the way that a request came: scheme, and path of its own."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from sarlra.errors import InputError

#: A path without its last slash; nothing else becomes part of addresses.
_PATH = re.compile(r"(/[A-Za-z0-9_~][A-Za-z0-9._~-]*){1,8}")
_LONGEST = 200


def checked_prefix(text: str) -> str:
    """A path such as ``/landslides``, without a slash at the end; empty for the root.

    Raises
    ------
    InputError
        It is none.
    """
    path = "/" + text.strip("/") if text.strip("/") else ""
    if not _is_prefix(path):
        raise InputError(f"{text!r} is no path of an address", hint="such as /landslides")
    return path


def _is_prefix(path: str) -> bool:
    return path == "" or (len(path) <= _LONGEST and bool(_PATH.fullmatch(path)))


class BehindProxy:
    """Lets an application be reached below a path, whether the proxy takes the path off or not.

    ``prefix`` is that path. With ``trusting``, ``X-Forwarded-Prefix`` and ``X-Forwarded-Proto`` of
    a request count too: whoever can reach the server can say them, so it is for servers that only
    a proxy reaches. What is not a path or a scheme is passed over.
    """

    def __init__(self, app: ASGIApp, prefix: str = "", *, trusting: bool = False) -> None:
        self._app, self._prefix, self._trusting = app, prefix, trusting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the path and scheme into the scope, then hand on."""
        if scope["type"] == "http":
            scope = self._told(scope)
        await self._app(scope, receive, send)

    def _told(self, scope: Scope) -> Scope:
        prefix, scheme = self._prefix, scope["scheme"]
        if self._trusting:
            said = {
                name: value.decode("latin-1").strip()
                for name, value in scope["headers"]
                if name in (b"x-forwarded-prefix", b"x-forwarded-proto")
            }
            given = said.get(b"x-forwarded-prefix", "").rstrip("/")
            prefix = given if given and _is_prefix(given) else prefix
            way = said.get(b"x-forwarded-proto", "")
            scheme = way if way in ("http", "https") else scheme
        path = scope["path"]
        if prefix and path != prefix and not path.startswith(f"{prefix}/"):
            path = prefix + path
        return {**scope, "scheme": scheme, "root_path": prefix, "path": path}
