"""The lattices of scores of an event's items, put together per UTM zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine

from sarlra.catalog.read import Files, grid_of_item, read_scores
from sarlra.catalog.restore import Grid, grid_of
from sarlra.catalog.versions import Document
from sarlra.detection.fuse import TrackScores
from sarlra.errors import CatalogError
from sarlra.scenes.model import OrbitState


@dataclass(frozen=True, slots=True)
class ZoneLattices:
    """All windows of an event in one UTM zone.

    Parameters
    ----------
    epsg, resolution, stride_px, window_px, overlap
        The grid of windows.
    row0, col0
        Of the first window, in strides from (0, 0) of the zone, rows southwards.
    tracks
        Their scores, all of one shape, by track id.
    documents
        The items that the scores are of.
    """

    epsg: int
    resolution: float
    stride_px: int
    window_px: int
    overlap: float
    row0: int
    col0: int
    tracks: tuple[TrackScores, ...]
    documents: tuple[Document, ...]

    @property
    def step_m(self) -> float:
        """Between windows, in metres."""
        return self.stride_px * self.resolution

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of windows."""
        rows, cols = self.tracks[0].score.shape
        return rows, cols

    @property
    def transform(self) -> Affine:
        """Cell (column, row) to (x, y); a cell is as large as the stride, centred on its window."""
        margin = (self.window_px - self.stride_px) / 2 * self.resolution
        left = self.col0 * self.step_m + margin
        top = -self.row0 * self.step_m - margin
        return Affine(self.step_m, 0.0, left, 0.0, -self.step_m, top)


def zone_lattices(files: Files, documents: Sequence[Document]) -> tuple[ZoneLattices, ...]:
    """Read the lattices of items, at most one per tile and track; by EPSG code.

    Raises
    ------
    CatalogError
        A file is missing or cannot be read; or the items' windows are not of one grid.
    """
    zones: dict[int, list[Document]] = defaultdict(list)
    for document in sorted(documents, key=lambda d: str(d["id"])):
        zones[grid_of(document).epsg].append(document)
    return tuple(_zone(files, zones[epsg]) for epsg in sorted(zones))


def _zone(files: Files, documents: list[Document]) -> ZoneLattices:
    grids = [grid_of(document) for document in documents]
    first = grids[0]
    for grid, document in zip(grids, documents, strict=True):
        if (grid.resolution, grid.stride_px, grid.window_px) != (
            first.resolution, first.stride_px, first.window_px
        ):  # fmt: skip
            raise CatalogError(
                f"item {document['id']} has another grid of windows than {documents[0]['id']}",
                hint="give the items of one resolution",
            )
    places = [_place(document, grid) for document, grid in zip(documents, grids, strict=True)]
    lattices = [read_scores(files, str(document["id"])) for document in documents]
    row0, col0 = min(p[0] for p in places), min(p[1] for p in places)
    ends = [(p[0] + a.shape[0], p[1] + a.shape[1]) for p, a in zip(places, lattices, strict=True)]
    shape = (max(e[0] for e in ends) - row0, max(e[1] for e in ends) - col0)
    tracks: dict[str, TrackScores] = {}
    for grid, (row, col), lattice in zip(grids, places, lattices, strict=True):
        if grid.track not in tracks:
            empty = np.full(shape, np.nan, np.float32)
            tracks[grid.track] = TrackScores(grid.track, _state(grid), empty, grid.threshold)
        whole = tracks[grid.track].score
        part = whole[
            row - row0 : row - row0 + lattice.shape[0], col - col0 : col - col0 + lattice.shape[1]
        ]
        np.copyto(part, lattice, where=np.isfinite(lattice))
    ordered = tuple(tracks[name] for name in sorted(tracks))
    return ZoneLattices(
        first.epsg, first.resolution, first.stride_px, first.window_px, first.overlap,
        row0, col0, ordered, tuple(documents),
    )  # fmt: skip


def place_of(document: Document, zone: ZoneLattices) -> tuple[slice, slice]:
    """Rows and columns of a zone's lattice that are those of an item."""
    grid = grid_of(document)
    row, col = _place(document, grid)
    n = grid.tile_px // grid.stride_px
    row, col = row - zone.row0, col - zone.col0
    return slice(row, row + n), slice(col, col + n)


def _state(grid: Grid) -> OrbitState:
    return "ascending" if grid.orbit_state == "ascending" else "descending"


def _place(document: Document, grid: Grid) -> tuple[int, int]:
    """Row and column, in strides, of the first window of the document's tile."""
    tile, _ = grid_of_item(document)
    per_tile = grid.tile_px // grid.stride_px
    return -(tile.row + 1) * per_tile, tile.column * per_tile
