"""Running a model over somebody's own composite."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from sarlra.detection.composite_file import CompositeFile, Rows, open_composite
from sarlra.detection.lattice import STEEP_SHARE, score_positions
from sarlra.detection.reference import THRESHOLD, reference_kept, reference_locations
from sarlra.detection.slope_mask import steep_pixels
from sarlra.detection.suppress import suppress
from sarlra.detection.windows import Positions, batches, gather, share_in_windows, window_positions
from sarlra.errors import InputError, OutputError
from sarlra.models.info import ModelInfo
from sarlra.models.scoring import BATCH, Scorer, load_scorer
from sarlra.recipe import Recipe, make_recipe

#: Where a model has no threshold of its own.
DEFAULT_THRESHOLD = 0.6
#: About how many windows are read and scored at once, in whole rows of windows.
_WINDOWS_AT_ONCE = 8 * BATCH


def score_composite(
    path: Path,
    model: ModelInfo,
    *,
    reference_mode: bool,
    threshold: float | None,
    out: Path,
    min_slope: float = 0.0,
    dem: Path | None = None,
) -> gpd.GeoDataFrame:
    """Score every window of a composite and write the table.

    Parameters
    ----------
    path
        A GeoTIFF (bands in the model's order, dB) or the folder of a Zarr group (bands by name);
        of any CRS, or none: geometry is then in pixels, rows downwards.
    model
        The model to run.
    reference_mode
        Do as the public SAR-LRA tool does (:mod:`sarlra.detection.reference`), instead of covering
        the whole image, leaving out windows with more than half of no data, and suppressing in
        order of the score.
    threshold
        A window over it is a candidate; None is the model's own, 0.6 where it has none and always
        in reference mode.
    out
        GeoParquet, written whole or not at all.
    min_slope, dem
        Slope mask in degrees (``Recipe.min_slope``) and the raster of heights that it needs.

    Returns
    -------
    geopandas.GeoDataFrame
        Every window: ``row``, ``col`` (upper left pixel), ``score`` (float32, NaN: no data),
        ``kept`` (survives threshold and suppression), ``reason`` (why there is no score: ``no
        data``, ``level ground``; empty where there is one), ``geometry`` in the file's CRS.

    Raises
    ------
    InputError
        The composite is missing, unreadable, smaller than a window, or the threshold is unusable.
    ModelError
        Its bands do not fit the model.
    AssetError
        It is truncated or damaged.
    OutputError
        ``out`` cannot be written.
    """
    limit = _threshold(model, threshold, reference_mode)
    recipe = make_recipe(min_slope=min_slope)
    _check_mask(min_slope, dem, reference_mode)
    _check_out(out)
    with open_composite(path, model.bands, model.name) as composite:
        rows, columns = composite.shape
        if reference_mode:
            locations = reference_locations(rows, columns)
            positions = np.ascontiguousarray(locations[:, 1::-1])
        else:
            positions = window_positions(rows, columns, recipe.window_px, recipe.stride_px)
        if not len(positions):
            raise InputError(f"{path}: is {rows} x {columns} pixels, smaller than a window")
        level = np.zeros(len(positions), dtype=bool)
        if min_slope > 0 and dem is not None:
            steep = steep_pixels(composite, dem, min_slope)
            level = share_in_windows(steep, positions, recipe.window_px) <= STEEP_SHARE
        scores = np.full(len(positions), np.nan, dtype=np.float32)
        if not level.all():
            scores[~level] = _scores(
                composite, positions[~level], load_scorer(model), reference_mode, recipe
            )
        crs, transform = composite.crs, composite.transform
    kept = np.zeros(len(positions), dtype=bool)
    if reference_mode:
        kept[reference_kept(locations, scores)] = True
    else:
        candidates = np.flatnonzero(np.nan_to_num(scores, nan=-1.0) > limit)
        boxes = np.hstack([positions, positions + recipe.window_px])[candidates]
        kept[candidates[suppress(boxes, scores[candidates], recipe.overlap)]] = True
    table = gpd.GeoDataFrame(
        {
            "row": positions[:, 0].astype(np.int32),
            "col": positions[:, 1].astype(np.int32),
            "score": scores,
            "kept": kept,
            "reason": np.select([level, np.isnan(scores)], ["level ground", "no data"], ""),
        },
        geometry=_outlines(positions, recipe.window_px, transform),
        crs=crs,
    )
    _write(table, out)
    return table


def threshold_of(model: ModelInfo) -> float:
    """Over which a model's score is a detection: its own threshold, or the default one."""
    return DEFAULT_THRESHOLD if model.threshold is None else model.threshold


def _check_mask(min_slope: float, dem: Path | None, reference_mode: bool) -> None:
    if (min_slope > 0) != (dem is not None):
        raise InputError(
            "the slope mask needs both --min-slope and --dem", hint="give both, or neither"
        )
    if min_slope > 0 and reference_mode:
        raise InputError("the public tool has no slope mask: leave --min-slope out")


def _threshold(model: ModelInfo, threshold: float | None, reference_mode: bool) -> float:
    if reference_mode:
        if threshold not in (None, THRESHOLD):
            raise InputError(
                f"the threshold {threshold} was given in reference mode, which has 0.6"
            )
        return THRESHOLD
    if threshold is None:
        return threshold_of(model)
    if not 0 <= threshold <= 1:
        raise InputError(f"the threshold {threshold} is not within 0 and 1")
    return threshold


def _scores(
    composite: CompositeFile,
    positions: Positions,
    scorer: Scorer,
    reference_mode: bool,
    recipe: Recipe,
) -> NDArray[np.float32]:
    """Scores of all positions (ascending by row), reading some rows of windows at a time."""
    scores = np.full(len(positions), np.nan, dtype=np.float32)
    starts = np.unique(positions[:, 0])
    step = max(1, _WINDOWS_AT_ONCE * len(starts) // len(positions))
    for group in range(0, len(starts), step):
        some = starts[group : group + step]
        first, last = int(some[0]), int(some[-1]) + recipe.window_px
        bands = composite.read(first, last, not reference_mode)
        chosen = np.flatnonzero((positions[:, 0] >= some[0]) & (positions[:, 0] <= some[-1]))
        places = positions[chosen] - np.array([first, 0])
        if reference_mode:
            scores[chosen] = _score_as_they_are(bands, places, scorer)
            continue
        missing = ~np.logical_and.reduce([np.isfinite(band) for band in bands])
        enough = share_in_windows(missing, places, recipe.window_px) <= recipe.max_nodata
        scores[chosen[enough]] = score_positions(bands, places[enough], scorer, scorer.info.bands)
    return scores


def _score_as_they_are(bands: Rows, places: Positions, scorer: Scorer) -> NDArray[np.float32]:
    scores = np.empty(len(places), dtype=np.float32)
    for part in batches(places, BATCH):
        scores[part] = scorer.score(gather(bands, places[part], 64))
    return scores


def _outlines(positions: Positions, window: int, transform: Affine) -> NDArray[np.object_]:
    """Squares of pixels in the units of the CRS, however the transform turns them."""
    row, column = (positions[:, n].astype(np.float64) for n in (0, 1))
    columns = np.stack([column, column, column + window, column + window], axis=-1)
    rows = np.stack([row, row + window, row + window, row], axis=-1)
    a, b, c, d, e, f = tuple(transform)[:6]
    corners = np.stack([a * columns + b * rows + c, d * columns + e * rows + f], axis=-1)
    return np.asarray(shapely.polygons(corners), dtype=object)


def _check_out(out: Path) -> None:
    if out.is_dir():
        raise OutputError(f"{out}: is a folder", hint="give the path of a .parquet file")
    if out.suffix != ".parquet":
        raise OutputError(f"{out}: does not end in .parquet", hint="the table is GeoParquet")
    if not out.absolute().parent.is_dir():
        raise OutputError(f"{out}: its folder does not exist", hint="make it first")


def _write(table: gpd.GeoDataFrame, out: Path) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=out.absolute().parent, prefix=f".{out.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            table.to_parquet(temporary)
            temporary.chmod(0o644)
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
