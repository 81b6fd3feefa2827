"""Where a run fails: what is known of the ground and the radar at every landslide and alarm.

True positives are landslides that a detection touches, false negatives observed ones that none
does, false positives detections that touch no landslide, where somebody looked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.catalog.read import Files, grid_of_item, read_raster
from sarlra.evaluation.ground_layers import GroundLayers, cover_name, ground_layers
from sarlra.evaluation.run import Evaluation
from sarlra.evaluation.scores import touching
from sarlra.evaluation.slides import Slides
from sarlra.evaluation.track_geometry import TrackLook, look_of_track
from sarlra.inventories.inventory import Inventory
from sarlra.recipe import Recipe
from sarlra.samples.cells import looked_at
from sarlra.terrain.choice import DemSource

Document = dict[str, Any]
Index = NDArray[np.int64]

TP, FN, FP = "found", "missed", "false alarm"
_SLIDE = "landslide"
#: Of a false alarm's window, every so many pixels in both directions are taken for densities.
_EVERY = 8
_LAYERS = ("slope", "incidence", "river_m", "sensor")


@dataclass(frozen=True, slots=True)
class TrackAnalysis:
    """What is known of a track's landslides and false alarms.

    Parameters
    ----------
    orbit_state, look
        Direction, and where the geometry comes from.
    cases
        A row per observed landslide and per false alarm: ``kind`` (:data:`TP`, :data:`FN`,
        :data:`FP`), ``area_m2`` (of a landslide), ``score`` (of a false alarm), ``slope``,
        ``aspect``, ``facing``, ``incidence`` (degrees; the aspect as mean direction),
        ``river_m``, ``cover`` (the most frequent class), ``n_pre``, ``n_post``, ``visible_share``.
        NaN where not known.
    pixels
        ``kind``, ``slope``, ``aspect``, ``incidence`` of their pixels.
    sensor_azimuth
        Direction to the sensor, degrees from grid north, median over the cases; NaN without.
    """

    orbit_state: str
    look: str
    cases: pd.DataFrame
    pixels: pd.DataFrame
    sensor_azimuth: float


def analyse(
    files: Files,
    items: Sequence[Document],
    detections: gpd.GeoDataFrame,
    evaluation: Evaluation,
    dem: DemSource,
    cover: Path | None,
    *,
    trusted: bool,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, TrackAnalysis]:
    """Describe every landslide and false alarm of a run, by track.

    Parameters
    ----------
    files, items, detections
        As given to :func:`sarlra.evaluation.run.evaluate_run`; ``detections`` not None.
    evaluation
        Its result.
    dem, cover
        Heights, and a raster of classes of land cover (None: not known).
    trusted
        As for :func:`sarlra.evaluation.track_geometry.look_of_track`.
    progress
        Called with 1 after each item.

    Raises
    ------
    InputError
        The land cover cannot be read.
    CatalogError
        A file of an item cannot be read.
    """
    by_track: dict[str, list[Document]] = defaultdict(list)
    for item in items:
        by_track[str(item["properties"]["sarlra:track"])].append(item)
    found = {}
    for name, own in sorted(by_track.items()):
        look = look_of_track(files, own, trusted=trusted)
        names = [str(item["id"]) for item in own]
        table = detections[detections["item"].isin(names)]
        found[name] = _analyse_track(
            files, own, table, evaluation.truth, evaluation.tracks[name].slides, look,
            (dem, cover), progress,
        )  # fmt: skip
    return found


def _analyse_track(
    files: Files, items: Sequence[Document], detections: gpd.GeoDataFrame, truth: Inventory,
    slides: gpd.GeoDataFrame, look: TrackLook, ground: tuple[DemSource, Path | None],
    progress: Callable[[int], None],
) -> TrackAnalysis:  # fmt: skip
    hits, _ = touching(detections.geometry, truth.landslides.geometry)
    judged = looked_at(detections.geometry.to_numpy(), (truth.mapped, truth.unmapped))
    alarms = detections[~hits & judged].reset_index(drop=True)
    places = Slides(truth)
    pixels: list[pd.DataFrame] = []
    for item in items:
        tile, recipe = grid_of_item(item)
        edge = tile.size_px + recipe.halo_px
        layers = ground_layers(tile, edge, ground[0], look.geometry, ground[1])
        ids, rows, cols = places.pixels(tile, recipe)
        inside = (rows < tile.size_px) & (cols < tile.size_px)
        counts = _counts(files, str(item["id"]), edge, recipe)
        pixels.append(_at(layers, counts, ids[inside], rows[inside], cols[inside], _SLIDE))
        own = alarms[alarms["item"] == item["id"]]
        at = _window_pixels(own, recipe, edge)
        pixels.append(_at(layers, counts, *at, FP))
        progress(1)
    every = pd.concat(pixels, ignore_index=True)
    slide, alarm = every[every["kind"] == _SLIDE], every[every["kind"] == FP]
    observed, hit = slides["observed"].to_numpy(), slides["found"].to_numpy()
    slide = slide.assign(kind=np.where(hit[slide["id"]], TP, FN))[observed[slide["id"]]]
    cases = [_slide_cases(slide, slides), _alarm_cases(alarm, alarms)]
    kept = pd.concat([slide, alarm], ignore_index=True)
    return TrackAnalysis(
        orbit_state=str(items[0]["properties"]["sat:orbit_state"]),
        look=look.origin,
        cases=pd.concat(cases, ignore_index=True),
        pixels=kept[["kind", "slope", "aspect", "incidence"]],
        sensor_azimuth=_direction(kept["sensor"].to_numpy()),
    )


def _at(
    layers: GroundLayers, counts: Mapping[str, NDArray[np.uint16]], ids: Index, rows: Index,
    cols: Index, kind: str,
) -> pd.DataFrame:  # fmt: skip
    """A row per pixel: its landslide or alarm, and everything known of it."""
    aspect = layers.aspect[rows, cols].astype(np.float64)
    return pd.DataFrame({
        "id": ids,
        "kind": kind,
        "aspect": aspect,
        **{name: getattr(layers, name)[rows, cols].astype(np.float64) for name in _LAYERS},
        "cover": layers.cover[rows, cols],
        **{name: values[rows, cols].astype(np.float64) for name, values in counts.items()},
    })  # fmt: skip


def _window_pixels(alarms: gpd.GeoDataFrame, recipe: Recipe, edge: int) -> tuple[Index, Index, Index]:  # noqa: E501  # fmt: skip
    """Number of the alarm, row and column of some pixels of each window."""
    step = np.arange(_EVERY // 2, recipe.window_px, _EVERY)
    down, right = (part.ravel() for part in np.meshgrid(step, step, indexing="ij"))
    ids = np.repeat(alarms.index.to_numpy(dtype=np.int64), len(down))
    rows = (alarms["row"].to_numpy(dtype=np.int64)[:, None] + down).ravel()
    cols = (alarms["col"].to_numpy(dtype=np.int64)[:, None] + right).ravel()
    inside = (rows < edge) & (cols < edge)
    return ids[inside], rows[inside], cols[inside]


def _counts(files: Files, name: str, edge: int, recipe: Recipe) -> dict[str, NDArray[np.uint16]]:
    """Acquisitions before and after, on pixels: those of the window that starts at a pixel's
    stride.
    """
    values, _ = read_raster(files, name, "score-reasons")
    place = np.minimum(np.arange(edge) // recipe.stride_px, values.shape[1] - 1)
    return {n: values[band][np.ix_(place, place)] for n, band in (("n_pre", 1), ("n_post", 2))}


def _slide_cases(pixels: pd.DataFrame, slides: gpd.GeoDataFrame) -> pd.DataFrame:
    found = _means(pixels, len(slides))
    found["kind"] = np.where(slides["found"], TP, FN)
    found["area_m2"] = slides["area_m2"].to_numpy()
    found["visible_share"] = 1.0 - slides["hidden_share"].to_numpy()
    found["score"] = np.nan
    return pd.DataFrame(found[slides["observed"].to_numpy()])


def _alarm_cases(pixels: pd.DataFrame, alarms: gpd.GeoDataFrame) -> pd.DataFrame:
    found = _means(pixels, len(alarms))
    found["kind"] = FP
    found["area_m2"] = np.nan
    found["visible_share"] = np.nan
    found["score"] = alarms["score"].to_numpy(dtype=float)
    return found


def _means(pixels: pd.DataFrame, number: int) -> pd.DataFrame:
    """A row per case: means of its pixels, of directions the mean direction, the nearest river."""
    grouped = pixels.groupby("id")
    found = grouped[["slope", "incidence", "n_pre", "n_post"]].mean()
    found["river_m"] = grouped["river_m"].min()
    found["aspect"], sensor = _mean_direction(pixels, "aspect"), _mean_direction(pixels, "sensor")
    found["facing"] = np.abs((found["aspect"] - sensor + 180.0) % 360.0 - 180.0)
    known = pixels[pixels["cover"] > 0]
    most = known.groupby("id")["cover"].agg(lambda codes: codes.value_counts().index[0])
    found["cover"] = [cover_name(int(code)) for code in most.reindex(found.index).fillna(0)]
    found = found.reindex(np.arange(number))
    found["cover"] = found["cover"].fillna(cover_name(0))
    return found.reset_index(drop=True)


def _mean_direction(pixels: pd.DataFrame, name: str) -> pd.Series[float]:
    """Mean direction of each case's pixels, degrees; level ground has none."""
    turn = np.deg2rad(pixels[name].to_numpy())
    parts = pd.DataFrame({"id": pixels["id"], "east": np.sin(turn), "north": np.cos(turn)})
    means = parts.groupby("id").mean()
    degrees = np.rad2deg(np.arctan2(means["east"].to_numpy(), means["north"].to_numpy())) % 360.0
    return pd.Series(degrees, index=means.index)


def _direction(azimuths: NDArray[np.float64]) -> float:
    known = azimuths[np.isfinite(azimuths)]
    if not known.size:
        return float("nan")
    return float(np.rad2deg(np.angle(np.exp(1j * np.deg2rad(known)).mean())) % 360.0)
