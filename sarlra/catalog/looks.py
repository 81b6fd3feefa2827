"""How bands are drawn: one table, from which colour tables, items, tiles and legends are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sarlra.terrain.codes import MEANINGS, Visibility

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0 to 255."""

CLEAR: Colour = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Look:
    """How a band is drawn: values from ``low`` to ``high`` over a colour map, or by classes.

    ``colours`` is a colour map of matplotlib's, in small letters. ``classes`` has the meaning and
    the colour of each value that has one; there the colour map does not count.
    """

    low: float
    high: float
    colours: str
    title: str = ""
    unit: str = ""
    classes: Mapping[int, tuple[str, Colour]] = field(default_factory=dict, hash=False)


_SHADES: Mapping[Visibility, Colour] = {
    Visibility.VISIBLE: CLEAR,
    Visibility.ACTIVE_LAYOVER: (102, 90, 140, 255),
    Visibility.PASSIVE_LAYOVER: (150, 140, 180, 255),
    Visibility.ACTIVE_SHADOW: (40, 40, 60, 255),
    Visibility.PASSIVE_SHADOW: (90, 90, 110, 255),
    Visibility.OUTSIDE: CLEAR,
}
#: Value of ``reason`` -> why a window has no score, and its colour.
REASONS: Mapping[int, tuple[str, Colour]] = {
    0: ("scored", CLEAR),
    1: ("no data", (120, 120, 120, 255)),
    2: ("layover or shadow", (102, 90, 140, 255)),
    3: ("outside the area of interest", (210, 210, 205, 255)),
    4: ("level ground (slope mask)", (190, 165, 110, 255)),
}
#: Contributions of single pixels; red raises the score.
_ADDED = (-0.003, 0.003, "rdbu_r")
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
    "contribution": Look(*_ADDED, "Contribution to the score, mean over bands"),
    **{
        f"contribution_{kind}_{pol}": Look(*_ADDED, f"Contribution of {kind}{pol.upper()}")
        for kind in ("post", "diff")
        for pol in ("vv", "vh")
    },
    "score": Look(0.0, 1.0, "magma", "Score of every window"),
    "reason": Look(0.0, 4.0, "viridis", "Why a window has no score", classes=REASONS),
    "visibility": Look(
        0.0, 255.0, "greys", "Where the radar could not see",
        classes={int(code): (text, _SHADES[code]) for code, text in MEANINGS.items()},
    ),
    "data": Look(
        0.0, 1.0, "greys_r", "Where there is data",
        classes={0: ("no data", (120, 120, 120, 255)), 1: ("data", CLEAR)},
    ),
    "better": Look(
        0.0, 3.0, "viridis", "Which direction sees the slope",
        classes={
            0: ("seen by both", CLEAR),
            1: ("by ascending only", (10, 108, 255, 255)),
            2: ("by descending only", (161, 0, 200, 255)),
            3: ("by neither", (40, 40, 60, 255)),
            255: ("outside", CLEAR),
        },
    ),
    "seen_by": Look(
        1.0, 3.0, "viridis", "Directions that saw a window",
        classes={
            1: ("ascending", (10, 108, 255, 255)),
            2: ("descending", (161, 0, 200, 255)),
            3: ("both", (60, 160, 90, 255)),
        },
    ),
    "hillshade": Look(0.0, 254.0, "greys_r", "Relief"),
    "n_pre": Look(0.0, 12.0, "viridis", "Acquisitions before the event"),
    "n_post": Look(0.0, 6.0, "viridis", "Acquisitions after the event"),
}  # fmt: skip


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


def colour_table(band: str) -> dict[int, Colour] | None:
    """The colours of a band of classes, by value; None of a band of measures."""
    look = LOOKS.get(band)
    return {c: colour for c, (_, colour) in look.classes.items()} if look and look.classes else None


def meanings(band: str) -> str:
    """The values of a band of classes with what they mean, in one line."""
    return "; ".join(f"{code} {text}" for code, (text, _) in LOOKS[band].classes.items())


def renders_of(assets: Mapping[str, Mapping[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """How the bands of the assets of a media type are drawn, as STAC's render extension tells it.

    One entry per band, by the band's name; the first asset that has it counts.
    """
    found: dict[str, dict[str, Any]] = {}
    for key, asset in assets.items():
        if asset.get("type") == kind:
            for name, render in _renders(key, asset.get("bands", ())):
                found.setdefault(name, render)
    return found


def _renders(key: str, bands: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, band in enumerate(bands, start=1):
        look = look_of(band)
        told: dict[str, Any] = {"title": look.title, "assets": [key], "bidx": [number]}
        if look.classes:
            told["colormap"] = {str(c): list(colour) for c, (_, colour) in look.classes.items()}
            told["resampling"] = "nearest"
        else:
            told |= {"rescale": [[look.low, look.high]], "colormap_name": look.colours}
        if "nodata" in band:
            told["nodata"] = band["nodata"]
        yield str(band["name"]), told
