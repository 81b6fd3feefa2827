"""The product of an event: directions fused, density of detections, and the change heat map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray

from sarlra.catalog.cog import Band
from sarlra.catalog.fused import fused_table
from sarlra.catalog.lattices import ZoneLattices, zone_lattices
from sarlra.catalog.rasters import Raster
from sarlra.catalog.read import read_raster
from sarlra.catalog.sink import Sink
from sarlra.catalog.versions import Document
from sarlra.detection.density import density
from sarlra.detection.fuse import Fused, fuse
from sarlra.detection.heat import LEAST_SLOPE_DEG, change_of, heat, limit_of, share_changed
from sarlra.errors import SarlraError
from sarlra.terrain.choice import DemSource
from sarlra.terrain.dem import read_dem
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.slopes import gradients, slope_aspect

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Product:
    """What an event's items say together.

    Parameters
    ----------
    table
        EPSG:4326; the windows that a direction alone or both together detect, suppressed, by score
        from the highest; ``confirmed`` where the fused score says so, too. ``seen_by`` and
        ``detected_by`` name directions (``ascending``, ``descending``, ``both``, and ``together``
        where only the fused score detects). ``x`` and ``y`` are the window's upper left corner.
    density, heat
        Per UTM zone; float32, one cell per window.
    scores
        Per UTM zone: fused score, and which directions saw (as float: 0 to 3).
    notes
        What is missing.
    """

    table: gpd.GeoDataFrame
    density: tuple[Raster, ...]
    heat: tuple[Raster, ...]
    scores: tuple[Raster, ...]
    notes: tuple[str, ...]

    @property
    def numbers(self) -> dict[str, int]:
        """Windows detected, and by whom they were seen."""
        table = self.table
        return {
            "detections": int(table["confirmed"].sum()),
            "candidates": len(table),
            **{f"seen_by_{name}": int((table["confirmed"] & (table["seen_by"] == name)).sum())
               for name in ("ascending", "descending", "both")},
        }  # fmt: skip


def make_product(sink: Sink, documents: Sequence[Document], dem: DemSource | None) -> Product:
    """Fuse the items of an event.

    Parameters
    ----------
    documents
        Items, at most one per tile and track.
    dem
        Heights for the slope mask of the heat map; without, no slope is masked, and a note says so.

    Raises
    ------
    CatalogError
        A file of an item is missing or cannot be read.
    """
    tables, dense, hot, scores = [], [], [], []
    notes: dict[str, None] = {}
    for zone in zone_lattices(sink, documents):
        fused = fuse(zone.tracks)
        table = fused_table(zone, fused)
        tables.append(table)
        dense.append(_density(zone, fused, table))
        raster, said = _heat(sink, zone, dem)
        hot.append(raster)
        notes |= dict.fromkeys(said)
        scores.append(_scores(zone, fused))
    whole = pd.concat(tables, ignore_index=True).sort_values(
        ["score", "epsg", "y", "x"], ascending=[False, True, False, True], kind="stable"
    )
    frame = gpd.GeoDataFrame(whole.reset_index(drop=True), geometry="geometry", crs=4326)
    return Product(frame, tuple(dense), tuple(hot), tuple(scores), tuple(notes))


def _density(zone: ZoneLattices, fused: Fused, table: gpd.GeoDataFrame) -> Raster:
    found = np.zeros(zone.shape, dtype=bool)
    kept = table[table["confirmed"]]
    rows = np.rint(-kept["y"].to_numpy() / zone.step_m).astype(int) - zone.row0
    cols = np.rint(kept["x"].to_numpy() / zone.step_m).astype(int) - zone.col0
    found[rows, cols] = True
    values = density(found, np.isfinite(fused.score), zone.step_m)
    band = Band("density", "Detections per square kilometre of what was observed", "km-2")
    return Raster(values[np.newaxis], zone.transform, zone.epsg, (band,))


def _scores(zone: ZoneLattices, fused: Fused) -> Raster:
    seen = np.where(fused.seen_by > 0, fused.seen_by, np.nan).astype(np.float32)
    bands = (
        Band("score", "Fused score of a window; over 0.5 is a detection"),
        Band("seen_by", "1 ascending, 2 descending, 3 both"),
    )
    return Raster(np.stack([fused.score, seen]), zone.transform, zone.epsg, bands)


def _heat(sink: Sink, zone: ZoneLattices, dem: DemSource | None) -> tuple[Raster, list[str]]:
    """The change heat map on the cells of the lattice, over all tracks of the zone."""
    changed, known = np.zeros(zone.shape, np.float32), np.zeros(zone.shape, np.float32)
    notes: list[str] = []
    for track in zone.tracks:
        ours = [d for d in zone.documents if d["properties"]["sarlra:track"] == track.track]
        limit = limit_of(change for change, _ in _changes(sink, zone, ours, dem, notes))
        for change, (row, col) in _changes(sink, zone, ours, dem, notes):
            top, all_ = share_changed(change, limit, zone.stride_px)
            place = (slice(row, row + top.shape[0]), slice(col, col + top.shape[1]))
            changed[place] += top
            known[place] += all_
    band = Band("changed", "Share of pixels on slopes with the largest 1 % of change, smoothed")
    # Cells of change start at the window's corner, not around its middle.
    transform = Affine(
        zone.step_m, 0.0, zone.col0 * zone.step_m, 0.0, -zone.step_m, -zone.row0 * zone.step_m
    )
    return Raster(heat(changed, known)[np.newaxis], transform, zone.epsg, (band,)), notes


def _changes(
    sink: Sink,
    zone: ZoneLattices,
    documents: Sequence[Document],
    dem: DemSource | None,
    notes: list[str],
) -> Iterator[tuple[F32, tuple[int, int]]]:
    """Each item's change on slopes, padded to whole cells, and its first cell on the lattice."""
    for document in documents:
        bands, transform = read_raster(sink, str(document["id"]), "change")
        change = change_of(bands)
        change[~_steep(change.shape, transform, zone.epsg, dem, notes)] = np.nan
        left = round(transform.c / zone.resolution)
        top = round(-transform.f / zone.resolution)
        col, over_left = divmod(left - zone.col0 * zone.stride_px, zone.stride_px)
        row, over_top = divmod(top - zone.row0 * zone.stride_px, zone.stride_px)
        low = -(over_top + change.shape[0]) % zone.stride_px
        right = -(over_left + change.shape[1]) % zone.stride_px
        padded = np.pad(change, ((over_top, low), (over_left, right)), constant_values=np.nan)
        rows = min(padded.shape[0], (zone.shape[0] - row) * zone.stride_px)
        cols = min(padded.shape[1], (zone.shape[1] - col) * zone.stride_px)
        yield padded[:rows, :cols], (row, col)


def _steep(
    shape: tuple[int, ...], transform: Affine, epsg: int, dem: DemSource | None, notes: list[str]
) -> NDArray[np.bool_]:
    """Slopes that can slide; all of the ground where heights are not known."""
    rows, cols = shape
    if dem is None:
        notes.append("the change heat map has no slope mask: no DEM was given")
        return np.ones((rows, cols), dtype=bool)
    grid = GroundGrid(f"EPSG:{epsg}", transform, (rows, cols))
    try:
        heights = read_dem(dem, grid)
    except SarlraError as error:
        notes.append(f"the change heat map has no slope mask: {error.message}")
        return np.ones((rows, cols), dtype=bool)
    slope, _ = slope_aspect(*gradients(heights, grid.resolution))
    return np.asarray(slope >= LEAST_SLOPE_DEG)
