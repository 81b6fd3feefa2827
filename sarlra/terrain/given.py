"""The look of a track at places, and the simplest geometry: one that was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from sarlra.errors import TerrainError
from sarlra.terrain.sphere import ground_range, slant_range

F64 = npt.NDArray[np.float64]
Origin = Literal["annotation", "footprint", "given"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a track looks at places: arrays of one shape, float64.

    ``incidence`` in degrees and ``slant_range`` in metres on the ellipsoid (height 0),
    ``look_azimuth`` in degrees from true north.
    """

    incidence: F64
    look_azimuth: F64
    slant_range: F64


class Geometry(Protocol):
    """Where the look of a track comes from."""

    @property
    def origin(self) -> Origin:
        """Kind of origin."""
        ...

    def at(self, longitude: F64, latitude: F64) -> Look:
        """The look at places in degrees, WGS 84."""
        ...


def raised(look: Look, height: npt.ArrayLike) -> F64:
    """The incidence in degrees at places that lie ``height`` metres over the ellipsoid."""
    gain = np.sin(np.deg2rad(look.incidence)) / look.slant_range
    return np.asarray(look.incidence + np.rad2deg(gain * np.asarray(height)))


@dataclass(frozen=True, slots=True)
class GivenGeometry:
    """One incidence and heading (degrees) everywhere.

    Raises
    ------
    TerrainError
        The incidence is not between 5 and 80, or the heading is no number.
    """

    incidence: float
    heading: float

    def __post_init__(self) -> None:
        if not 5.0 <= self.incidence <= 80.0:
            raise TerrainError(
                f"incidence {self.incidence} is not between 5 and 80 degrees",
                hint="Sentinel-1 IW has 29 to 46",
            )
        if not -360.0 <= self.heading <= 360.0:
            raise TerrainError(
                f"heading {self.heading} is not between -360 and 360 degrees",
                hint="about 347 for ascending and 193 for descending passes at middle latitudes",
            )

    @property
    def origin(self) -> Origin:
        """Kind of origin."""
        return "given"

    def at(self, longitude: F64, latitude: F64) -> Look:
        """See :meth:`Geometry.at`."""
        same = np.ones(np.broadcast_shapes(longitude.shape, latitude.shape))
        reach = float(slant_range(ground_range(self.incidence)))
        return Look(same * self.incidence, same * ((self.heading + 90.0) % 360.0), same * reach)
