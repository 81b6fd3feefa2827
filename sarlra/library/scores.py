"""A model over a composite in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sarlra.errors import InputError, ModelError

if TYPE_CHECKING:
    import xarray as xr


def score_windows(composite: xr.Dataset, model: str) -> xr.DataArray:
    """Score the windows of a composite in memory.

    Parameters
    ----------
    composite
        dims (y, x), pixel centres in metres, rows from the north, with the model's bands (dB, NaN
        is no data); at least 64 x 64 pixels. ``visibility`` is not looked at.
    model
        Name or file of a model; ``sarlra models list`` shows them.

    Returns
    -------
    xarray.DataArray
        float32, dims (y, x), coordinates of the windows' centres; NaN where too little of a
        window has data. Raw output of the network: it ranks, it is no probability.

    Raises
    ------
    ModelError
        There is no such model, or the composite lacks a band of it.
    InputError
        The composite is smaller than a window.
    """
    import numpy as np
    import xarray as xr

    from sarlra.detection.lattice import score_positions
    from sarlra.detection.windows import share_in_windows, window_positions
    from sarlra.models.registry import find_model
    from sarlra.models.scoring import load_scorer
    from sarlra.recipe import Recipe

    info, recipe = find_model(model), Recipe()
    if lacking := [name for name in info.bands if name not in composite]:
        raise ModelError(f"the composite lacks {', '.join(lacking)} of the model {info.name!r}")
    bands = [
        np.asarray(composite[name].transpose("y", "x").values, np.float32) for name in info.bands
    ]
    window, stride = recipe.window_px, recipe.stride_px
    height, width = bands[0].shape
    positions = window_positions(height, width, window, stride)
    if not len(positions):
        raise InputError(f"a composite of {height} x {width} pixels is smaller than a window")
    missing = ~np.logical_and.reduce([np.isfinite(band) for band in bands])
    enough = share_in_windows(missing, positions, window) <= recipe.max_nodata
    scores = np.full(len(positions), np.nan, np.float32)
    if enough.any():
        scores[enough] = score_positions(bands, positions[enough], load_scorer(info), info.bands)
    rows, columns = np.unique(positions[:, 0]), np.unique(positions[:, 1])
    y, x = composite["y"].values, composite["x"].values
    middle = {
        "y": (y[rows] + y[rows + window - 1]) / 2,
        "x": (x[columns] + x[columns + window - 1]) / 2,
    }
    return xr.DataArray(scores.reshape(len(rows), len(columns)), middle, ("y", "x"), name="score")
