"""Reads of one stack, side by side where files lie behind a network: they mostly wait.

The threads are apart from those that compute: were each of many threads to make a stack of its own,
there would be as many stacks in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

_lock = threading.Lock()
_pools: list[ThreadPoolExecutor] = []


@contextmanager
def side_by_side(threads: int) -> Iterator[None]:
    """Read on so many threads until this ends; of several that overlap the last one reads."""
    with ThreadPoolExecutor(threads) as pool:
        with _lock:
            _pools.append(pool)
        try:
            yield
        finally:
            with _lock:
                _pools.remove(pool)


def read_all(reads: Sequence[Callable[[], None]]) -> None:
    """Do all of these, one after the other or side by side; the first error is raised.

    When this returns, or raises, none is under way any more.
    """
    with _lock:
        # Within the lock: a pool that is found here has not begun to end.
        futures = [_pools[-1].submit(read) for read in reads] if _pools else None
    if futures is None:
        for read in reads:
            read()
        return
    try:
        for one in futures:
            one.result()
    finally:
        for one in futures:
            one.cancel()
        wait(futures)
