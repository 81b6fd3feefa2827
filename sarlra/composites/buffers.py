"""Memory of stacks, used again while a composite is computed.

A stack takes a hundred megabytes, the block that is made of it a quarter. Fresh from the system
each of its pages is cleared at its first use, and a virtual machine may have to ask its host for
it: to do that for every stack takes a quarter as long as decoding what is read into it, or more. So
within :func:`reused` the memory of what nobody holds any more is that of the next of its size.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: By how much memory may be larger than what it is used for.
ROOMY = 2

_lock = threading.Lock()
_free: list[NDArray[np.float32]] = []
_users = 0


@contextmanager
def reused() -> Iterator[None]:
    """Keep memory for the next stack until this ends; several may overlap."""
    global _users
    with _lock:
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _free.clear()


def stack_of(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An array of float32 that holds anything."""
    return np.asarray(_Held(_taken(math.prod(shape)), shape))


def _taken(size: int) -> NDArray[np.float32]:
    """Memory for ``size`` numbers: the smallest that is free and large enough, but not for
    something far larger.
    """
    with _lock:
        near = [one for one in _free if size <= one.size * ROOMY and one.size <= size * ROOMY]
        fitting = [one for one in near if one.size >= size]
        # What is somewhat too small makes room for what is larger, or it would pile up.
        gone = min(fitting or near, key=lambda one: one.size, default=None)
        _free[:] = [one for one in _free if one is not gone]
    return gone if fitting and gone is not None else np.empty(size, np.float32)


class _Held:
    """What owns the memory of a stack: arrays and views that are made of it keep it alive."""

    def __init__(self, memory: NDArray[np.float32], shape: tuple[int, ...]) -> None:
        self._memory = memory
        whole = memory[: math.prod(shape)].reshape(shape)
        self.__array_interface__: dict[str, Any] = whole.__array_interface__

    def __del__(self) -> None:
        with _lock:
            if _users:
                _free.append(self._memory)
