"""The sum of an array's values: of what a region of the store holds, not of its files.

Two runs of one plan may write the same region at the same time, and how a codec packs the same
values may change with its version. The values do neither: equal inputs give equal ones. So the sum
is taken in memory, of what is about to be written, and nothing has to be read back for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Rows that are summed at a time.
_ROWS = 256


def content_sum(blocks: Iterable[NDArray[Any]]) -> str:
    """SHA-256, in hexadecimal, of an array's values given as blocks of whole rows.

    The bytes summed are the values row by row, row 0 the northernmost, each row from the west,
    little-endian, every NaN as the same quiet one (0x7fc00000 of float32).
    """
    digest = hashlib.sha256()
    for block in blocks:
        for start in range(0, len(block), _ROWS):
            rows = np.ascontiguousarray(block[start : start + _ROWS])
            if np.issubdtype(rows.dtype, np.floating) and (unknown := np.isnan(rows)).any():
                rows = np.where(unknown, rows.dtype.type(np.nan), rows)
            little = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<"))
            digest.update(little.data)
    return digest.hexdigest()
