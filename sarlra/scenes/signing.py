"""Signed addresses of blobs: one cached token per container and process, made at opening time.

Items, graphs, cache keys and files hold unsigned hrefs; :func:`sign` is called right before an
open. A token is fetched by one thread while the others wait for it, and is replaced before it
expires by a margin of a minute or a quarter of its life, whichever is shorter. Source: the token
endpoint of the Planetary Computer, https://planetarycomputer.microsoft.com/docs/concepts/sas/ .
"""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatch
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import httpx

from sarlra.errors import SigningError
from sarlra.events.files import parse_json
from sarlra.events.web import Answer, fetch

KEY_VARIABLE = "PC_SDK_SUBSCRIPTION_KEY"
BUDGET_S = 90.0
"""How long a busy token endpoint is waited for, in seconds, pauses included."""
_MARGIN_S = 60.0
_REFUSAL_S = 5.0
_SKEW_S = 5.0
_TOKEN = re.compile(r"[\w%&=+/.:~*!,;()@'-]{1,8192}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9$][A-Za-z0-9$._-]{0,127}")


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """Which hrefs need a token, and where it comes from; picklable, holds no secret.

    Parameters
    ----------
    token_url
        Root of the endpoint: ``GET {token_url}/{account}/{container}`` answers with
        ``{"token": "...", "msft:expiry": "2024-03-25T06:00:00Z"}``.
    hosts
        Patterns (``fnmatch``) of the hosts, or ``host:port``, whose hrefs are signed. On hosts
        ``ACCOUNT.blob...`` the container is the first part of the path; on others account and
        container are its first two parts (as the Azure emulator has it).
    """

    token_url: str
    hosts: tuple[str, ...]


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None
    refresh_at: float = 0.0  # of time.monotonic()
    refusal: SigningError | None = None
    refused_until: float = 0.0


_slots: dict[tuple[str, str, str], _Slot] = {}
_slots_lock = threading.Lock()


def sign(href: str, policy: SigningPolicy | None) -> str:
    """The href with a token that is valid now, in place of any that it had.

    Thread-safe; asks the endpoint at most once per container and token's life. The href comes back
    unchanged where ``policy`` is None or does not cover its host.

    Raises
    ------
    SigningError
        The endpoint refuses, cannot be reached within :data:`BUDGET_S`, or makes no sense.
    """
    if policy is None or not covers(policy, href):
        return href
    account, container = _container(href)
    slot = _slot(policy, account, container)
    with slot.lock:
        now = time.monotonic()
        if slot.refusal is not None and now < slot.refused_until:
            raise SigningError(slot.refusal.message, hint=slot.refusal.hint)
        if slot.token is None or now >= slot.refresh_at:
            _refresh(slot, policy, account, container)
        token = slot.token
    bare = unsign(href, policy)
    return f"{bare}{'&' if urlsplit(bare).query else '?'}{token}"


def forget(href: str, policy: SigningPolicy | None) -> None:
    """Drop the cached token of the href's container (after a 403), so that the next is fresh."""
    if policy is None or not covers(policy, href):
        return
    slot = _slot(policy, *_container(href))
    with slot.lock:
        slot.token = None


def unsign(href: str, policy: SigningPolicy | None) -> str:
    """The href without the token that it may carry; unchanged on other hosts."""
    if policy is None or not covers(policy, href):
        return href
    parts = urlsplit(href)
    if "sig" not in {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}:
        return href
    return urlunsplit(parts._replace(query=""))


def covers(policy: SigningPolicy, href: str) -> bool:
    """Whether hrefs of this host are signed."""
    try:
        parts = urlsplit(href)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    names = {host, f"{host}:{port}"} if port else {host}
    return any(fnmatch(name, pattern.lower()) for name in names for pattern in policy.hosts)


def _container(href: str) -> tuple[str, str]:
    parts = urlsplit(href)
    host = parts.hostname or ""
    path = [part for part in parts.path.split("/") if part]
    if ".blob." in host:
        path = [host.split(".", 1)[0], *path]
    if len(path) < 3 or not all(_NAME.fullmatch(part) for part in path[:2]):
        raise SigningError(f"{href:.200} names no blob in a container")
    return path[0], path[1]


def _slot(policy: SigningPolicy, account: str, container: str) -> _Slot:
    with _slots_lock:
        return _slots.setdefault((policy.token_url, account, container), _Slot())


def _refresh(slot: _Slot, policy: SigningPolicy, account: str, container: str) -> None:
    asked_at = time.monotonic()
    try:
        token, lifetime = _ask(policy.token_url, account, container)
    except SigningError as error:
        slot.token = None
        slot.refusal, slot.refused_until = error, time.monotonic() + _REFUSAL_S
        raise
    slot.token, slot.refusal = token, None
    slot.refresh_at = asked_at + lifetime - min(_MARGIN_S, lifetime / 4)


def _ask(root: str, account: str, container: str) -> tuple[str, float]:
    """The token and for how many seconds from now it holds."""
    url = f"{root.rstrip('/')}/{quote(account)}/{quote(container)}"
    key = _subscription_key(root)
    headers = {"Ocp-Apim-Subscription-Key": key} if key else {}
    try:
        answer = fetch(
            url, max_bytes=65536, headers=headers, follow_redirects=False, budget_s=BUDGET_S
        )
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise SigningError(f"the token endpoint {url} gives no answer: {cause}") from cause
    if answer.status in (401, 403):
        state = "is refused" if key else "is not set"
        raise SigningError(
            f"the token endpoint {url} refuses a token (HTTP {answer.status})",
            hint=f"a subscription key may be needed: {KEY_VARIABLE} {state}",
        )
    if answer.status == 404:
        raise SigningError(f"the token endpoint knows no container {account}/{container} ({url})")
    if answer.status != 200:
        raise SigningError(
            f"the token endpoint {url} answers with HTTP {answer.status}",
            hint="it is busy; try later or with fewer workers" if answer.status == 429 else None,
        )
    return _read_answer(answer, url)


def _read_answer(answer: Answer, url: str) -> tuple[str, float]:
    try:
        content = parse_json(answer.body, url, SigningError)
        token, text = content["token"], content["msft:expiry"]
        expiry = datetime.fromisoformat(text)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token.removeprefix("?")):
            raise ValueError("it has no token")
        if expiry.tzinfo is None:
            expiry = expiry.replace(tzinfo=UTC)
        lifetime = (expiry - _now(answer)).total_seconds()
    except (KeyError, TypeError, ValueError, OverflowError) as cause:
        raise SigningError(f"the token endpoint {url} gives no token: {cause}") from cause
    if lifetime <= 0:
        raise SigningError(f"the token endpoint {url} gives a token that expired at {text}")
    return token.removeprefix("?"), lifetime


def _now(answer: Answer) -> datetime:
    """The time by our clock, or by the server's where the two disagree by more than seconds."""
    here = datetime.now(UTC)
    try:
        there = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return here
    if there.tzinfo is None or abs(there - here) < timedelta(seconds=_SKEW_S):
        return here
    return there


def _subscription_key(root: str) -> str | None:
    """The user's key, only for the Planetary Computer or an endpoint that the user named."""
    from planetary_computer.settings import Settings

    host = urlsplit(root).hostname or ""
    named = {os.environ.get("SARLRA_TOKEN_URL"), os.environ.get("PC_SDK_SAS_URL")}
    if host != "planetarycomputer.microsoft.com" and root not in named:
        return None
    key = Settings().subscription_key or Settings.get().subscription_key
    return str(key) if key else None


def _drop_all() -> None:
    global _slots_lock
    _slots_lock = threading.Lock()
    _slots.clear()


os.register_at_fork(after_in_child=_drop_all)
