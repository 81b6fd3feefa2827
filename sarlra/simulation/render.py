"""One acquisition of one track: the world as a gamma0 image with speckle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarlra.simulation.backscatter import Backdrop, apply_confusers, make_backdrop, tables
from sarlra.simulation.episodes import Episode, blow, draw_episode, enter_ships
from sarlra.simulation.geometry import View
from sarlra.simulation.ground import Ground
from sarlra.simulation.noise import F32, U8, stream
from sarlra.simulation.parameters import LEAST_DB, NOISE_FLOOR_DB, NOISE_LEFT, Cover
from sarlra.simulation.speckle import normal_field, to_gamma


@dataclass(frozen=True, slots=True)
class Moment:
    """When an acquisition is made.

    Parameters
    ----------
    day
        Days from the origin time; at or after 0 the landslides are there.
    day_of_year
        1..366, for the season.
    number
        Tells acquisitions apart (>= 0): weather, calibration and speckle depend on it.
    """

    day: float
    day_of_year: float
    number: int


def render(ground: Ground, view: View, moment: Moment, *, backdrop: Backdrop | None = None) -> F32:
    """Image the ground.

    Parameters
    ----------
    ground, view, moment
        What, from where and when. Weather and speckle depend on the ground's seed, the direction
        and ``moment.number`` only.
    backdrop
        Of the same ground and view; made here where absent (give it when rendering several
        acquisitions).

    Returns
    -------
    gamma0 in linear power, float32, (polarisations, rows, columns), VV before VH,
    positive everywhere; pixels outside ``view.seen`` carry values too and have to be masked.
    """
    still = make_backdrop(ground, view) if backdrop is None else backdrop
    orbit = view.swath.orbit_state
    episode = draw_episode(ground, stream(ground.seed, f"weather-{orbit}", moment.number))
    images = []
    for pol in range(len(ground.profile.radar.polarisations)):
        image, classes = _surface(ground, view, still, moment, pol)
        _weather(image, classes, pol, episode, moment.day_of_year)
        image += still.artefact[pol] + np.float32(episode.calibration[pol])
        grain = stream(ground.seed, f"speckle-{orbit}", moment.number, pol)
        power = np.exp(image * np.float32(np.log(10) / 10))
        enter_ships(power, episode.ships, pol, grain)
        power = _detect(ground, view, still, power, classes, grain, pol)
        images.append(power)
    return np.stack(images)


def _detect(
    ground: Ground,
    view: View,
    still: Backdrop,
    power: F32,
    classes: U8,
    rng: np.random.Generator,
    pol: int,
) -> F32:
    """Noise, speckle, noise removal. A part of the speckle is that of all acquisitions, unless the
    surface is another one.
    """
    size = (power.shape[0], power.shape[1])
    field = normal_field(rng, size, stretched=view.local_incidence < 22.0)
    same = np.where(classes == ground.cover.classes, tables().coherence[classes], np.float32(0))
    field *= np.sqrt(1 - same)
    field += np.sqrt(same) * still.grain[pol]
    noise = np.float32(10 ** (NOISE_FLOOR_DB / 10))
    power += noise
    power *= to_gamma(field)
    _degrade(power, view, rng)
    power -= np.float32(1.0 - NOISE_LEFT) * noise
    return np.maximum(power, np.float32(10 ** (LEAST_DB / 10)))


def _surface(
    ground: Ground, view: View, still: Backdrop, moment: Moment, pol: int
) -> tuple[F32, U8]:
    """DB and classes of the surface on that day."""
    image = still.before[pol].copy()
    classes = ground.cover.classes.copy()
    apply_confusers(ground, view, still, pol, moment.day, image, classes)
    if moment.day >= 0:
        image.reshape(-1)[still.slid] = still.after[pol]
        zone = ground.landslides.zone.ravel()[still.slid]
        bare = np.where(zone == 2, int(Cover.DEPOSIT), int(Cover.SCAR)).astype(np.uint8)
        number = ground.landslides.label.ravel()[still.slid] - 1
        shown = ground.landslides.visible[number]
        classes.reshape(-1)[still.slid[shown]] = bare[shown]
    return image, classes


def _weather(image: F32, classes: U8, pol: int, episode: Episode, day_of_year: float) -> None:
    """Moisture, season, snow, wind and the daily change of canopies, in place."""
    t = tables()
    phase = np.sin(2 * np.pi * (day_of_year - 110.0) / 365.25)
    image += t.moisture[pol][classes] * episode.wet
    image += (t.season[pol] * np.float32(phase))[classes]
    image += episode.lively
    if episode.snow is not None:
        image += episode.snow
    blow(image, classes, episode.wind[pol], episode.lively)


def _degrade(power: F32, view: View, rng: np.random.Generator) -> None:
    """Layover and shadow: few looks, and radiometry that terrain correction blew up, in place."""
    poor = np.flatnonzero(view.layover | view.shadow)
    power.reshape(-1)[poor] *= rng.gamma(1.5, 1 / 1.5, poor.size).astype(np.float32)
