"""What differs from one acquisition to the next: rain, wind on the water, wet snow, ships.

Wet snow absorbs: backscatter falls by 3 dB and more (T. Nagler and H. Rott, IEEE Transactions on
Geoscience and Remote Sensing 38 (2000), 754-765, map it with that threshold).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarlra.simulation.ground import Ground
from sarlra.simulation.noise import F32, Mask, smooth_noise
from sarlra.simulation.parameters import CALIBRATION_DB, DRY_SPREAD, SEA_WIND_DB, Cover

_WATERS = (Cover.SEA, Cover.WATER, Cover.FLOOD)
_LESS_WIND = 0.35
"""Share of the wind's effect on the open sea that rivers and floods feel (chosen)."""

_GUSTS = np.float32(2.5)
"""How much more uneven the sea is than the land (set so that its spread is the measured one)."""


@dataclass(frozen=True, slots=True)
class Episode:
    """The state of one acquisition; images float32, (rows, columns).

    Parameters
    ----------
    wet
        Wetness index.
    lively
        dB by which canopies and soils differ in patches.
    wind
        dB on the open sea in VV and VH.
    snow
        dB of wet snow, 0 and below, and None where there is none.
    ships
        (row, column) of ships, int64, (ships, 2).
    calibration
        dB in VV and VH.
    """

    wet: F32
    lively: F32
    wind: tuple[float, float]
    snow: F32 | None
    ships: np.ndarray
    calibration: tuple[float, float]


def draw_episode(ground: Ground, rng: np.random.Generator) -> Episode:
    """Draw the state of an acquisition from the profile of the ground."""
    shape = ground.terrain.elevation.shape
    weather = ground.profile.weather
    rain = rng.exponential(weather.wet_mean) if rng.random() < weather.wet_chance else 0.0
    level = min(rain, 4.0) + rng.normal(0.0, DRY_SPREAD)
    # Showers and soils differ from place to place, the more the wetter it is.
    size = (int(shape[0]), int(shape[1]))
    wet = level + (0.1 + 0.15 * min(rain, 4.0)) * smooth_noise(rng, size, 200.0)
    lively = 0.2 * smooth_noise(rng, size, 9.0)
    wind = tuple(float(v) for v in rng.normal() * np.array(SEA_WIND_DB))
    calibration = tuple(float(v) for v in rng.normal(0.0, CALIBRATION_DB, 2))
    return Episode(
        wet.astype(np.float32),
        lively,
        (wind[0], wind[1]),
        _snow(ground, rng),
        _ships(ground, rng),
        (calibration[0], calibration[1]),
    )


def _snow(ground: Ground, rng: np.random.Generator) -> F32 | None:
    weather = ground.profile.weather
    if rng.random() >= weather.snow_chance:
        return None
    height = ground.terrain.elevation
    line = np.quantile(height[::8, ::8], weather.snow_line) + rng.normal(0.0, 60.0)
    size = (int(height.shape[0]), int(height.shape[1]))
    # It starts over some 100 m of height and is blotched.
    cover = np.clip((height - line) / 100.0 + 0.5 * smooth_noise(rng, size, 20.0), 0.0, 1.0)
    depth = rng.uniform(2.0, 5.0)
    return np.asarray(-depth * cover, dtype=np.float32)


def _ships(ground: Ground, rng: np.random.Generator) -> np.ndarray:
    sea = np.flatnonzero(ground.terrain.sea)
    if not sea.size:
        return np.empty((0, 2), dtype=np.int64)
    count = rng.poisson(ground.profile.disturbance.ships * sea.size * 1e-6)
    drawn = sea[rng.integers(0, sea.size, count)]
    return np.stack(np.divmod(drawn, ground.terrain.sea.shape[1]), axis=1)


def enter_ships(power: F32, ships: np.ndarray, pol: int, rng: np.random.Generator) -> None:
    """Add a bright target of a few pixels (linear power) per ship, in place."""
    rows, cols = power.shape
    for row, col in ships:
        reach = int(rng.integers(1, 4))
        window = (slice(row, min(row + 2, rows)), slice(col, min(col + reach, cols)))
        power[window] += np.float32(10 ** rng.uniform(0.2, 1.4) * (1.0 if pol == 0 else 0.15))


def waters(classes: np.ndarray) -> tuple[Mask, Mask]:
    """Open sea, and other water."""
    sea = classes == Cover.SEA
    return sea, np.isin(classes, _WATERS) & ~sea


def blow(image: F32, classes: np.ndarray, wind: float, lively: F32) -> None:
    """Enter the wind and its gusts into ``image`` (dB), in place."""
    sea, inland = waters(classes)
    image[sea] += np.float32(wind) + _GUSTS * lively[sea]
    image[inland] += np.float32(_LESS_WIND * wind)
