"""Everything that is true on the ground, before and after the earthquake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarlra.simulation.confusers import Confusers, make_confusers
from sarlra.simulation.cover import LandCover, make_cover
from sarlra.simulation.events_table import DEFAULT
from sarlra.simulation.landslides import Landslides, make_landslides
from sarlra.simulation.layout import Layout
from sarlra.simulation.noise import F32, smooth_noise, stream
from sarlra.simulation.profile import Profile
from sarlra.simulation.terrain import Terrain, make_terrain


@dataclass(frozen=True, slots=True)
class Ground:
    """Parameters
    ----------
    seed
        From which all of it comes.
    profile
        What kind of event it is.
    layout, terrain, cover, landslides, confusers
        The parts.
    epicentre
        (easting, northing) in metres.
    texture, fresh
        Lasting texture of the old and of the renewed surface in VV and VH: zero mean, unit
        variance, float32, (2, rows, columns).
    """

    seed: int
    profile: Profile
    layout: Layout
    terrain: Terrain
    cover: LandCover
    landslides: Landslides
    confusers: Confusers
    epicentre: tuple[float, float]
    texture: F32
    fresh: F32


def make_ground(seed: int, layout: Layout, profile: Profile = DEFAULT) -> Ground:
    """Build the ground; the same for equal arguments, to the byte."""
    terrain = make_terrain(seed, layout.size_px, profile.relief)
    cover = make_cover(seed, terrain, profile.greenery)
    epicentre = _epicentre(seed, layout)
    landslides = make_landslides(seed, layout, terrain, cover, epicentre, profile.failure)
    confusers = make_confusers(seed, terrain, cover, landslides, profile.disturbance)
    texture = _texture(stream(seed, "texture"), terrain.elevation.shape)
    fresh = _texture(stream(seed, "fresh"), terrain.elevation.shape)
    return Ground(
        seed, profile, layout, terrain, cover, landslides, confusers, epicentre, texture, fresh
    )


def _epicentre(seed: int, layout: Layout) -> tuple[float, float]:
    rng = stream(seed, "epicentre")
    x, y = np.asarray(layout.centre) + rng.uniform(-0.2, 0.2, 2) * layout.size
    return float(round(x)), float(round(y))


def _texture(rng: np.random.Generator, shape: tuple[int, ...]) -> F32:
    """Stands, rock bands and hollows of 30 to 300 m; VV and VH see mostly the same."""
    size = (shape[0], shape[1])
    shared = 0.7 * smooth_noise(rng, size, 3.0) + 0.7 * smooth_noise(rng, size, 18.0)
    own = [smooth_noise(rng, size, 4.0) for _ in range(2)]
    return np.stack([0.8 * shared + 0.6 * o for o in own]).astype(np.float32)
