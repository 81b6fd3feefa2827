"""Waiting for what may never answer, but not for ever."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sarlra.errors import SarlraError, TerrainError

T = TypeVar("T")

DEFAULT_WAIT_S = 120.0
_FORGET_S = 600.0
_given_up: dict[str, float] = {}
"""What did not come in time, and when (``time.monotonic()``)."""


def wait_s() -> float:
    """How long the geometry, and after it the DEM, are waited for, in seconds.

    ``SARLRA_TERRAIN_WAIT_S`` sets it.
    """
    try:
        return max(0.1, float(os.environ["SARLRA_TERRAIN_WAIT_S"]))
    except (KeyError, ValueError):
        return DEFAULT_WAIT_S


def within(seconds: float, what: str, work: Callable[[], T]) -> T:
    """Do some work, or give up on it after a time.

    Work that is given up goes on in a thread of its own, which ends with the process: reads deep
    in libraries cannot be stopped. What did not come is not waited for again for ten minutes, so
    that the many tiles of a run do not wait one after the other.

    Parameters
    ----------
    what
        Names the work, in messages and for not waiting again.

    Raises
    ------
    TerrainError
        The time was up, or the work raised a SarlraError; the message says so.
    """
    late = TerrainError(
        f"{what} did not come within {seconds:.0f} s",
        hint="SARLRA_TERRAIN_WAIT_S sets for how long it is waited",
    )
    if time.monotonic() - _given_up.get(what, -_FORGET_S) < _FORGET_S:
        raise late
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> Any:
        try:
            found.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name=f"sarlra {what}", daemon=True)
    thread.start()
    thread.join(seconds)
    if found:
        return found[0]
    if failed:
        error = failed[0]
        if isinstance(error, TerrainError) or not isinstance(error, SarlraError):
            raise error
        raise TerrainError(error.message, hint=error.hint) from error
    _given_up[what] = time.monotonic()
    raise late
