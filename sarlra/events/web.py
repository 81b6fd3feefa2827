"""One way to GET a small document: bounded in size and in time, patient with busy servers."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which a request is worth repeating."""
MAX_BROKEN = 4
"""How often there may be no answer at all (no such host, refused, timed out)."""
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: its last status (2xx or not), body, and headers in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class TooLargeError(httpx.HTTPError):
    """The body is larger than was allowed."""


def fetch(
    url: str,
    *,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    follow_redirects: bool = True,
    budget_s: float = 60.0,
) -> Answer:
    """GET a document; repeat after time-outs, 429 and 5xx, as long as the budget allows.

    ``Retry-After`` is honoured; otherwise the pause doubles from half a second to eight, with
    jitter. A pause that would pass ``budget_s`` seconds (counted from the first request) is not
    begun, nor is anything repeated after :data:`MAX_BROKEN` requests without any answer: the last
    answer or error is given instead.

    Raises
    ------
    httpx.HTTPError
        No answer (also :class:`TooLargeError`).
    httpx.InvalidURL
        The URL is none.
    """
    deadline = time.monotonic() + budget_s
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=follow_redirects) as client:
        broken = 0
        for attempt in itertools.count():
            try:
                outcome: Answer | httpx.TransportError = _once(
                    client, url, max_bytes, headers or {}
                )
            except httpx.UnsupportedProtocol:
                raise
            except httpx.TransportError as error:
                outcome = error
                broken += 1
            if isinstance(outcome, Answer) and outcome.status not in BUSY:
                return outcome
            pause = _pause(attempt, outcome)
            if broken >= MAX_BROKEN or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
    if isinstance(outcome, Answer):
        return outcome
    raise outcome


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds of a ``Retry-After`` header (a number or a date); None where there is none."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _pause(attempt: int, outcome: Answer | httpx.TransportError) -> float:
    asked = retry_after_s(outcome.headers) if isinstance(outcome, Answer) else None
    jitter = random.uniform(0.5, 1.0)
    if asked is not None:
        return asked + 0.1 * jitter
    return min(0.5 * 2.0 ** min(attempt, 5), 8.0) * jitter


def _once(client: httpx.Client, url: str, max_bytes: int, headers: Mapping[str, str]) -> Answer:
    with client.stream("GET", url, headers=dict(headers)) as response:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise TooLargeError(f"{url} answers with more than {max_bytes} bytes")
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, bytes(body), named)
