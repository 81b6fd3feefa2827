"""What kind of event a world is: its relief, cover, weather, landslides and disturbances.

A profile is data; :mod:`sarlra.simulation.events_table` holds those that ship. Shares lie between
0 and 1, angles are degrees, distances metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sarlra.simulation.parameters import Cover

Role = Literal["default", "train", "unseen", "check"]


@dataclass(frozen=True, slots=True)
class Relief:
    """``height`` scales the uplift; ``limit_deg`` is the threshold slope of the hillsides;
    ``drowned`` the share of the world under the sea.
    """

    height: float = 1.0
    limit_deg: float = 29.5
    drowned: float = 0.0


@dataclass(frozen=True, slots=True)
class Greenery:
    """``slopes`` covers the hillsides, ``second`` a share ``second_share`` of them in patches;
    above the quantile ``tree_line`` of the heights stands ``high``. ``farmed``: valley floors
    carry fields and villages, else ``second``.
    """

    slopes: Cover = Cover.FOREST
    second: Cover = Cover.GRASS
    second_share: float = 0.11
    tree_line: float = 0.88
    high: Cover = Cover.GRASS
    farmed: bool = True


@dataclass(frozen=True, slots=True)
class Weather:
    """``wet_chance`` is the chance that rain fell shortly before an acquisition, ``wet_mean`` the
    mean wetness index then (1: as in an ordinary winter rain of California). ``snow_line``: above
    this quantile of the heights wet snow lies in ``snow_chance`` of the acquisitions.
    """

    wet_chance: float = 0.35
    wet_mean: float = 0.8
    snow_line: float = 1.0
    snow_chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Landslides.

    ``per_km2`` is their mean density; ``rho``, ``a_m2``, ``s_m2`` give the inverse gamma
    distribution of areas (Malamud, Turcotte, Guzzetti & Reichenbach, Earth Surface Processes and
    Landforms 29 (2004), 687-711, equation 3; theirs are 1.40, 1280 m2 and -132 m2). Failure starts
    at ``slope_min`` and is most likely from ``slope_full``; slopes that face the azimuth ``aspect``
    are ``1 + aspect_gain`` times as likely to fail as those that face away. ``ratio`` is the median
    of length to width, ``deposit`` the range of the share of the length that the deposit takes,
    ``renewed`` the range of the share of the surface that is renewed, ``invisible`` the share of
    slides that leave the surface as it was; the larger ``clustering``, the more they crowd in weak
    rock and leave the rest alone.
    """

    per_km2: float = 1.3
    rho: float = 1.40
    a_m2: float = 5120.0
    s_m2: float = -132.0
    slope_min: float = 22.0
    slope_full: float = 34.0
    aspect: float = 180.0
    aspect_gain: float = 0.3
    ratio: float = 3.0
    deposit: tuple[float, float] = (0.3, 0.5)
    renewed: tuple[float, float] = (0.65, 1.0)
    invisible: float = 0.1
    clustering: float = 1.3


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Changes that are not landslides: share of ``fields`` worked, ``clearcuts`` and ``buildings``
    per km2, number of ``river_beds`` episodes, whether a ``flood`` follows, ``ships`` per
    acquisition on each 100 km2 of water.
    """

    fields: float = 0.4
    clearcuts: float = 0.12
    buildings: float = 0.05
    river_beds: int = 4
    flood: bool = True
    ships: float = 2.0


@dataclass(frozen=True, slots=True)
class Radar:
    """``far_cut``: share of the way from the world's centre to its corner that lies beyond the
    ascending swath; ``descending_incidence`` at the centre; ``polarisations`` in the archive;
    ``fringes``: the borders of scenes carry zeros and near zeros, as before March 2018.
    """

    far_cut: float = 0.14
    descending_incidence: float = 36.0
    polarisations: tuple[str, ...] = ("vv", "vh")
    fringes: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """An event to simulate.

    Parameters
    ----------
    name
        Lower case with hyphens.
    role
        ``train`` to learn from, ``unseen`` never shown to a model, ``check`` to compare with real
        series, ``default`` for worlds without a profile.
    number
        From 0, unique; seeds of the event's worlds derive from it.
    epsg, centre, origin
        Where and when; easting and northing of the middle of the first world.
    worlds
        (rows, columns) of worlds of 2048 px in the event, apart by a gap: each is made on its
        own, so that no event has to fit into memory.
    """

    name: str
    role: Role
    number: int
    epsg: int
    centre: tuple[float, float]
    origin: datetime
    worlds: tuple[int, int]
    relief: Relief = Relief()
    greenery: Greenery = Greenery()
    weather: Weather = Weather()
    failure: Failure = Failure()
    disturbance: Disturbance = Disturbance()
    radar: Radar = Radar()
