"""Blobs behind short-lived tokens: a token endpoint and a file server with byte ranges.

``GET /token/ACCOUNT/CONTAINER`` gives a token; ``/ACCOUNT/CONTAINER/PATH`` gives the file of that
path under the folder, but 403 without a token of that container that is still alive.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from sarlra.scenes.signing import SigningPolicy
from tests.servers.base import LocalServer, Reply, Request
from tests.servers.files import ranged


class BlobServer(LocalServer):
    """
    Parameters
    ----------
    folder
        Whose files are served.
    lifetime_s
        How long a token lives, in seconds.
    key
        The subscription key that the token endpoint demands; None for no key.
    delay_s
        How long the token endpoint takes to answer.
    """

    def __init__(
        self, folder: Path, *, lifetime_s: float = 2.0, key: str | None = None, delay_s: float = 0.0
    ) -> None:
        super().__init__()
        self.folder = folder.resolve()
        self.lifetime_s = lifetime_s
        self.key = key
        self.delay_s = delay_s
        self.refused = 0
        self.served = 0
        self._alive: dict[str, tuple[str, float]] = {}

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    @property
    def policy(self) -> SigningPolicy:
        """How a source of these files says that they are signed."""
        return SigningPolicy(self.token_url, (self.host,))

    def href(self, path: str, *, account: str = "account", container: str = "container") -> str:
        """The unsigned href of a file."""
        return f"{self.url}/{account}/{container}/{path}"

    def token_requests(self) -> int:
        return self.count("/token/")

    def revoke(self) -> None:
        """Make all tokens stale."""
        with self.lock:
            self._alive.clear()

    def reply(self, request: Request) -> Reply:
        first, _, rest = request.path.lstrip("/").partition("/")
        if first == "token":
            return self._token(request, rest)
        container, _, path = rest.partition("/")
        return self._blob(request, f"{first}/{container}", path)

    def _token(self, request: Request, container: str) -> Reply:
        if self.key is not None and request.headers.get("ocp-apim-subscription-key") != self.key:
            return Reply.json({"message": "Access denied"}, 401)
        time.sleep(self.delay_s)
        signature = secrets.token_urlsafe(16)
        expiry = time.time() + self.lifetime_s
        with self.lock:
            self._alive[signature] = (container, expiry)
        text = datetime.fromtimestamp(expiry, UTC).isoformat().replace("+00:00", "Z")
        return Reply.json({"token": f"st=now&sp=rl&sig={signature}", "msft:expiry": text})

    def _blob(self, request: Request, container: str, path: str) -> Reply:
        with self.lock:
            owner, expiry = self._alive.get(request.query.get("sig", ""), ("", 0.0))
            if owner != container or expiry < time.time():
                self.refused += 1
                return Reply(403, b"AuthenticationFailed")
            self.served += 1
        file = (self.folder / path).resolve()
        if not file.is_relative_to(self.folder) or not file.is_file():
            return Reply(404, b"BlobNotFound")
        return ranged(file.read_bytes(), request)
