"""One map tile from the rasters of several items, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from morecantile import Tile as MapTile
from PIL import Image
from rio_tiler.constants import WEB_MERCATOR_TMS

from sarlra.catalog.looks import Look
from sarlra.serving.layers import box_of
from sarlra.serving.limits import MAX_MOSAIC, TILE_SIZE
from sarlra.serving.live import Reading
from sarlra.serving.looks import UNSEEN, is_hatched, paint
from sarlra.serving.raster import tile_pixels
from sarlra.serving.results import Entry


def touching(entries: Sequence[Entry], asset: str, z: int, x: int, y: int) -> list[Entry]:
    """Those whose raster's box meets the tile, at most as many as one tile may be made of."""
    west, south, east, north = WEB_MERCATOR_TMS.bounds(MapTile(x, y, z))
    found = []
    for entry in entries:
        left, bottom, right, top = box_of(entry, asset)
        across = left > right or (left < east and right > west)
        if across and bottom < north and top > south:
            found.append(entry)
    return found[:MAX_MOSAIC]


def draw_tile(
    reading: Reading, names: tuple[str, ...], asset: str, band: str, look: Look,
    z: int, x: int, y: int,
) -> bytes | None:  # fmt: skip
    """The tile as PNG, the first that has data at a pixel on top; None where none can be read."""
    results = reading.results
    values, valid = None, np.zeros((TILE_SIZE, TILE_SIZE), bool)
    for name in names:
        entry = results.items.get(name) or results.collections[name]
        found = tile_pixels(results, entry, asset, band, z, x, y)
        if found is None:
            continue
        values = found[0].copy() if values is None else values
        fresh = found[1] & ~valid
        if is_hatched(look):
            # What one track could not see, another may have seen.
            unseen = list(UNSEEN)
            fresh |= found[1] & np.isin(values, unseen) & ~np.isin(found[0], unseen)
        values[fresh] = found[0][fresh]
        valid |= found[1]
        if valid.all() and not is_hatched(look):
            break
    return None if values is None else to_png(paint(values, valid, look))


def to_png(image: np.ndarray) -> bytes:
    """An image of bands x rows x columns, uint8, as PNG."""
    stream = io.BytesIO()
    Image.fromarray(np.moveaxis(image, 0, 2)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
