"""Work that begins before its result is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def beside(threads: int, function: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Run a function on a thread of its own while the block runs.

    Parameters
    ----------
    threads
        Of the job; with one the function runs when its result is asked for.

    Yields
    ------
    Callable
        Gives the result, waiting for it, or raises what the function raised. The block is left
        when the function has ended, also where the block fails, so that nothing is written later.
    """
    if threads == 1:
        yield function
        return
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        yield pool.submit(function).result
