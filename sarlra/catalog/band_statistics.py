"""What a band of a raster holds, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.compiled import compiled

#: No data of bands of bytes.
NODATA_BYTE = 255

Statistics = dict[str, float]


def statistics(values: NDArray[Any]) -> Statistics | None:
    """Minimum, maximum, mean, stddev and valid_percent of a band; None where there is no data.

    Parameters
    ----------
    values
        (rows, columns), float32 or float64 (what is not finite is no data), uint8 (255 is) or
        another integer (all data).
    """
    # No number is NaN, and what is not finite is no data in any case.
    nodata = float(NODATA_BYTE) if values.dtype == np.uint8 else float("nan")
    size, low, high, mean, deviation = _look(values, nodata)
    if size == 0:
        return None
    return {
        "minimum": float(low),
        "maximum": float(high),
        "mean": round(float(mean), 6),
        "stddev": round(float(deviation), 6),
        "valid_percent": round(100.0 * size / values.size, 4),
    }


@compiled
def _look(values, nodata):  # type: ignore[no-untyped-def]
    """Number of known values, least, largest, mean and standard deviation, in two passes.

    Sums are kept by column, so that the processor adds for several columns at once.
    """
    rows, columns = values.shape
    number = np.zeros(columns, np.int64)
    total, low, high = np.zeros(columns), np.full(columns, np.inf), np.full(columns, -np.inf)
    for row in range(rows):
        line = values[row]
        for col in range(columns):
            value = np.float64(line[col])
            known = np.isfinite(value) and value != nodata
            number[col] += known
            total[col] += value if known else 0.0
            low[col] = min(low[col], value if known else np.inf)
            high[col] = max(high[col], value if known else -np.inf)
    size = number.sum()
    mean = total.sum() / size
    total[:] = 0.0
    for row in range(rows):
        line = values[row]
        for col in range(columns):
            value = np.float64(line[col])
            known = np.isfinite(value) and value != nodata
            apart = value - mean if known else 0.0
            total[col] += apart * apart
    return size, low.min(), high.max(), mean, np.sqrt(total.sum() / size)
