"""Visibility and radiometry entered into a composite."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def with_terrain(
    composite: xr.Dataset,
    visibility: NDArray[np.uint8],
    sigma0e_db: NDArray[np.float32] | None = None,
) -> xr.Dataset:
    """A composite with what the relief does to its track.

    Parameters
    ----------
    composite
        Of :func:`sarlra.composites.build.build_composite`, computed.
    visibility
        (y, x) uint8, codes of :class:`sarlra.terrain.codes.Visibility`.
    sigma0e_db
        (y, x) float32, dB: added to the bands ``post_*``, which become sigma0 on the ellipsoid.
        The bands ``diff_*`` stay: before and after differ by the same. None leaves gamma0.
    """
    changed = {"visibility": (("y", "x"), visibility)}
    result: xr.Dataset = composite.assign(changed)
    if sigma0e_db is not None:
        posts = [str(name) for name in composite.data_vars if str(name).startswith("post_")]
        result = result.assign({name: composite[name] + sigma0e_db for name in posts})
    return result
