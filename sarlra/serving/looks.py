"""Drawing rasters by their looks: tiles, and the legends beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rio_tiler.colormap import cmap

from sarlra.catalog.looks import LOOKS, Look
from sarlra.terrain.codes import MEANINGS

#: Drawn value of pixels without data, beside the codes of visibility.
NO_DATA = 5
#: Values that are hatched. What is not known (255) is not: it may well have been seen.
UNSEEN: Mapping[int, str] = {
    **{int(code): text for code, text in MEANINGS.items() if 0 < int(code) < NO_DATA},
    NO_DATA: "no data",
}
#: Between two lines of hatching, pixels; divides the edge of a tile, so that lines meet.
_PERIOD, _WIDTH = 16, 3
_INK = (0x66, 0x5A, 0x8C, 0xE0)


def is_hatched(look: Look) -> bool:
    """Whether of a band only what was not seen is drawn, hatched: one can see what lies below."""
    return look is LOOKS["visibility"]


def rescaled(look: Look, low: float, high: float) -> Look:
    """The look between other values."""
    return replace(look, low=low, high=high)


def legend(look: Look) -> dict[str, Any]:
    """A look as a page draws it beside the map."""
    if is_hatched(look):
        return {"title": look.title, "hatched": list(UNSEEN.values())}
    if look.classes:
        return {
            "title": look.title,
            "classes": [
                {"label": text, "colour": "#{:02x}{:02x}{:02x}".format(*colour)}
                for text, colour in look.classes.values()
                if colour[3]
            ],
        }
    stops = [_hex(look.colours, step / 8) for step in range(9)]
    return {
        "title": look.title, "unit": look.unit, "low": look.low, "high": look.high,
        "colours": stops,
    }  # fmt: skip


def paint(values: NDArray[Any], valid: NDArray[np.bool_], look: Look) -> NDArray[np.uint8]:
    """Values of a tile (rows, columns) as (4, rows, columns) uint8 red, green, blue, alpha."""
    if is_hatched(look):
        return _hatch(np.isin(values, list(UNSEEN)) & valid)
    if look.classes:
        return _classes(values, valid, look)
    share = (np.nan_to_num(values.astype(np.float32)) - look.low) / (look.high - look.low)
    index = np.rint(np.clip(share, 0.0, 1.0) * 255).astype(np.uint8)
    image = _table(look.colours)[index].copy()
    image[..., 3] = np.where(valid, image[..., 3], 0)
    return np.ascontiguousarray(np.moveaxis(image, 2, 0))


def _classes(values: NDArray[Any], valid: NDArray[np.bool_], look: Look) -> NDArray[np.uint8]:
    image = np.zeros((*values.shape, 4), np.uint8)
    for code, (_, colour) in look.classes.items():
        image[(values == code) & valid] = colour
    return np.ascontiguousarray(np.moveaxis(image, 2, 0))


def _hatch(where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    rows, columns = np.indices(where.shape)
    line = (rows + columns) % _PERIOD < _WIDTH
    image = np.zeros((4, *where.shape), np.uint8)
    image[:3] = np.asarray(_INK[:3], np.uint8)[:, None, None]
    # A faint ground, so that small patches between two lines are seen too.
    image[3] = np.where(where, np.where(line, _INK[3], 0x38), 0)
    return image


@cache
def _table(colours: str) -> NDArray[np.uint8]:
    named = cmap.get(colours)
    return np.asarray([named[step] for step in range(256)], dtype=np.uint8)


def _hex(colours: str, share: float) -> str:
    red, green, blue, _ = _table(colours)[round(share * 255)]
    return f"#{red:02x}{green:02x}{blue:02x}"
