"""A background for models that carry none: windows of the composite in which little changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.detection.composite_file import CompositeFile
from sarlra.detection.windows import gather, share_in_windows, window_positions
from sarlra.errors import InputError
from sarlra.models.background import spread_over_level
from sarlra.models.fill import fill_nodata
from sarlra.recipe import Recipe

F32 = NDArray[np.float32]

#: Of the windows looked at, this share with the least change is drawn from.
QUIET_SHARE = 0.25
#: Fewer windows are no background.
LEAST = 8
_MOST_ROWS = 32


def low_change_windows(composite: CompositeFile, bands: tuple[str, ...], recipe: Recipe) -> F32:
    """Windows that do not overlap, in which little changed, from dark to bright.

    Of the quarter with the least mean absolute change, :data:`sarlra.models.background.COUNT` are
    taken at even steps of the mean of the first band, so that water, fields and slopes are there.
    Nothing is drawn: the same composite gives the same windows.

    Parameters
    ----------
    bands
        That ``composite`` gives, in its order.
    recipe
        Window, and the largest share of no data.

    Returns
    -------
    ``(n, 64, 64, bands)`` float32 dB, finite.

    Raises
    ------
    InputError
        There are fewer than :data:`LEAST` windows with enough data.
    """
    edge = recipe.window_px
    changes = [number for number, name in enumerate(bands) if name.startswith("diff_")]
    starts = np.arange(0, composite.shape[0] - edge + 1, edge)
    if len(starts) > _MOST_ROWS:
        starts = starts[np.linspace(0, len(starts) - 1, _MOST_ROWS).round().astype(int)]
    kept: list[F32] = []
    change: list[NDArray[np.float64]] = []
    for start in starts:
        layers = composite.read(int(start), int(start) + edge, True)
        places = window_positions(edge, composite.shape[1], edge, edge)
        missing = ~np.logical_and.reduce([np.isfinite(layer) for layer in layers])
        places = places[share_in_windows(missing, places, edge) <= recipe.max_nodata]
        if len(places):
            found = fill_nodata(gather(layers, places, edge), bands)
            kept.append(found)
            change.append(np.abs(found[..., changes]).mean(axis=(1, 2, 3), dtype=np.float64))
    windows = np.concatenate(kept) if kept else np.empty((0, edge, edge, len(bands)), np.float32)
    if len(windows) < LEAST:
        raise InputError(
            f"the composite has {len(windows)} windows of {edge} pixels with enough data, too few "
            f"for a background of at least {LEAST}",
            hint="store one with the model: sarlra models background",
        )
    quiet = np.argsort(np.concatenate(change), kind="stable")
    quiet = quiet[: max(LEAST, round(QUIET_SHARE * len(quiet)))]
    return spread_over_level(windows[quiet])
