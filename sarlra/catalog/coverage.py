"""How much of an area was seen: shares per item, per track, and of all tracks together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from shapely import Geometry

from sarlra.catalog.read import read_raster
from sarlra.catalog.sink import Sink
from sarlra.catalog.versions import Document
from sarlra.errors import CatalogError
from sarlra.events.event import Event
from sarlra.events.geometry import to_utm
from sarlra.terrain.codes import Visibility

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: What a pixel is to a track: the best of its tracks counts when they are put together.
_OUTSIDE, _NO_DATA, _DISTORTED, _UNKNOWN, _SEEN = range(5)
_LAST_DISTORTED = Visibility.PASSIVE_SHADOW


def shares_of(visibility: U8, data: Mask) -> dict[str, float | None]:
    """Shares of some pixels, which add up to 1; None where there is no pixel.

    ``observed_share``: with data and not in known layover or shadow; ``distorted_share``: with
    data, in layover or shadow; ``no_data_share``. ``visibility_unknown_share`` is the part of the
    observed pixels of which layover and shadow are not known.
    """
    return _shares(np.bincount(_states(visibility, data).ravel(), minlength=5))


def pixels_of(area: Geometry, epsg: int, transform: Affine, shape: tuple[int, int]) -> Mask:
    """The pixels of a grid whose centres lie in an area (EPSG:4326); all where none does."""
    outline = to_utm(area, epsg)
    inside: Mask = geometry_mask([outline], shape, transform, invert=True)
    return inside if inside.any() else np.ones(shape, dtype=bool)


def coverage(sink: Sink, event: Event, documents: Sequence[Document]) -> dict[str, Any]:
    """Shares of the event's area, by track and of all tracks together.

    Together, a pixel is observed where one track observed it at least.

    Parameters
    ----------
    documents
        Items, at most one per tile and track.

    Returns
    -------
    ``tracks``: the shares (as :func:`shares_of`) by track; ``together``: of all; ``pixels``: how
    many there are of the area, on the items' tiles.

    Raises
    ------
    CatalogError
        A visibility file is missing or cannot be read.
    """
    places: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        places[document["properties"]["sarlra:tile"]].append(document)
    tracks: dict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(5, dtype=np.int64))
    together = np.zeros(5, dtype=np.int64)
    for _, members in sorted(places.items()):
        tile = _Tile(members, event)
        best = np.zeros(tile.shape, dtype=np.uint8)
        for document in members:
            states = tile.read(sink, document)
            tracks[document["properties"]["sarlra:track"]] += _count(states, tile.wanted)
            best = np.maximum(best, states)
        together += _count(best, tile.wanted)
    return {
        "tracks": {name: _shares(counts) for name, counts in sorted(tracks.items())},
        "together": _shares(together),
        "pixels": int(together.sum()),
    }


class _Tile:
    """The common grid of the items of one tile, and which of its pixels are of the area."""

    def __init__(self, members: Sequence[Document], event: Event) -> None:
        described = [document["assets"]["visibility"] for document in members]
        boxes = np.array([asset["proj:bbox"] for asset in described], dtype=np.float64)
        self._r = float(described[0]["proj:transform"][0])
        self._left, self._top = float(boxes[:, 0].min()), float(boxes[:, 3].max())
        rows = round((self._top - float(boxes[:, 1].min())) / self._r)
        cols = round((float(boxes[:, 2].max()) - self._left) / self._r)
        self.shape = (rows, cols)
        transform = Affine(self._r, 0.0, self._left, 0.0, -self._r, self._top)
        epsg = int(str(described[0]["proj:code"]).removeprefix("EPSG:"))
        self.wanted = pixels_of(event.area, epsg, transform, self.shape)

    def read(self, sink: Sink, document: Document) -> U8:
        """What the pixels are to an item, on the tile's grid."""
        name = str(document["id"])
        (visibility, at), (data, also) = (
            read_raster(sink, name, key) for key in ("visibility", "data")
        )
        visibility, data = visibility[0], data[0]
        if visibility.shape != data.shape or at != also:
            raise CatalogError(f"item {name}: visibility and data are not of the same pixels")
        row, col = round((self._top - at.f) / self._r), round((at.c - self._left) / self._r)
        states = np.full(self.shape, _OUTSIDE, dtype=np.uint8)
        rows, cols = visibility.shape
        states[row : row + rows, col : col + cols] = _states(visibility, data > 0)
        return states


def _states(visibility: U8, data: Mask) -> U8:
    states = np.full(visibility.shape, _SEEN, dtype=np.uint8)
    states[visibility == Visibility.OUTSIDE] = _UNKNOWN
    states[(visibility > 0) & (visibility <= _LAST_DISTORTED)] = _DISTORTED
    states[~data] = _NO_DATA
    return states


def _count(states: U8, wanted: Mask) -> NDArray[np.int64]:
    return np.bincount(states[wanted], minlength=5).astype(np.int64)


def _shares(counts: NDArray[np.integer[Any]]) -> dict[str, float | None]:
    total = int(counts.sum())

    def share(*states: int) -> float | None:
        return round(sum(int(counts[s]) for s in states) / total, 6) if total else None

    return {
        "observed_share": share(_SEEN, _UNKNOWN),
        "distorted_share": share(_DISTORTED),
        "no_data_share": share(_NO_DATA, _OUTSIDE),
        "visibility_unknown_share": share(_UNKNOWN),
    }
