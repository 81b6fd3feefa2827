"""How rasters are drawn: one table, from which tiles and the legends beside them are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rio_tiler.colormap import cmap

from sarlra.terrain.codes import MEANINGS


@dataclass(frozen=True, slots=True)
class Look:
    """How a band is drawn: values from ``low`` to ``high`` over a colour map, or hatched.

    ``hatched`` are the values that are hatched; nothing else of such a band is drawn.
    """

    low: float
    high: float
    colours: str
    title: str = ""
    unit: str = ""
    hatched: tuple[int, ...] = ()


#: Drawn value of pixels without data, beside the codes of visibility.
NO_DATA = 5
#: Values that are hatched. What is not known (255) is not: it may well have been seen.
UNSEEN: Mapping[int, str] = {
    **{int(code): text for code, text in MEANINGS.items() if 0 < int(code) < NO_DATA},
    NO_DATA: "no data",
}
_AFTER, _CHANGE = (-22.0, 0.0, "greys_r"), (-6.0, 6.0, "rdbu")
#: Band -> look; bands that are not here are drawn by their own statistics.
LOOKS: Mapping[str, Look] = {
    **{
        f"{when}_{pol}": Look(*_AFTER, f"{pol.upper()} {word} the event", "dB")
        for pol in ("vv", "vh")
        for when, word in (("pre", "before"), ("post", "after"))
    },
    **{
        f"diff_{pol}": Look(*_CHANGE, f"Change {pol.upper()}, after minus before", "dB")
        for pol in ("vv", "vh")
    },
    "score": Look(0.0, 1.0, "magma", "Score of every window"),
    "reason": Look(0.0, 3.0, "viridis", "Why a window has no score"),
    "visibility": Look(
        0.0, 255.0, "greys", "Where the radar could not see",
        hatched=tuple(sorted(UNSEEN)),
    ),
    "data": Look(0.0, 1.0, "greys_r", "Where there is data"),
    "hillshade": Look(0.0, 254.0, "greys_r", "Relief"),
    "n_pre": Look(0.0, 12.0, "viridis", "Acquisitions before the event"),
    "n_post": Look(0.0, 6.0, "viridis", "Acquisitions after the event"),
}  # fmt: skip
#: Between two lines of hatching, pixels; divides the edge of a tile, so that lines meet.
_PERIOD, _WIDTH = 16, 3
_INK = (0x66, 0x5A, 0x8C, 0xE0)


def look_of(band: Mapping[str, Any]) -> Look:
    """The look of a band as an item describes it: by its name, else by its statistics."""
    name = str(band.get("name", ""))
    found = LOOKS.get(name)
    if found is not None:
        return found
    numbers = band.get("statistics", {})
    low, high = (float(numbers.get(key, default)) for key, default in
                 (("minimum", 0.0), ("maximum", 1.0)))  # fmt: skip
    title = str(band.get("description") or name)[:120]
    return Look(low, high if high > low else low + 1.0, "viridis", title, str(band.get("unit", "")))


def rescaled(look: Look, low: float, high: float) -> Look:
    """The look between other values."""
    return replace(look, low=low, high=high)


def legend(look: Look) -> dict[str, Any]:
    """A look as a page draws it beside the map."""
    if look.hatched:
        return {"title": look.title, "hatched": [UNSEEN[c] for c in look.hatched]}
    stops = [_hex(look.colours, step / 8) for step in range(9)]
    return {
        "title": look.title, "unit": look.unit, "low": look.low, "high": look.high,
        "colours": stops,
    }  # fmt: skip


def paint(values: NDArray[Any], valid: NDArray[np.bool_], look: Look) -> NDArray[np.uint8]:
    """Values of a tile (rows, columns) as (4, rows, columns) uint8 red, green, blue, alpha."""
    if look.hatched:
        return _hatch(np.isin(values, look.hatched) & valid)
    share = (np.nan_to_num(values.astype(np.float32)) - look.low) / (look.high - look.low)
    index = np.rint(np.clip(share, 0.0, 1.0) * 255).astype(np.uint8)
    image = _table(look.colours)[index].copy()
    image[..., 3] = np.where(valid, image[..., 3], 0)
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
