"""From what a result was made, by which choices, and what it means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from sarlra import __version__
from sarlra.catalog.verdicts import FIELD, verdict_json
from sarlra.composites.quality import Quality
from sarlra.errors import CatalogError
from sarlra.events.event import Event
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Track

if TYPE_CHECKING:
    from sarlra.models.domain import Inside
    from sarlra.models.info import ModelInfo

SCORE_MEANING = (
    "The model's raw output for a window, from 0 to 1: how much its radar change resembles the "
    "landslides that the model was trained on. Scores rank windows; they are no probabilities and "
    "no shares of area, and are not to be compared between models. A high score can also come from "
    "other change (fields, floods, snow, felling); a window without a score was not observed, "
    "which is not the same as no landslide. Where nothing happened, over_threshold_share in "
    "sarlra:statistics is the rate of false alarms."
)

PROBABILITY_MEANING = (
    "The share of landslide windows (over 5 % of the pixels) among windows of such a score in the "
    "data that sarlra:calibration names, at that data's share of landslides. Where landslides are "
    "rarer, or the place is unlike that data (sarlra:in_domain), it is too high."
)

#: Of the change, by the number of images after the event.
_NOISE = {
    1: "high: one image after the event; later passes lower it",
    2: "lower: a median of several images after the event",
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """From what and by what choices a job's result was made.

    ``inputs_href`` (the frozen search result) and ``composite_href`` (the Zarr group) are relative
    to the sink's root, or absolute. ``composite_sums`` are those of the bands that the tile has in
    that group (:func:`sarlra.composites.store.write_region`). ``job_id`` names all inputs and
    choices: an item with the same one need not be made again. ``radiometry`` is that of the post
    bands, ``geometry`` and ``dem`` are where the visibility comes from (``unknown`` and None where
    it is not known), ``notes`` what else is to be said, ``evidence`` the main evidence in one line.
    ``inside`` is how much of the scene lies in what the model has seen; None where that is not
    known. ``quality`` has the verdicts on all acquisitions, those left out among them.
    """

    recipe: Recipe
    threshold: float
    model: ModelInfo
    source: str
    job_id: str
    version: str
    inputs_href: str
    composite_href: str
    composite_sums: Mapping[str, str] = field(default_factory=dict)
    radiometry: str = "gamma0"
    geometry: str = "unknown"
    dem: str | None = None
    notes: tuple[str, ...] = ()
    evidence: str | None = None
    inside: Inside | None = None
    quality: tuple[Quality, ...] = ()


def processing_fields(track: Track, provenance: Provenance) -> dict[str, Any]:
    """``processing:*`` and ``version``."""
    recipe, model = provenance.recipe, provenance.model
    return {
        "processing:level": "L4",
        "processing:lineage": (
            f"Median in dB of {len(track.pre)} acquisitions before and {len(track.post)} after the "
            f"event on a {recipe.resolution:g} m UTM grid; windows of {recipe.window_px} px every "
            f"{recipe.stride_px} px scored by {model.name}; scores over {provenance.threshold:g} "
            f"kept, the highest first, dropping windows that overlap a kept one by more than "
            f"{recipe.overlap:g} (IoU)."
        ),
        "processing:software": _software(),
        "version": provenance.version,
    }


def _software() -> dict[str, str]:
    found = {"sarlra": __version__, "gdal": rasterio.__gdal_version__}
    for name in ("keras", "tensorflow", "tensorflow-cpu"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def own_fields(event: Event, track: Track, provenance: Provenance) -> dict[str, Any]:
    """``sarlra:*``, without those of the place and the numbers."""
    recipe, model = provenance.recipe, provenance.model
    about = {
        f"sarlra:model_{name}": plain(model.card[name], model.name)
        for name in ("description", "limits", "licence")
        if model.card.get(name)
    }
    calibration = model.card.get("calibration")
    if calibration is not None:
        about["sarlra:calibration"] = plain(calibration, model.name)
        about["sarlra:probability_meaning"] = PROBABILITY_MEANING
    return {
        "sarlra:job_id": provenance.job_id,
        "sarlra:event": event.id,
        "sarlra:origins": [utc_text(origin) for origin in event.origins],
        "sarlra:source": provenance.source,
        "sarlra:recipe": recipe.model_dump(mode="json"),
        "sarlra:recipe_hash": recipe.hash(),
        "sarlra:threshold": float(provenance.threshold),
        "sarlra:model": model.name,
        "sarlra:model_sha256": model.sha256,
        "sarlra:model_architecture": model.architecture,
        **about,
        "sarlra:radiometry": provenance.radiometry,
        "sarlra:geometry": provenance.geometry,
        "sarlra:dem": provenance.dem,
        "sarlra:notes": list(provenance.notes),
        **({} if provenance.evidence is None else {"sarlra:evidence": provenance.evidence}),
        "sarlra:n_pre": len(track.pre),
        "sarlra:n_post": len(track.post),
        "sarlra:noise": _NOISE[min(len(track.post), 2)],
        "sarlra:acquisitions_pre": [_acquisition(a) for a in track.pre],
        "sarlra:acquisitions_post": [_acquisition(a) for a in track.post],
        **({FIELD: [verdict_json(q) for q in provenance.quality]} if provenance.quality else {}),
        "sarlra:score_meaning": SCORE_MEANING,
        "sarlra:in_domain": _domain(provenance.inside),
    }  # fmt: skip


def _domain(inside: Inside | None) -> dict[str, Any] | None:
    if inside is None:
        return None
    shares = {name: None if s is None else round(s, 4) for name, s in asdict(inside).items()}
    return {"inside": inside.all, **shares}


def _acquisition(acquisition: Acquisition) -> dict[str, Any]:
    return {
        "id": acquisition.id,
        "datetime": utc_text(acquisition.datetime),
        "platform": acquisition.platform,
        "slices": [part.item_id for part in acquisition.slices],
    }


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, such as ``2018-09-05T18:07:58Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: Any, subject: str) -> Any:
    """A value as JSON holds it: NumPy's scalars and arrays become numbers and lists, NaN null.

    Raises
    ------
    CatalogError
        There is something in it that JSON cannot hold.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(part, subject) for key, part in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), subject)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part, subject) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    raise CatalogError(f"{subject}: {value!r} ({type(value).__name__}) cannot be written as JSON")
