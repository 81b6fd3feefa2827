"""The look of a track at every pixel of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod, Transformer

from sarlra.terrain.given import Geometry, Origin, raised
from sarlra.terrain.ground import GroundGrid

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_STEP = 64
_REACH_M = 1000.0
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class GridLook:
    """How a track looks at the pixels of a grid.

    ``incidence`` (rows, columns) float32, degrees against the ellipsoid's normal at the height of
    the ground; ``look_azimuth`` (rows, columns) float32, degrees from grid north, from the sensor
    to the ground.
    """

    incidence: F32
    look_azimuth: F32
    origin: Origin


def look_at(geometry: Geometry, grid: GroundGrid, heights: F32) -> GridLook:
    """Evaluate a geometry on a grid, every 64 pixels, and interpolate between.

    Over 640 m the incidence bends by less than 1e-5 deg, the azimuth by less than 1e-4 deg.

    Parameters
    ----------
    heights
        (rows, columns) float32, metres; voids (NaN) count as 0. Heights over the geoid do: 100 m
        change the incidence by 0.005 deg.
    """
    rows, cols = (np.arange(-1, -(-n // _STEP) + 2) * _STEP for n in grid.shape)
    r, left, top = grid.resolution, grid.transform.c, grid.transform.f
    x, y = np.meshgrid(left + (cols + 0.5) * r, top - (rows + 0.5) * r)
    lon, lat = (np.asarray(a) for a in _transformer(grid.crs, 4326).transform(x, y))
    look = geometry.at(lon, lat)
    turn = np.exp(1j * np.deg2rad(_grid_azimuth(grid.crs, x, y, lon, lat, look.look_azimuth)))
    at_sea = _fill(look.incidence, grid.shape)
    at_top = _fill(raised(look, np.full(look.incidence.shape, 1000.0)), grid.shape)
    share = np.nan_to_num(heights, nan=0.0) * np.float32(1e-3)
    azimuth = np.arctan2(_fill(turn.imag, grid.shape), _fill(turn.real, grid.shape))
    return GridLook(
        incidence=at_sea + share * (at_top - at_sea),
        look_azimuth=np.rad2deg(azimuth) % np.float32(360.0),
        origin=geometry.origin,
    )


def _grid_azimuth(crs: str, x: F64, y: F64, lon: F64, lat: F64, azimuth: F64) -> F64:
    """Azimuths against true north as seen on the map: by a step of a kilometre each."""
    ahead_lon, ahead_lat, _ = _GEOD.fwd(lon, lat, azimuth, np.full(lon.shape, _REACH_M))
    ahead_x, ahead_y = _transformer(4326, crs).transform(ahead_lon, ahead_lat)
    return np.asarray(np.rad2deg(np.arctan2(np.asarray(ahead_x) - x, np.asarray(ahead_y) - y)))


def _fill(coarse: F64, shape: tuple[int, int]) -> F32:
    """Bilinear, from every 64th pixel (the first at -64) to all; float32."""
    values = coarse.astype(np.float64)
    row, col = (np.arange(n) / _STEP + 1.0 for n in shape)
    along = _rows(values, row)
    return _rows(np.ascontiguousarray(along.T), col).T.astype(np.float32)


def _rows(values: F64, places: F64) -> F64:
    index = places.astype(np.int64)
    part = (places - index)[:, None]
    return np.asarray(values[index] * (1.0 - part) + values[index + 1] * part)


def _transformer(source: str | int, target: str | int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
