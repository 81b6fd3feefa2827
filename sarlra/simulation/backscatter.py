"""Gamma0 of the ground as a track sees it, before speckle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from sarlra.simulation.geometry import View
from sarlra.simulation.ground import Ground
from sarlra.simulation.noise import F32, I32, U8, smooth_noise, stream
from sarlra.simulation.parameters import REFERENCE_INCIDENCE, SURFACES, Cover
from sarlra.simulation.speckle import normal_field

POLARISATIONS = ("vv", "vh")
_LOWEST_DB = -45.0


@dataclass(frozen=True, slots=True)
class Tables:
    """The numbers of :data:`SURFACES` as arrays, float32: (2, classes) in VV and VH, texture
    and coherence (classes,).
    """

    level: F32
    trend: F32
    moisture: F32
    season: F32
    texture: F32
    coherence: F32


@cache
def tables() -> Tables:
    """See :class:`Tables`."""
    rows = [SURFACES[c] for c in Cover]

    def pair(name: str) -> F32:
        values = [[getattr(r, f"{name}{p}") for r in rows] for p in ("vv", "vh")]
        return np.array(values, dtype=np.float32)

    texture = np.array([r.texture for r in rows], dtype=np.float32)
    still = np.array([r.coherence for r in rows], dtype=np.float32)
    return Tables(pair(""), pair("trend_"), pair("moisture_"), pair("season_"), texture, still)


def level_db(pol: int, classes: npt.NDArray[np.integer], incidence: F32, texture: F32) -> F32:
    """gamma0 in dB of surfaces at local incidences in degrees, before weather; float32.

    All arrays have one shape. The trend is linear in the incidence between 5 and 80 degrees.
    """
    t = tables()
    tilt = np.clip(incidence, 5.0, 80.0) - np.float32(REFERENCE_INCIDENCE)
    level = t.level[pol][classes] + t.trend[pol][classes] * tilt
    return np.asarray(level + t.texture[classes] * texture, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What stays the same in all acquisitions of a track.

    Parameters
    ----------
    before
        gamma0 in dB of the undisturbed ground, float32, (2, rows, columns).
    artefact
        dB that terrain correction leaves on slopes towards the sensor, float32, (2, rows,
        columns).
    contrast
        Share of a change of the surface that reaches the image: 1 on flat ground, 0 where
        foreshortening folds the slope into a few range cells; float32, (rows, columns).
    slid
        Flat indices of landslide pixels, and ``after`` their gamma0 in dB once they have slid,
        float32, (2, pixels).
    grain
        Normal scores of the speckle that lasts, float32, (2, rows, columns).
    """

    before: F32
    artefact: F32
    contrast: F32
    slid: npt.NDArray[np.int64]
    after: F32
    grain: F32


def make_backdrop(ground: Ground, view: View) -> Backdrop:
    """Compute what a track sees of the ground at rest, and of its landslides."""
    incidence = view.local_incidence
    classes = ground.cover.classes
    before = np.stack([level_db(p, classes, incidence, ground.texture[p]) for p in range(2)])
    rng = stream(ground.seed, f"artefact-{view.swath.orbit_state}")
    shape = (classes.shape[0], classes.shape[1])
    steep = np.clip((30.0 - incidence) / 30.0, 0.0, 1.0)
    noise = smooth_noise(rng, shape, 3.0)
    # Over-corrected where the DEM is smoother than the slope; layover sums several slopes.
    tilt = np.clip(40.0 - incidence, -30.0, 30.0)
    artefact = (0.03 * tilt + 1.0 * steep + 1.5 * steep * noise).astype(np.float32)
    artefact[view.layover] += 2.5 + 1.5 * noise[view.layover]
    contrast = np.clip((incidence - 6.0) / 20.0, 0.0, 1.0).astype(np.float32)
    contrast[view.layover | view.shadow] = 0.0
    before[:, view.shadow] = _LOWEST_DB
    slid, after = _after(ground, incidence, before, contrast)
    after += _edges(ground, view, slid) * contrast.ravel()[slid]
    folded = incidence < 22.0
    grain = np.stack([normal_field(rng, shape, stretched=folded) for _ in range(2)])
    return Backdrop(before, np.stack([artefact, artefact]), contrast, slid, after, grain)


def _edges(ground: Ground, view: View, slid: npt.NDArray[np.int64]) -> F32:
    """DB at the edges of slides in forest: the standing trees throw their shadow over the near
    side, and the wall of trees on the far side returns directly (chosen: -2.5 and 2 dB).
    """
    slides = ground.landslides
    standing = (slides.label == 0) & (ground.cover.classes == Cover.FOREST)
    look = np.deg2rad(view.swath.look_azimuth)
    away = np.rint([-1.5 * np.cos(look), 1.5 * np.sin(look)]).astype(int)
    rows, cols = np.divmod(slid, standing.shape[1])
    # Slides end two pixels before the world does, so that all these neighbours exist.
    near = standing[rows - away[0], cols - away[1]]
    far = standing[rows + away[0], cols + away[1]]
    shown = slides.visible[slides.label.ravel()[slid] - 1]
    return np.where(shown, 2.0 * far - 2.5 * near, 0.0).astype(np.float32)


def _after(
    ground: Ground, incidence: F32, before: F32, contrast: F32
) -> tuple[npt.NDArray[np.int64], F32]:
    """The renewed surface mixes in power with what is left of the old one."""
    slides = ground.landslides
    slid = np.flatnonzero(slides.label)
    zone = slides.zone.ravel()[slid]
    classes = np.where(zone == 2, int(Cover.DEPOSIT), int(Cover.SCAR)).astype(np.uint8)
    share = slides.strength[slides.label.ravel()[slid] - 1] * contrast.ravel()[slid]
    after = []
    for p in range(2):
        fresh = ground.fresh[p].ravel()[slid]
        new = level_db(p, classes, incidence.ravel()[slid], fresh)
        old = before[p].ravel()[slid]
        mixed = (1 - share) * 10 ** (old / 10) + share * 10 ** (new / 10)
        after.append(10 * np.log10(mixed))
    return slid, np.stack(after).astype(np.float32)


def apply_confusers(
    ground: Ground, view: View, backdrop: Backdrop, pol: int, day: float, image: F32, classes: U8
) -> None:
    """Enter the changes that hold on ``day`` into ``image`` (dB) and ``classes``, in place."""
    changes = ground.confusers
    active = changes.active(day)
    where = np.flatnonzero(active[changes.label])
    number: I32 = changes.label.ravel()[where] - 1
    target = changes.target[number]
    swap = target >= 0
    flat, kinds = image.reshape(-1), classes.reshape(-1)
    spots = where[swap]
    kinds[spots] = target[swap].astype(np.uint8)
    contrast = backdrop.contrast.ravel()
    new = level_db(
        pol, kinds[spots], view.local_incidence.ravel()[spots], ground.fresh[pol].ravel()[spots]
    )
    flat[spots] += contrast[spots] * (new - flat[spots])
    flat[where] += contrast[where] * changes.shift[number, pol]
