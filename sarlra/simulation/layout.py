"""Where the simulated world lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS, Proj, Transformer

from sarlra.errors import InputError

RESOLUTION = 10.0
"""Edge of a pixel in metres."""
DEFAULT_EPSG = 32654
#: On the edge between two tiles of 40,960 m, halfway up their row.
DEFAULT_CENTRE = (13 * 40960.0, 115.5 * 40960.0)


@dataclass(frozen=True, slots=True)
class Layout:
    """The square of UTM pixels that the world fills.

    ``left``/``top`` in metres of ``epsg``; pixels of 10 m; row 0 is the northernmost.
    """

    epsg: int
    left: float
    top: float
    size_px: int

    @property
    def size(self) -> float:
        """Edge in metres."""
        return self.size_px * RESOLUTION

    @property
    def centre(self) -> tuple[float, float]:
        """(easting, northing) in metres."""
        return (self.left + self.size / 2, self.top - self.size / 2)

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) to (x, y), upper left corners."""
        return Affine(RESOLUTION, 0.0, self.left, 0.0, -RESOLUTION, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in metres."""
        return (self.left, self.top - self.size, self.left + self.size, self.top)

    def pixel_centres(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(x of columns, y of rows) in metres."""
        steps = (np.arange(self.size_px, dtype=np.float64) + 0.5) * RESOLUTION
        return self.left + steps, self.top - steps

    def to_lonlat(
        self, x: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Metres to (longitude, latitude) in degrees, WGS 84."""
        lon, lat = Transformer.from_crs(self.epsg, 4326, always_xy=True).transform(x, y)
        return np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)

    def from_lonlat(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(longitude, latitude) in degrees, WGS 84, to metres."""
        x, y = Transformer.from_crs(4326, self.epsg, always_xy=True).transform(lon, lat)
        return np.asarray(x, dtype=float), np.asarray(y, dtype=float)

    def convergence(self) -> float:
        """Degrees from true north to grid north at the centre, clockwise positive: an azimuth
        against true north is that against grid north plus this.
        """
        lon, lat = self.to_lonlat(*self.centre)
        factors = Proj(CRS.from_epsg(self.epsg)).get_factors(float(lon), float(lat))
        return float(factors.meridian_convergence)

    def inner_lonlat(self, margin: float = 0.0) -> tuple[float, float, float, float]:
        """The largest box of longitude and latitude within the world, less ``margin`` metres:
        (west, south, east, north).
        """
        left, bottom, right, top = self.bounds
        left, bottom, right, top = left + margin, bottom + margin, right - margin, top - margin
        lon, lat = self.to_lonlat([left, right, right, left], [top, top, bottom, bottom])
        west, east = max(lon[0], lon[3]), min(lon[1], lon[2])
        south, north = max(lat[2], lat[3]), min(lat[0], lat[1])
        return float(west), float(south), float(east), float(north)


def make_layout(size_px: int, epsg: int, centre: tuple[float, float]) -> Layout:
    """Place the world; its corners are snapped to multiples of 10 m.

    Raises
    ------
    InputError
        The size is not between 256 and 8192, the EPSG code is no UTM zone, or the centre lies
        outside the zone.
    """
    if not 256 <= size_px <= 8192:
        raise InputError(f"size_px {size_px} is not between 256 and 8192")
    if not (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760):
        raise InputError(
            f"EPSG:{epsg} is not a UTM zone", hint="give 32601 to 32660 or 32701 to 32760"
        )
    x, y = centre
    half = size_px * RESOLUTION / 2
    if not (166_000 + half <= x <= 834_000 - half and half <= y <= 10_000_000 - half):
        raise InputError(
            f"centre ({x}, {y}) lies outside the UTM zone of EPSG:{epsg}",
            hint="give easting and northing in metres",
        )
    left = round((x - half) / RESOLUTION) * RESOLUTION
    top = round((y + half) / RESOLUTION) * RESOLUTION
    layout = Layout(epsg, left, top, size_px)
    _, lat = layout.to_lonlat(*layout.centre)
    if abs(float(lat)) > 75:
        raise InputError(f"centre ({x}, {y}) lies at {float(lat):.1f} deg latitude, beyond 75")
    corners, _ = layout.to_lonlat([left, left + 2 * half] * 2, [top, top, y - half, y - half])
    if np.ptp(corners) > 180:
        raise InputError(f"a world around ({x}, {y}) would lie across the antimeridian")
    return layout
