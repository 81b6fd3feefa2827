"""An inventory without the ground that a track could not see.

Source: Nava et al. 2026, section 3.2: the landslide class is sampled from an inventory filtered by
the distortion masks of the direction of flight, as a slope in layover or shadow shows no landslide.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio.features import shapes as raster_shapes
from rasterio.windows import Window
from shapely import Geometry
from shapely.geometry import shape as to_shape

from sarlra.errors import InputError, TerrainError
from sarlra.inventories.inventory import Inventory
from sarlra.terrain.codes import Visibility

#: Column of the share of a polygon that stays.
SHARE = "visible_share"
#: Column of the share of a polygon of which the mask does not know whether it is seen.
UNKNOWN = "unknown_share"

_DISTORTED = tuple(v for v in Visibility if v not in (Visibility.VISIBLE, Visibility.OUTSIDE))
#: Shares nearer to none or all than this are none or all.
_SLIVER = 1e-6
_VALUES = tuple(int(v) for v in Visibility)


def subtract_visibility(inventory: Inventory, mask: Path | str) -> Inventory:
    """Subtract a track's layover and shadow from an inventory.

    Parameters
    ----------
    inventory
        Not changed.
    mask
        GeoTIFF, one band of uint8 in any CRS, the codes of
        :class:`sarlra.terrain.codes.Visibility`.

    Returns
    -------
    Inventory
        EPSG:4326, in the same order; polygons in distortion are cut along the mask's pixels or,
        where nothing stays, left out. Two new columns: ``visible_share``, float64 in (0, 1], the
        share of the polygon's area that stays, and ``unknown_share``, the share of it that is
        outside the mask or has the code 255: ground of which nothing is known stays.

    Raises
    ------
    TerrainError
        The mask cannot be read, or is no layer of visibility.
    InputError
        No polygon meets the mask, or nothing stays.
    """
    try:
        with rasterio.open(mask) as raster:
            _check(raster, mask)
            return _subtract(inventory, raster, str(mask))
    except rasterio.errors.RasterioError as error:
        raise TerrainError(f"visibility {mask} cannot be read: {error}") from error


def _check(raster: rasterio.DatasetReader, mask: Path | str) -> None:
    hint = "make it with sarlra terrain, which writes visibility.tif"
    if raster.count != 1 or raster.dtypes[0] != "uint8":
        raise TerrainError(
            f"{mask} has {raster.count} bands of {raster.dtypes[0]}, not one of uint8", hint=hint
        )
    if raster.crs is None:
        raise TerrainError(f"{mask} states no coordinate reference system", hint=hint)


def _subtract(inventory: Inventory, raster: rasterio.DatasetReader, name: str) -> Inventory:
    own = inventory.landslides
    moved = np.asarray(own.geometry.to_crs(raster.crs))
    if not shapely.intersects(shapely.box(*raster.bounds), moved).any():
        raise InputError(
            f"no landslide of {inventory.source} lies on the visibility layer {name}",
            hint="give the layer of a track over this area",
        )
    rest = np.asarray(own.geometry).copy()
    stays = np.ones(len(own))
    unknown = np.zeros(len(own))
    cut = np.zeros(len(own), dtype=bool)
    for index in _northwest_first(moved):
        hidden, unsure = _zones(moved[index], raster, name)
        whole = shapely.area(moved[index])
        if not shapely.is_empty(hidden):
            left = shapely.difference(moved[index], hidden)
            stays[index] = _rounded(shapely.area(left) / whole)
            cut[index] = stays[index] < 1
            rest[index] = left if cut[index] else rest[index]
        unsure = shapely.intersection(moved[index], unsure)
        unknown[index] = _rounded(shapely.area(unsure) / whole)
    gone = stays <= 0
    if gone.all():
        raise InputError(
            f"nothing is left of {inventory.source}: every landslide lies in layover or shadow "
            f"of {name}",
            hint="use a track of the other direction",
        )
    back = gpd.GeoSeries(rest[cut], crs=raster.crs).to_crs(4326)
    rest[cut] = np.asarray(back)
    cleaned = own.assign(**{SHARE: stays, UNKNOWN: unknown})
    cleaned = cleaned.set_geometry(gpd.GeoSeries(rest, index=own.index, crs=own.crs))
    notes = (
        *inventory.notes,
        f"{int(gone.sum())} of {len(own)} landslides lie wholly in layover or shadow and are left "
        f"out, {int((cut & ~gone).sum())} in part",
    )
    if (unknown > 0).any():
        notes += (f"of {int((unknown > 0).sum())} landslides the mask does not know everything",)
    return Inventory(
        cleaned[~gone].reset_index(drop=True),
        inventory.mapped,
        inventory.unmapped,
        notes,
        inventory.source,
    )


def _rounded(share: float) -> float:
    """A share without the slivers that moving vertices between two CRS makes."""
    nearest = round(share)
    return float(nearest) if abs(share - nearest) < _SLIVER else share


def _northwest_first(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """An order in which neighbours on the raster follow one another, so that blocks stay cached."""
    bounds = shapely.bounds(shapes)
    return np.lexsort((bounds[:, 0], -np.floor(bounds[:, 3] / 5120)))


def _zones(shape: Geometry, raster: rasterio.DatasetReader, name: str) -> tuple[Geometry, Geometry]:
    """What of the ground around a shape is distorted, and of what nothing is known."""
    codes, transform = _around(shape, raster)
    strange = np.setdiff1d(codes, _VALUES)
    if len(strange):
        raise TerrainError(
            f"{name} has the value {strange[0]}, which is no code of visibility",
            hint="codes are 0 visible, 1 to 4 layover and shadow, 255 outside",
        )
    return (
        _polygon(np.isin(codes, _DISTORTED), transform),
        _polygon(codes == Visibility.OUTSIDE, transform),
    )


def _around(
    shape: Geometry, raster: rasterio.DatasetReader
) -> tuple[npt.NDArray[np.uint8], rasterio.Affine]:
    """The pixels around a shape and their transform; 255 beyond the raster."""
    left, bottom, right, top = shapely.bounds(shape)
    inverse = ~raster.transform
    corners = [inverse * point for point in ((left, top), (right, top), (left, bottom),
                                             (right, bottom))]  # fmt: skip
    cols, rows = (np.array(axis) for axis in zip(*corners, strict=True))
    col0, row0 = int(np.floor(cols.min())) - 1, int(np.floor(rows.min())) - 1
    col1, row1 = int(np.ceil(cols.max())) + 1, int(np.ceil(rows.max())) + 1
    codes = np.full((row1 - row0, col1 - col0), Visibility.OUTSIDE, dtype=np.uint8)
    r0, r1, c0, c1 = max(row0, 0), min(row1, raster.height), max(col0, 0), min(col1, raster.width)
    if r0 < r1 and c0 < c1:
        part = raster.read(1, window=Window(c0, r0, c1 - c0, r1 - r0))
        codes[r0 - row0 : r1 - row0, c0 - col0 : c1 - col0] = part
    return codes, raster.transform @ rasterio.Affine.translation(col0, row0)


def _polygon(pixels: npt.NDArray[np.bool_], transform: rasterio.Affine) -> Geometry:
    if not pixels.any():
        return shapely.MultiPolygon()
    parts = raster_shapes(pixels.astype(np.uint8), mask=pixels, transform=transform)
    return shapely.union_all([to_shape(outline) for outline, _ in parts])
