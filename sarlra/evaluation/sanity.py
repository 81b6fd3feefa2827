"""Whether contributions say what they should, on simulated events, where the truth is known.

Explained are landslide windows (over 5 % of the pixels slid) over the threshold, and the windows
in which nothing slid that score highest. Contributions ought to lie in the landslides; a network
with random weights ought not to show that (Adebayo et al. 2018); the change bands ought to carry
most of them, and river beds not to attract them (Nava et al. 2026, section 5). Nothing is set on
the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarlra.detection.change import clusters, denoised
from sarlra.errors import InputError
from sarlra.evaluation.contributions import STEPS, Contributions, Explainer, make_explainer
from sarlra.evaluation.intervals import bootstrap, share_of
from sarlra.evaluation.outline_scores import THRESHOLDS_DB, Overlap, large, overlap, smoothed_change
from sarlra.evaluation.pointing import auc_inside, points_inside, positive_share
from sarlra.evaluation.sanity_result import BedShare, Pointing, Sanity
from sarlra.models.background import read_background, spread_over_level
from sarlra.models.fill import fill_nodata
from sarlra.models.info import ModelInfo
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
#: Of the networks with random weights.
RANDOM_SEEDS = (1, 2, 3)
#: A window touches a river bed from this share of its pixels on.
BED_SHARE = 0.05
#: Of the background windows, those with the highest scores: false alarms alone are few.
HIGHEST = 0.05


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
        How many of each kind are explained, at most.
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
    scores = explainer.scores(held.values)
    over = scores > threshold
    found = over & (held.share > LANDSLIDE_SHARE) & held.slid.any(axis=(1, 2))
    slides = held.take(_some(found, windows))
    if not len(slides.share):
        raise InputError(f"{info.name} finds no landslide window in {worlds} worlds of {event}")
    nothing = held.share == 0
    touches = held.bed.mean(axis=(1, 2)) >= BED_SHARE
    alarms = held.take(_highest(scores, nothing, windows))
    beds = held.take(_highest(scores, nothing & touches, windows))
    highest = touches[_highest(scores, nothing, max(1, round(HIGHEST * int(nothing.sum()))))]
    true = _explain(explainer, slides.values, "landslide windows", show)
    false = _explain(explainer, alarms.values, "background", show)
    on_beds = _explain(explainer, beds.values, "river beds", show)
    shuffled = _explain_at_random(info, background, slides.values, show)
    sizes = np.abs(true.values).sum(axis=(0, 1, 2), dtype=np.float64)
    mean = true.mean_over_bands
    errors = np.abs(np.concatenate([true.residual, false.residual]))
    outlines, gain = _outlines(slides, mean, info.bands, recipe.resolution)
    return Sanity(
        model=info.name,
        event=event,
        worlds=worlds,
        background="stored with the model" if stored is not None else "windows without landslides",
        true=_points(mean, slides.slid),
        random=_points(shuffled, slides.slid),
        share_by_band=dict(zip(info.bands, (sizes / sizes.sum()).tolist(), strict=True)),
        positive_inside=float(np.mean([positive_share(m, s) for m, s in zip(mean, slides.slid, strict=True)])),  # noqa: E501
        additivity_median=float(np.median(errors)),
        additivity_largest=float(errors.max()),
        seconds=float(np.median(true.seconds)),
        false_alarms_on_beds=share_of(int((touches & over & nothing).sum()), int((over & nothing).sum())),  # noqa: E501
        background_on_beds=share_of(int((touches & nothing).sum()), int(nothing.sum())),
        highest_on_beds=share_of(int(highest.sum()), len(highest)),
        beds=_beds(false.mean_over_bands, alarms.bed),
        touching=_beds(on_beds.mean_over_bands, beds.bed),
        outlines=outlines,
        outline_gain=gain,
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


def _explain_at_random(info: ModelInfo, background: F32, windows: F32, show: Show) -> F32:
    """Mean over bands of the contributions to the log-odds of networks with random weights,
    (n, 64, 64); each window by one of :data:`RANDOM_SEEDS`.

    Log-odds, as such networks often answer 0 or 1 whatever they are given: contributions to that
    are 0 everywhere, and would prove nothing.
    """
    maps = np.zeros(windows.shape[:3], np.float32)
    done = 0
    for place, seed in enumerate(RANDOM_SEEDS):
        chosen = range(place, len(windows), len(RANDOM_SEEDS))
        explainer = make_explainer(info, background, randomised=seed) if chosen else None
        for number in chosen:
            show("random weights", done, len(windows))
            done += 1
            if explainer is not None:
                values = explainer.log_odds_contributions(windows[number], steps=2 * STEPS)
                maps[number] = values.mean(axis=-1)
    show("random weights", done, len(windows))
    return maps


def _points(maps: F32, slid: Mask) -> Pointing:
    hits = sum(points_inside(m, s) for m, s in zip(maps, slid, strict=True))
    return Pointing(
        auc=float(np.nanmedian([auc_inside(m, s) for m, s in zip(maps, slid, strict=True)])),
        hits=share_of(hits, len(maps)),
        chance=float(slid.mean()),
    )


def _outlines(
    slides: _Windows, mean: F32, bands: tuple[str, ...], resolution: float
) -> tuple[dict[str, Overlap], tuple[float, float, float]]:
    """Overlaps by way, and how much contributions add to the mean IoU of a window, with the
    interval of a bootstrap over windows.
    """
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
    first, second = (_ious(np.stack(masks), slides.slid) for masks in (alone, both))
    gain = second - first
    low, high = bootstrap(lambda rows: float(gain[rows].mean()), np.arange(len(gain)))
    return {
        "change": overlap(np.stack(alone), slides.slid, resolution),
        "change and contributions": overlap(np.stack(both), slides.slid, resolution),
        f"|change of VV| over {best:g} dB": found[best],
    }, (float(gain.mean()), low, high)


def _ious(masks: Mask, truths: Mask) -> NDArray[np.float64]:
    both, either = ((part).sum(axis=(1, 2)) for part in (masks & truths, masks | truths))
    return np.asarray(both / np.maximum(either, 1), dtype=np.float64)


def _highest(scores: F32, chosen: Mask, most: int) -> NDArray[np.int64]:
    """At most so many of the chosen ones, the highest scores first."""
    order = np.argsort(np.where(chosen, -scores, np.inf), kind="stable")
    return np.asarray(order[: min(most, int(chosen.sum()))], dtype=np.int64)


def _beds(maps: F32, beds: Mask) -> BedShare:
    """How much of what raises the scores of windows lies on river beds."""
    positive = np.array([positive_share(m, b) for m, b in zip(maps, beds, strict=True)])
    area = beds.mean(axis=(1, 2))
    known = np.isfinite(positive)
    positive, area = positive[known], area[known]
    if not len(positive):
        return BedShare(0, float("nan"), float("nan"), (float("nan"),) * 3)
    more = positive - area
    low, high = bootstrap(lambda rows: float(more[rows].mean()), np.arange(len(more)))
    return BedShare(
        len(more), float(positive.mean()), float(area.mean()), (float(more.mean()), low, high)
    )
