"""Verdicts on acquisitions, as an item carries them in ``sarlra:quality``, and read back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sarlra.composites.corrections import Correction
from sarlra.composites.quality import LARGEST_OFFSET_DB, Measures, Quality, Verdict
from sarlra.errors import CatalogError

FIELD = "sarlra:quality"
_VERDICTS: tuple[Verdict, ...] = ("accept", "correct", "reject")
#: No correction of this package moves an image further, in pixels of the target grid.
_FARTHEST_PX, _WIDEST_PX = 200.0, 64


def verdict_json(quality: Quality) -> dict[str, Any]:
    """A verdict with its reasons, its measures, and what was corrected."""
    measures, mended = quality.measures, quality.correction
    return {
        "id": quality.acquisition,
        "side": "post" if quality.post else "pre",
        "verdict": quality.verdict,
        "used": quality.kept,
        "reasons": list(quality.reasons),
        "correction": {
            "shift_px": list(mended.shift_px),
            "offset_db": dict(mended.offset_db),
            "fringe_px": mended.fringe,
        },
        "n_reference": measures.n_reference,
        "shift_px": None if measures.shift_px is None else list(measures.shift_px),
        "offset_db": {pol: round(db, 3) for pol, db in measures.offset_db},
        "valid_share": round(measures.valid_share, 4),
        "snow_share": round(measures.snow_share, 4),
        "flood_share": round(measures.flood_share, 4),
        "stripes": round(measures.stripes, 3),
        "fringe_share": round(measures.fringe_share, 4),
    }


def verdicts_in(document: Mapping[str, Any]) -> tuple[Quality, ...]:
    """The verdicts that an item carries; none where it has none, or none with corrections.

    Raises
    ------
    CatalogError
        They are no verdicts that this package writes.
    """
    listed = document["properties"].get(FIELD, [])
    try:
        if any("correction" not in entry for entry in listed):
            return ()  # of an earlier version
        return tuple(_verdict(entry) for entry in listed)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CatalogError(f"item {document.get('id')}: its {FIELD} cannot be used: {error}") from (
            error
        )


def _verdict(entry: Mapping[str, Any]) -> Quality:
    if entry["verdict"] not in _VERDICTS or entry["side"] not in ("pre", "post"):
        raise ValueError(f"{entry['verdict']!r:.40}, {entry['side']!r:.40}")
    mended, shift = entry["correction"], entry["shift_px"]
    rows, cols = (_within(value, _FARTHEST_PX) for value in mended["shift_px"])
    return Quality(
        str(entry["id"]),
        entry["side"] == "post",
        entry["verdict"],
        tuple(str(reason) for reason in entry["reasons"]),
        Measures(
            n_reference=int(entry["n_reference"]),
            shift_px=None if shift is None else (float(shift[0]), float(shift[1])),
            offset_db=_offsets(entry["offset_db"], math.inf),
            valid_share=float(entry["valid_share"]),
            snow_share=float(entry["snow_share"]),
            flood_share=float(entry["flood_share"]),
            stripes=float(entry["stripes"]),
            fringe_share=float(entry["fringe_share"]),
        ),
        Correction(
            (rows, cols),
            _offsets(mended["offset_db"], LARGEST_OFFSET_DB),
            int(_within(mended["fringe_px"], _WIDEST_PX)),
        ),
        kept=bool(entry["used"]),
    )


def _offsets(held: Mapping[str, Any], most: float) -> tuple[tuple[str, float], ...]:
    return tuple((str(pol), _within(db, most)) for pol, db in held.items())


def _within(value: Any, most: float) -> float:
    number = float(value)
    if not abs(number) <= most:
        raise ValueError(f"{number:g} is out of range")
    return number
