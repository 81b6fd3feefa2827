"""What a network is given where a window has no data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Windows = NDArray[np.float32]


def fill_nodata(windows: Windows, bands: tuple[str, ...]) -> Windows:
    """Replace what is not finite in a batch of windows, in place.

    A change band gets 0 (nothing changed), any other band the median of the window's own finite
    pixels of that band, 0 where it has none. Training and scoring fill alike.

    Parameters
    ----------
    windows
        ``(n, rows, columns, bands)`` float32, dB; NaN is no data.
    bands
        Names of the bands; those that start with ``diff_`` are change bands.

    Returns
    -------
    numpy.ndarray
        ``windows`` itself, finite everywhere.
    """
    for number, name in enumerate(bands):
        band = windows[..., number]
        missing = ~np.isfinite(band)
        for n in np.flatnonzero(missing.any(axis=(1, 2))):
            valid = band[n][~missing[n]]
            change = name.startswith("diff_")
            band[n][missing[n]] = 0.0 if change or not valid.size else np.median(valid)
    return windows
