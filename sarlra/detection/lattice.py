"""The lattice of scores: one cell per window of a tile, with a reason where there is no score."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import rioxarray  # noqa: F401  (registers the accessor .rio)
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from sarlra.detection.windows import (
    Positions,
    batches,
    gather,
    median_in_windows,
    share_in_windows,
)
from sarlra.errors import ModelError
from sarlra.grid import PixelBox, Tile
from sarlra.models.fill import fill_nodata
from sarlra.models.scoring import BATCH, Scorer
from sarlra.recipe import Recipe

#: Codes of ``visibility`` in a composite: 0 visible, 1..4 layover and shadow, 255 not known.
_DISTORTED = (1, 4)
#: The share of a window that has to be steep: landslides fill more than this of a landslide patch.
STEEP_SHARE = 0.05


class Reason(IntEnum):
    """Why a window has a score or none."""

    SCORED = 0
    NO_DATA = 1
    DISTORTION = 2
    OUTSIDE = 3
    LEVEL = 4


def score_lattice(
    composite: xr.Dataset,
    tile: Tile,
    box: PixelBox,
    active: NDArray[np.bool_],
    scorer: Scorer,
    recipe: Recipe,
    steep: NDArray[np.bool_] | None = None,
) -> xr.Dataset:
    """Score the windows of a tile.

    Parameters
    ----------
    composite
        Computed, on exactly the pixels of ``box``: the bands of the recipe (float32 dB, NaN no
        data), ``n_pre``, ``n_post`` and optionally ``visibility`` (uint8 codes).
    tile, box
        The tile, and which of its pixels (halo included) the composite covers.
    active
        ``(n, n)`` with ``n = size_px // stride``: the windows wanted, by their place in the
        lattice of the whole tile.
    scorer
        Takes the recipe's bands.
    recipe
        Window, stride and the largest share of no data or distortion.
    steep
        On the pixels of ``box``: where landslides are to be expected at all (pixels of unknown
        slope count as steep); None masks nothing. See ``Recipe.min_slope``.

    Returns
    -------
    xarray.Dataset
        On the whole tile's lattice, dims (y, x): ``score`` float32 (NaN: none), ``reason`` uint8
        (:class:`Reason`), ``n_pre`` and ``n_post`` uint16 (lower median over the window, 0 where
        it was not looked at). Coordinates are the windows' centres, metres, ``spatial_ref`` their
        CRS. A window not wholly within the box counts as outside.

    Raises
    ------
    ModelError
        The scorer takes other bands than the recipe has.
    ValueError
        The composite or ``active`` is not of the shape that box and tile say.
    """
    side = tile.size_px // recipe.stride_px
    _check(composite, box, active, side, scorer, recipe, steep)
    cells = _windows_in(active, box, recipe)
    positions = cells * recipe.stride_px - np.array([box.row0, box.col0])
    reason = np.full((side, side), Reason.OUTSIDE, dtype=np.uint8)
    reason[cells[:, 0], cells[:, 1]] = _reasons(composite, positions, recipe, steep)
    scored = reason[cells[:, 0], cells[:, 1]] == Reason.SCORED
    score = np.full((side, side), np.nan, dtype=np.float32)
    score[cells[scored, 0], cells[scored, 1]] = score_positions(
        [composite[name].values for name in recipe.bands],
        positions[scored],
        scorer,
        recipe.bands,
    )
    counts = {}
    for name in ("n_pre", "n_post"):
        counts[name] = np.zeros((side, side), dtype=np.uint16)
        counts[name][cells[:, 0], cells[:, 1]] = median_in_windows(
            composite[name].values.astype(np.uint16, copy=False), positions, recipe.window_px
        )
    return _dataset(tile, recipe, {"score": score, "reason": reason, **counts})


def scored_means(
    composite: xr.Dataset, lattice: xr.Dataset, box: PixelBox, recipe: Recipe
) -> dict[str, NDArray[np.float64]]:
    """The mean of each band over the pixels with data of every window with a score.

    Parameters
    ----------
    composite, box, recipe
        As given to :func:`score_lattice`; the box starts and ends at whole strides.
    lattice
        What it returned.

    Returns
    -------
    dict
        Per band ``(n,)`` float64 dB, windows in row order; NaN where a band has no data there.
    """
    cells = np.argwhere(np.isfinite(lattice["score"].values))
    step, wide = recipe.stride_px, recipe.window_px // recipe.stride_px
    rows, cols = (cells - np.array([box.row0, box.col0]) // step).T
    means = {}
    for name in recipe.bands:
        values = composite[name].values
        shape = (values.shape[0] // step, step, values.shape[1] // step, step)
        blocks = values.reshape(shape)
        known = np.isfinite(blocks)
        total = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
        number = known.sum(axis=(1, 3))
        over = [(i, j) for i in range(wide) for j in range(wide)]
        sums = sum((total[rows + i, cols + j] for i, j in over), np.zeros(len(cells)))
        pixels = sum((number[rows + i, cols + j] for i, j in over), np.zeros(len(cells)))
        means[name] = np.divide(sums, pixels, out=np.full(len(cells), np.nan), where=pixels > 0)
    return means


def score_positions(
    bands: list[NDArray[np.float32]],
    positions: Positions,
    scorer: Scorer,
    names: tuple[str, ...],
) -> NDArray[np.float32]:
    """Score the windows at positions, filling no data; ``(n,)`` float32 in the order given."""
    missing = ~np.isfinite(bands[0])
    for band in bands[1:]:
        missing |= ~np.isfinite(band)
    holed = share_in_windows(missing, positions, 64) > 0
    scores = np.empty(len(positions), dtype=np.float32)
    scores[~holed] = scorer.score_image(bands, positions[~holed])
    # What fills a hole is the window's own: such windows share nothing with their neighbours.
    (apart,) = np.nonzero(holed)
    for part in batches(positions[apart], BATCH):
        windows = gather(bands, positions[apart[part]], 64)
        scores[apart[part]] = scorer.score(fill_nodata(windows, names))
    return scores


def _check(
    composite: xr.Dataset,
    box: PixelBox,
    active: NDArray[np.bool_],
    side: int,
    scorer: Scorer,
    recipe: Recipe,
    steep: NDArray[np.bool_] | None,
) -> None:
    if scorer.info.bands != recipe.bands:
        raise ModelError(
            f"the model {scorer.info.name!r} takes {', '.join(scorer.info.bands)}; "
            f"the composite has {', '.join(recipe.bands)}",
            hint="choose a model of these polarisations, or others with --pol",
        )
    if active.shape != (side, side):
        raise ValueError(f"active has shape {active.shape}, the lattice {(side, side)}")
    for name in (*recipe.bands, "n_pre", "n_post"):
        if composite[name].dims != ("y", "x") or composite[name].shape != box.shape:
            raise ValueError(f"{name} is {composite[name].sizes}, the box {box.shape}")
    if steep is not None and steep.shape != box.shape:
        raise ValueError(f"the slope mask has shape {steep.shape}, the box {box.shape}")


def _windows_in(active: NDArray[np.bool_], box: PixelBox, recipe: Recipe) -> Positions:
    """(n, 2) lattice cells that are active and whose windows lie within the box."""
    cells = np.argwhere(active).astype(np.int64)
    first = cells * recipe.stride_px
    last = first + recipe.window_px
    low, high = np.array([box.row0, box.col0]), np.array([box.row1, box.col1])
    return cells[((first >= low) & (last <= high)).all(axis=1)]


def _reasons(
    composite: xr.Dataset,
    positions: Positions,
    recipe: Recipe,
    steep: NDArray[np.bool_] | None,
) -> NDArray[np.uint8]:
    missing = np.zeros(composite[recipe.bands[0]].shape, dtype=bool)
    for name in recipe.bands:
        missing |= ~np.isfinite(composite[name].values)
    reasons = np.full(len(positions), Reason.SCORED, dtype=np.uint8)
    if steep is not None:
        reasons[share_in_windows(steep, positions, recipe.window_px) <= STEEP_SHARE] = Reason.LEVEL
    if "visibility" in composite:
        codes = composite["visibility"].values
        hidden = (codes >= _DISTORTED[0]) & (codes <= _DISTORTED[1])
        share = share_in_windows(hidden, positions, recipe.window_px)
        reasons[share > recipe.max_nodata] = Reason.DISTORTION
    share = share_in_windows(missing, positions, recipe.window_px)
    reasons[share > recipe.max_nodata] = Reason.NO_DATA
    return reasons


def _dataset(tile: Tile, recipe: Recipe, layers: dict[str, NDArray[np.generic]]) -> xr.Dataset:
    left, _, _, top = tile.bounds
    step, half = recipe.stride_px * tile.resolution, recipe.window_px * tile.resolution / 2
    number = np.arange(tile.size_px // recipe.stride_px)
    lattice = xr.Dataset(
        {name: (("y", "x"), values) for name, values in layers.items()},
        coords={"y": top - half - number * step, "x": left + half + number * step},
    )
    transform = Affine(step, 0.0, left + half - step / 2, 0.0, -step, top - half + step / 2)
    georeferenced: xr.Dataset = lattice.rio.write_crs(tile.epsg).rio.write_transform(transform)
    return georeferenced
