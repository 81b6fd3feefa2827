"""A model on a real series in which nothing happened, and on the same with landslides put into it.

Composites are made as ``detect`` makes them, burst by burst, in memory. Nothing is chosen here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sarlra.composites.build import build_composite, compute
from sarlra.composites.quality import corrections_of, kept_track
from sarlra.detection.lattice import score_lattice
from sarlra.detection.score_file import threshold_of
from sarlra.detection.suppress import suppress
from sarlra.detection.windows import share_in_windows
from sarlra.errors import InputError, ModelError
from sarlra.evaluation.false_alarms import Quiet, SeriesScore
from sarlra.evaluation.windows import Windows, joined, windows_of_tile
from sarlra.events.geometry import unite
from sarlra.inventories.inventory import Inventory
from sarlra.jobs.implanted import ImplantedTrack, implant_track
from sarlra.jobs.quality import assess_track
from sarlra.jobs.series_dates import Dated, places, series_dates
from sarlra.jobs.tiles import TileWindows, plan_tiles
from sarlra.models.info import ModelInfo
from sarlra.models.scoring import Scorer, load_scorer
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.labels import burn
from sarlra.scenes.model import Track

F32 = NDArray[np.float32]
Pieces = list[tuple[TileWindows, xr.Dataset]]

#: Landslides put in per km2 of land: a tenth to a fifth of the windows are then landslide.
PER_KM2 = 6.0
_THREADS = 2


def evaluate_series(
    items: Path,
    models: Sequence[ModelInfo],
    *,
    dates: int | None = None,
    post_days: int = 12,
    quality: bool = True,
    per_km2: float = PER_KM2,
    seed: int = 0,
    show: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[SeriesScore, ...]:
    """Count false alarms per composite date, and the recall of implanted landslides.

    Parameters
    ----------
    items
        ItemCollection of a series, such as OPERA RTC-S1, with its images beside it.
    models
        Of one combination of polarisations; composites are made once for all of them.
    dates
        How many composite dates (:func:`sarlra.jobs.series_dates.series_dates`).
    post_days
        Of the composites: with more of them there is more than one image after the event.
    quality
        Acquisitions are judged and corrected as ``detect`` does, with landslides in them anew.
    per_km2
        Landslides put in per km2 of land.
    seed
        Of the landslides; equal arguments give equal results.
    show
        Progress: stage, done, total.

    Raises
    ------
    InputError
        The series has no such dates, or the models are of several combinations.
    ModelError
        A model is not made for the direction of the passes.
    AssetError
        An image cannot be read.
    """
    recipe = _recipe(models, post_days, quality)
    found = series_dates(items, recipe, dates)
    for model in models:
        _check(model, found)
    scorers = [load_scorer(model) for model in models]
    quiet: list[list[Quiet]] = [[] for _ in models]
    for number, dated in enumerate(found):
        show("composite dates", number, len(found))
        for kept, one in zip(
            quiet, _date(dated, scorers, recipe, per_km2, seed * 10_000 + number), strict=True
        ):
            kept.append(one)
    show("composite dates", len(found), len(found))
    return tuple(
        SeriesScore(m.name, threshold_of(m), tuple(q)) for m, q in zip(models, quiet, strict=True)
    )


def _recipe(models: Sequence[ModelInfo], post_days: int, quality: bool) -> Recipe:
    combinations = sorted({model.combination for model in models})
    if len(combinations) != 1:
        raise InputError(
            f"models of {' and '.join(combinations) or 'no'} polarisations cannot be compared",
            hint="name models of one combination",
        )
    return make_recipe(
        polarisations=tuple(combinations[0].split("_")), post_days=post_days, quality=quality
    )


def _check(model: ModelInfo, dates: Sequence[Dated]) -> None:
    states = {dated.track.orbit_state for dated in dates}
    if missing := states - set(model.orbit_states):
        raise ModelError(
            f"the model {model.name!r} is not made for {' and '.join(sorted(missing))} passes, "
            "which the series has"
        )


def _date(
    dated: Dated, scorers: Sequence[Scorer], recipe: Recipe, per_km2: float, seed: int
) -> Iterator[Quiet]:
    """What each model says of one date."""
    used, plain = _composites(dated.track, recipe)
    with tempfile.TemporaryDirectory(prefix="sarlra-implant-") as folder:
        made = implant_track(dated.track, seed, per_km2, Path(folder))
        _, changed = _composites(made.track, recipe)
    for scorer in scorers:
        calm = _alarms(plain, made.water, scorer, recipe)
        implanted, visible = _implanted(changed, made, scorer, recipe)
        yield Quiet(
            dated.date, dated.track.id, len(used.pre), len(used.post),
            *calm, implanted, visible,
        )  # fmt: skip


def _composites(track: Track, recipe: Recipe) -> tuple[Track, Pieces]:
    """What is used of a track, and the composite of every burst with the windows wanted of it; none
    is wanted twice.
    """
    pieces: Pieces = []
    taken: dict[str, NDArray[np.bool_]] = {}
    areas = places(track)
    judged = assess_track(track, unite(areas), recipe, None) if recipe.quality else ()
    used, corrections = kept_track(track, judged), corrections_of(judged)
    for area in areas:
        for windows in plan_tiles(area, recipe):
            before = taken.setdefault(windows.tile.id, np.zeros_like(windows.active))
            active = windows.active & ~before
            before |= active
            wanted = TileWindows(windows.tile, active, windows.box)
            composite = build_composite(used, windows.tile, windows.box, recipe, None, corrections)
            pieces.append((wanted, compute(composite, used, _THREADS)))
    return used, pieces


def _alarms(
    pieces: Pieces, water: gpd.GeoDataFrame, scorer: Scorer, recipe: Recipe
) -> tuple[int, float, float, F32, NDArray[np.bool_]]:
    """Windows with a score, the km2 that they cover, those of land among these, the scores that
    suppression leaves, and which of them lie on land.
    """
    corners, scores, wet = [], [], []
    covered = lake = 0
    for windows, composite in pieces:
        tile, box = windows.tile, windows.box
        lattice = score_lattice(composite, tile, box, windows.active, scorer, recipe)
        score = lattice["score"].values
        at = np.argwhere(np.isfinite(score))
        first = np.array([-round(tile.bounds[3] / tile.resolution),
                          round(tile.bounds[0] / tile.resolution)])  # fmt: skip
        corners.append(at * recipe.stride_px + first)
        scores.append(score[at[:, 0], at[:, 1]])
        dark = burn(water, tile, recipe) > 0
        wet.append(share_in_windows(dark, at * recipe.stride_px, recipe.window_px))
        # The steps of the lattice: each pixel is counted once, and windows of tiles do not share.
        seen = np.zeros(dark.shape, dtype=bool)
        for row, col in at * recipe.stride_px:
            seen[row : row + recipe.stride_px, col : col + recipe.stride_px] = True
        covered += int(seen.sum())
        lake += int((seen & dark).sum())
    place, score = np.concatenate(corners), np.concatenate(scores)
    kept = suppress(np.hstack([place, place + recipe.window_px]), score, recipe.overlap)
    pixel = recipe.resolution**2 / 1e6
    on_land = np.concatenate(wet)[kept] < 0.5
    return len(score), covered * pixel, (covered - lake) * pixel, score[kept], on_land


def _implanted(
    pieces: Pieces, made: ImplantedTrack, scorer: Scorer, recipe: Recipe
) -> tuple[F32, NDArray[np.bool_]]:
    """Scores of the landslide windows, and which are landslide by what changed its surface."""
    truth = [Inventory(made.landslides), Inventory(made.landslides[made.landslides["visible"]])]
    parts: list[list[Windows]] = [[], []]
    for windows, composite in pieces:
        lattice = score_lattice(
            composite, windows.tile, windows.box, windows.active, scorer, recipe
        )
        for kept, inventory in zip(parts, truth, strict=True):
            kept.append(
                windows_of_tile(
                    windows.tile, recipe, lattice["score"].values, None, 0.5, inventory,
                    (None, None),
                )
            )  # fmt: skip
    every, visible = (joined(kept) for kept in parts)
    slides = every.take(every.landslide)
    seen = np.isin(slides.drawn, visible.drawn[visible.landslide])
    return slides.score, seen
