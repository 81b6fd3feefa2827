"""Whether contributions say what they should, on simulated events, where the truth is known.

Windows over the threshold are explained: landslide windows (over 5 % of the pixels slid), and
false alarms (no pixel did). Contributions ought to lie in the landslides; a network with random
weights ought not to show that (Adebayo et al. 2018); the change bands ought to carry most of them,
and river beds not to attract them (Nava et al. 2026, section 5). Nothing is set on the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.detection.outlines import clusters, denoised
from sarlra.errors import InputError
from sarlra.evaluation.contributions import Contributions, Explainer, make_explainer
from sarlra.evaluation.intervals import Share, share_of
from sarlra.evaluation.outline_scores import (
    THRESHOLDS_DB,
    Overlap,
    large,
    overlap,
    smoothed_change,
)
from sarlra.evaluation.pointing import auc_inside, points_inside, positive_share
from sarlra.models.background import read_background, spread_over_level
from sarlra.models.fill import fill_nodata
from sarlra.models.registry import ModelInfo
from sarlra.recipe import Recipe, make_recipe
from sarlra.samples.labels import LANDSLIDE_SHARE
from sarlra.samples.rendered import rendered_world
from sarlra.simulation.events_table import DEFAULT

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Show = Callable[[str, int, int], None]

#: Seeds of the worlds start here: none was learned from.
FIRST_SEED = 80_001
#: Windows of each kind that are explained: a minute of one core each thirty.
WINDOWS = 32
#: A window touches a river bed from this share of its pixels on.
BED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Pointing:
    """Whether maps point at the landslides of windows.

    ``auc``: median over the windows of the chance that a pixel inside has a higher value than one
    outside; ``hits``: windows whose highest place lies inside; ``chance``: mean share of the
    windows that slid, what a map of nothing would hit.
    """

    auc: float
    hits: Share
    chance: float


@dataclass(frozen=True, slots=True)
class Sanity:
    """What was found.

    Parameters
    ----------
    true, random
        Of the model, and of the same network with random weights.
    share_by_band
        Of the sum of absolute contributions of landslide windows.
    positive_inside
        Share of what raises the score that lies in landslides; beside ``chance``.
    additivity_median, additivity_largest
        How far contributions miss score minus base.
    seconds
        Of a window, median.
    false_alarms_on_beds, background_on_beds
        Windows that touch a river bed, of the false alarms and of all background windows.
    positive_on_beds, bed_share
        Of false alarms: share of what raises the score that lies on river beds, and their share of
        the pixels.
    outlines
        Against the landslides of the windows: by change alone, by change and contributions, and
        by a plain threshold (the best one).
    """

    model: str
    event: str
    worlds: int
    background: str
    true: Pointing
    random: Pointing
    share_by_band: dict[str, float]
    positive_inside: float
    additivity_median: float
    additivity_largest: float
    seconds: float
    false_alarms_on_beds: Share
    background_on_beds: Share
    positive_on_beds: float
    bed_share: float
    outlines: dict[str, Overlap]

    @property
    def change_share(self) -> float:
        """The share of the change bands."""
        return sum(v for name, v in self.share_by_band.items() if name.startswith("diff_"))

    def findings(self) -> tuple[str, ...]:
        """What can be said, in sentences."""
        points = self.true.auc > 0.5 and self.true.hits.low is not None
        points = points and (self.true.hits.low or 0) > self.true.chance
        destroyed = (self.random.hits.low or 0) <= self.random.chance or self.random.auc < 0.55
        most = self.change_share > 0.5
        beds = (self.false_alarms_on_beds.low or 0) > (self.background_on_beds.high or 1)
        return (
            f"contributions {'lie' if points else 'do not lie'} in the landslides: AUC "
            f"{self.true.auc:.2f}, highest place inside in {_of(self.true.hits)}, by chance "
            f"{self.true.chance:.0%}",
            f"random weights {'destroy' if destroyed else 'do not destroy'} that: AUC "
            f"{self.random.auc:.2f}, {_of(self.random.hits)}",
            f"the change bands carry {self.change_share:.0%} of all contributions: "
            f"{'most, as' if most else 'not most, other than'} the paper found",
            f"false alarms {'gather' if beds else 'do not gather'} on river beds: "
            f"{_of(self.false_alarms_on_beds)} touch one, of the background "
            f"{_of(self.background_on_beds)}; {_percent(self.positive_on_beds)} of what raises "
            f"their scores lies on beds, which are {_percent(self.bed_share)} of their pixels",
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "model": self.model,
            "event": self.event,
            "worlds": self.worlds,
            "background": self.background,
            "true_weights": _pointing(self.true),
            "random_weights": _pointing(self.random),
            "share_by_band": self.share_by_band,
            "change_share": self.change_share,
            "positive_inside": self.positive_inside,
            "additivity_error": {
                "median": self.additivity_median,
                "largest": self.additivity_largest,
            },
            "seconds_per_window": self.seconds,
            "river_beds": {
                "false_alarms": _share(self.false_alarms_on_beds),
                "background": _share(self.background_on_beds),
                "positive_share": self.positive_on_beds,
                "pixel_share": self.bed_share,
            },
            "outlines": {name: one.as_json() for name, one in self.outlines.items()},
            "findings": list(self.findings()),
        }


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of worlds: values filled and raw, share that slid, and masks."""

    values: F32
    raw: F32
    share: NDArray[np.float64]
    slid: Mask
    bed: Mask

    def take(self, chosen: NDArray[np.int64]) -> _Windows:
        return _Windows(
            self.values[chosen], self.raw[chosen], self.share[chosen], self.slid[chosen],
            self.bed[chosen],
        )  # fmt: skip


def check_contributions(
    info: ModelInfo,
    threshold: float,
    worlds: int,
    *,
    event: str = DEFAULT.name,
    size_px: int = 2048,
    windows: int = WINDOWS,
    show: Show = lambda *_: None,
) -> Sanity:
    """Check a model's contributions on simulated worlds of an event.

    Parameters
    ----------
    threshold
        Over which a window is a detection.
    worlds, size_px
        How many, and their edge in pixels.
    windows
        How many landslide windows and how many false alarms are explained, at most.
    show
        Progress: stage, done, total.

    Raises
    ------
    InputError
        No landslide window of the worlds is over the threshold.
    """
    recipe = make_recipe(polarisations=tuple(info.combination.split("_")))
    held = _render(info, event, worlds, size_px, recipe, show)
    quiet = held.values[held.share == 0]
    stored = read_background(info)
    background = spread_over_level(quiet) if stored is None else stored
    explainer = make_explainer(info, background)
    over = explainer.scores(held.values) > threshold
    slides = held.take(
        _some(over & (held.share > LANDSLIDE_SHARE) & held.slid.any((1, 2)), windows)
    )
    alarms = held.take(_some(over & (held.share == 0), windows))
    if not len(slides.share):
        raise InputError(f"{info.name} finds no landslide window in {worlds} worlds of {event}")
    true = _explain(explainer, slides.values, "landslide windows", show)
    false = _explain(explainer, alarms.values, "false alarms", show)
    random = make_explainer(info, background, randomised=1)
    shuffled = _explain(random, slides.values, "random weights", show)
    sizes = np.abs(true.values).sum(axis=(0, 1, 2), dtype=np.float64)
    mean, alarm_mean = true.mean_over_bands, false.mean_over_bands
    errors = np.abs(np.concatenate([true.residual, false.residual]))
    nothing = held.share == 0
    touches = held.bed.mean(axis=(1, 2)) >= BED_SHARE
    return Sanity(
        model=info.name,
        event=event,
        worlds=worlds,
        background="stored with the model" if stored is not None else "windows without landslides",
        true=_points(mean, slides.slid),
        random=_points(shuffled.mean_over_bands, slides.slid),
        share_by_band=dict(zip(info.bands, (sizes / sizes.sum()).tolist(), strict=True)),
        positive_inside=float(np.mean([positive_share(m, s) for m, s in zip(mean, slides.slid, strict=True)])),  # noqa: E501
        additivity_median=float(np.median(errors)),
        additivity_largest=float(errors.max()),
        seconds=float(np.median(true.seconds)),
        false_alarms_on_beds=share_of(int((touches & over & nothing).sum()), int((over & nothing).sum())),  # noqa: E501
        background_on_beds=share_of(int((touches & nothing).sum()), int(nothing.sum())),
        positive_on_beds=_mean([positive_share(m, b) for m, b in zip(alarm_mean, alarms.bed, strict=True)]),  # noqa: E501
        bed_share=_mean(alarms.bed.mean(axis=(1, 2)).tolist()),
        outlines=_outlines(slides, mean, info.bands, recipe.resolution),
    )  # fmt: skip


def _render(
    info: ModelInfo, event: str, worlds: int, size_px: int, recipe: Recipe, show: Show
) -> _Windows:
    buffers = (recipe.pre_days, recipe.post_days)
    parts: list[_Windows] = []
    for number in range(worlds):
        show("worlds", number, worlds)
        tracks = rendered_world(event, FIRST_SEED + number, recipe, [buffers], size_px=size_px)
        for track in tracks:
            if track.orbit_state in info.orbit_states:
                raw = track.windows[buffers]
                filled = fill_nodata(raw.copy(), recipe.bands)
                parts.append(_Windows(filled, raw, track.share, track.slid, track.river_bed))
    show("worlds", worlds, worlds)
    return _Windows(
        *(np.concatenate([getattr(part, name) for part in parts])
          for name in ("values", "raw", "share", "slid", "bed"))
    )  # fmt: skip


def _some(chosen: Mask, most: int) -> NDArray[np.int64]:
    """At most so many of the chosen ones, evenly."""
    places = np.flatnonzero(chosen)
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).round().astype(np.int64)]


def _explain(explainer: Explainer, windows: F32, stage: str, show: Show) -> Contributions:
    """Window by window, to show how far it is."""
    parts = []
    for number in range(len(windows)):
        show(stage, number, len(windows))
        parts.append(explainer.explain(windows[number : number + 1]))
    show(stage, len(windows), len(windows))
    if not parts:
        return explainer.explain(windows)
    return Contributions(
        values=np.concatenate([part.values for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        base=explainer.base,
        gradients=np.concatenate([part.gradients for part in parts]),
        seconds=np.concatenate([part.seconds for part in parts]),
    )


def _points(maps: F32, slid: Mask) -> Pointing:
    hits = sum(points_inside(m, s) for m, s in zip(maps, slid, strict=True))
    return Pointing(
        auc=float(np.nanmedian([auc_inside(m, s) for m, s in zip(maps, slid, strict=True)])),
        hits=share_of(hits, len(maps)),
        chance=float(slid.mean()),
    )


def _outlines(
    slides: _Windows, mean: F32, bands: tuple[str, ...], resolution: float
) -> dict[str, Overlap]:
    changes = [number for number, name in enumerate(bands) if name.startswith("diff_")]
    plain, alone, both = [], [], []
    for raw, contribution in zip(slides.raw, mean, strict=True):
        change = denoised(np.moveaxis(raw[..., changes], -1, 0))
        valid = np.isfinite(raw).all(axis=-1)
        alone.append(clusters(change, valid) > 0)
        both.append(clusters(change, valid, contribution) > 0)
        plain.append(smoothed_change(raw[..., bands.index("diff_vv")]))
    found = {
        t: overlap(np.stack([large(level > t) for level in plain]), slides.slid, resolution)
        for t in THRESHOLDS_DB
    }
    best = max(found, key=lambda t: found[t].iou)
    return {
        "change": overlap(np.stack(alone), slides.slid, resolution),
        "change and contributions": overlap(np.stack(both), slides.slid, resolution),
        f"|change of VV| over {best:g} dB": found[best],
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _of(share: Share) -> str:
    if share.share is None:
        return "none"
    return f"{share.share:.0%} [{share.low:.0%}, {share.high:.0%}] of {share.of}"


def _percent(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "nothing"


def _share(share: Share) -> dict[str, Any]:
    interval = None if share.low is None else [share.low, share.high]
    return {"found": share.found, "of": share.of, "share": share.share, "interval": interval}


def _pointing(one: Pointing) -> dict[str, Any]:
    return {"auc": one.auc, "highest_inside": _share(one.hits), "chance": one.chance}
