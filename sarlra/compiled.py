"""Compilation of inner loops, kept on disk where a folder can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """A function compiled at its first call, which does not hold the interpreter's lock.

    As in NumPy a division by zero gives infinity or NaN: loops that had to look for it would be
    carried out number by number.

    What was compiled lies beside the source or in the user's cache folder; where neither can be
    written, each process compiles for itself.
    """
    try:
        return numba.njit(function, nogil=True, error_model="numpy", cache=True)
    except RuntimeError:
        return numba.njit(function, nogil=True, error_model="numpy")
