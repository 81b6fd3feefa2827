"""Requests to a STAC API: repeated where that helps, bounded in size, followed to the last page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pystac.link import Link
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from requests import RequestException
from requests.exceptions import ChunkedEncodingError
from urllib3 import BaseHTTPResponse, Retry

from sarlra.errors import SearchError
from sarlra.events.web import BUSY

MAX_PAGE_BYTES = 64 * 2**20
_MAX_WAIT_S = 60.0
_BREAKS = 2
_TIMEOUT = (10.0, 60.0)


class _CappedRetry(Retry):
    """Honours ``Retry-After``, but no longer than a minute."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _MAX_WAIT_S)


class PatientIO(StacApiIO):
    """Repeats every request, and follows pages to the end, empty ones too."""

    def __init__(self) -> None:
        retry = _CappedRetry(
            total=5,
            status_forcelist=sorted(BUSY),
            allowed_methods=None,
            backoff_factor=0.25,
            backoff_jitter=0.25,
            backoff_max=8,
            raise_on_status=False,
        )
        super().__init__(timeout=_TIMEOUT, max_retries=retry)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """As the base class, but bounded, and repeated where an answer breaks off."""
        for attempt in range(_BREAKS):
            try:
                body = self._read(href, (method or "GET").upper(), headers, parameters)
                return body.decode("utf-8")
            except ChunkedEncodingError as cause:
                if attempt + 1 == _BREAKS:
                    raise APIError(str(cause)) from cause
            except RequestException as cause:
                raise APIError(str(cause)) from cause
            except UnicodeDecodeError as cause:
                raise APIError(f"{href:.200} answers with no text in UTF-8") from cause
        raise AssertionError("unreachable")

    def _read(
        self,
        href: str,
        method: str,
        headers: dict[str, str] | None,
        parameters: dict[str, Any] | None,
    ) -> bytes:
        with self.session.request(
            method,
            href,
            headers=headers,
            json=parameters if method == "POST" else None,
            params=parameters if method != "POST" else None,
            timeout=_TIMEOUT,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(2**16):
                body += chunk
                if len(body) > MAX_PAGE_BYTES:
                    raise SearchError(f"{href:.200} answers with over {MAX_PAGE_BYTES} bytes")
        if not 200 <= response.status_code < 300:
            error = APIError(bytes(body[:300]).decode("utf-8", "replace"))
            error.status_code = response.status_code
            raise error
        return bytes(body)

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """All pages, the first too where it is empty; SearchError where they form a circle."""
        page = self.read_json(url, method=method, parameters=parameters)
        seen: set[str] = set()
        while True:
            yield page
            following = next((x for x in page.get("links", []) if x.get("rel") == "next"), None)
            if following is None:
                return
            token = json.dumps(following, sort_keys=True)
            if token in seen:
                raise SearchError(f"the search at {url} pages in a circle")
            seen.add(token)
            page = self.read_json(Link.from_dict(following), parameters=parameters)
