"""Stacks by odc-stac.

odc-stac reads through a *driver*; the one given here opens assets through our own reader, so that
hrefs are signed when they are opened and pixels are those of the other loader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
import odc.stac
import pystac
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from sarlra.composites.footprints import stated_grid
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import StatedGrid, read_asset
from sarlra.errors import AssetError
from sarlra.scenes.model import Slice
from sarlra.scenes.signing import SigningPolicy


@dataclass(frozen=True, slots=True)
class AssetReader:
    """odc-loader's ``RasterReader`` of one asset."""

    href: str
    signing: SigningPolicy | None
    stated: StatedGrid | None

    def read(
        self,
        cfg: Any,  # noqa: ARG002 - all that it says is fixed here
        dst_geobox: Any,
        *,
        dst: NDArray[np.float32] | None = None,
        selection: Any = None,  # noqa: ARG002
    ) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
        """The geobox's pixels: float32, linear power, NaN = no data."""
        resolution = float(dst_geobox.affine.a)
        rows, cols = dst_geobox.shape
        grid = PixelGrid(
            int(dst_geobox.crs.to_epsg()),
            round(dst_geobox.affine.c / resolution),
            round(dst_geobox.affine.f / resolution),
            cols,
            rows,
            resolution,
        )
        values = read_asset(self.href, grid, self.signing, self.stated)
        if dst is not None:
            np.copyto(dst, values)
            values = dst
        return (slice(0, rows), slice(0, cols)), values


@dataclass(frozen=True)
class LateSigningDriver:
    """odc-loader's ``ReaderDriver``: holds names only, and pickles."""

    signing: SigningPolicy | None
    stated: tuple[tuple[str, StatedGrid | None], ...]
    md_parser: Any = field(default=None)
    dask_reader: Any = field(default=None)
    aux_reader: Any = field(default=None)

    def new_load(self, geobox: GeoBox, *, chunks: dict[str, int] | None = None) -> None:
        """Nothing is shared between the reads of a load."""

    def finalise_load(self, load_state: None) -> None:
        """Nothing is left to do after a load."""

    def capture_env(self) -> dict[str, Any]:
        """GDAL's settings are made where assets are opened."""
        return {}

    @contextmanager
    def restore_env(self, env: dict[str, Any], load_state: None) -> Iterator[None]:  # noqa: ARG002
        """See :meth:`capture_env`."""
        yield

    def open(self, src: Any, ctx: None) -> AssetReader:  # noqa: ARG002
        """A reader of ``src.uri``; the file itself is opened when it is read."""
        return AssetReader(src.uri, self.signing, dict(self.stated).get(src.uri))


def load_with_odc(
    slices: Sequence[Slice],
    polarisations: Sequence[str],
    grid: PixelGrid,
    signing: SigningPolicy | None,
) -> da.Array:
    """See :class:`sarlra.composites.loader.StackLoader`."""
    rows, cols = grid.shape
    stated = tuple((s.asset(p), stated_grid(s)) for s in slices for p in polarisations)
    stack = odc.stac.load(
        [_item(s, polarisations, grid) for s in slices],
        bands=list(polarisations),
        geobox=GeoBox(grid.shape, grid.transform, f"EPSG:{grid.epsg}"),
        # One layer per slice: fringes are eroded per slice, before acquisitions are put together.
        groupby="id",
        preserve_original_order=True,
        chunks={"time": len(slices), "y": rows, "x": cols},
        dtype="float32",
        driver=LateSigningDriver(signing, stated),
    )
    arrays = tuple(stack[p].data for p in polarisations)
    if any(array.shape != (len(slices), rows, cols) for array in arrays):
        raise AssetError(
            f"odc-stac made stacks of {arrays[0].shape} of {len(slices)} slices on {grid}",
            hint="this is a fault of the program: no slice may be dropped here",
        )
    together: da.Array = da.map_blocks(
        _together,
        *arrays,
        new_axis=0,
        chunks=((len(arrays),), (len(slices),), (rows,), (cols,)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0, 0), np.float32),
    )
    return together


def _together(*stacks: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack(stacks)


def _item(scene: Slice, polarisations: Sequence[str], grid: PixelGrid) -> pystac.Item:
    """The item as odc-stac reads it, said to cover the block: where its pixels lie is the
    file's to say.
    """
    item = pystac.Item(
        id=scene.item_id,
        geometry=None,
        bbox=None,
        datetime=scene.datetime,
        properties={
            "proj:epsg": grid.epsg,
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform[:6]),
        },
        stac_extensions=["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
    )
    for name in polarisations:
        item.add_asset(
            name, pystac.Asset(scene.asset(name), media_type=pystac.MediaType.COG, roles=["data"])
        )
    return item
