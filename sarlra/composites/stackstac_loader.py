"""Stacks by stackstac.

stackstac makes, of a table of assets, a graph in which every asset is opened by a *reader* class
once its chunk is asked for. The class given here is ours: it signs late, reads without a warp
where grids agree, and does not turn errors into no data. All that stackstac would guess or change
(CRS, bounds, type, fill, rescaling, snapping, errors taken for no data) is given.

stackstac's own last step fills an array, lets a reader make another, looks for data in it and
copies it over: as much memory again as is read, several times. So its table of readers is taken,
and each reads straight into its place of the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import stackstac
from numpy.typing import NDArray
from rasterio.windows import Window

from sarlra.composites.buffers import stack_of
from sarlra.composites.footprints import stated_grid
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import StatedGrid, read_asset, read_into
from sarlra.composites.reading import read_all
from sarlra.errors import AssetError
from sarlra.scenes.model import Slice
from sarlra.scenes.signing import SigningPolicy


@dataclass(frozen=True, slots=True)
class AssetReader:
    """stackstac's ``Reader`` of one asset: holds names only, so it pickles and shares freely."""

    url: str
    epsg: int
    left: int
    top: int
    resolution: float
    signing: SigningPolicy | None
    stated: StatedGrid | None

    def grid(self, window: Window) -> PixelGrid:
        """The pixels of a window."""
        return PixelGrid(
            self.epsg,
            self.left + int(window.col_off),
            self.top - int(window.row_off),
            int(window.width),
            int(window.height),
            self.resolution,
        )

    def read(self, window: Window, **_: Any) -> NDArray[np.float32]:
        """The window's pixels: (rows, columns), float32, linear power, NaN = no data."""
        return read_asset(self.url, self.grid(window), self.signing, self.stated)

    def read_into(self, result: NDArray[np.float32]) -> None:
        """All pixels of the stack's grid, which is that of ``result``."""
        grid = self.grid(Window(0, 0, result.shape[1], result.shape[0]))
        read_into(result, self.url, grid, self.signing, self.stated)

    def close(self) -> None:
        """Nothing is held open between reads."""


class ReaderFactory:
    """What stackstac calls in the place of a reader class; carries what its table cannot.

    No dataclass: dask would look into every field of it for a graph, for each block.
    """

    def __init__(
        self, signing: SigningPolicy | None, stated: tuple[tuple[str, StatedGrid | None], ...]
    ) -> None:
        self.signing = signing
        self.stated = stated

    def __dask_tokenize__(self) -> tuple[str, str]:
        return type(self).__name__, repr((self.signing, self.stated))

    def __call__(self, *, url: str, spec: Any, **_: Any) -> AssetReader:
        """A reader of ``url`` on the grid of stackstac's ``spec``."""
        resolution = float(spec.resolutions_xy[0])
        left, _bottom, _right, top = spec.bounds
        return AssetReader(
            url,
            int(spec.epsg),
            round(left / resolution),
            round(top / resolution),
            resolution,
            self.signing,
            dict(self.stated).get(url),
        )


def load_with_stackstac(
    slices: Sequence[Slice],
    polarisations: Sequence[str],
    grid: PixelGrid,
    signing: SigningPolicy | None,
) -> da.Array:
    """See :class:`sarlra.composites.loader.StackLoader`."""
    stated = tuple((s.asset(p), stated_grid(s)) for s in slices for p in polarisations)
    stack = stackstac.stack(
        [_item(s, polarisations, grid) for s in slices],
        assets=list(polarisations),
        epsg=grid.epsg,
        bounds=grid.bounds,
        resolution=grid.resolution,
        snap_bounds=False,
        chunksize=(-1, -1, -1, -1),
        dtype=np.dtype("float32"),
        fill_value=np.float32("nan"),
        rescale=False,
        sortby_date=False,
        xy_coords=False,
        properties=False,
        band_coords=False,
        errors_as_nodata=(),
        reader=ReaderFactory(signing, stated),
    )
    if stack.shape != (len(slices), len(polarisations), *grid.shape):
        raise AssetError(
            f"stackstac made a stack of {stack.shape} of {len(slices)} slices on {grid}",
            hint="this is a fault of the program: no slice may be dropped here",
        )
    filled: da.Array = da.map_blocks(
        _read,
        _readers(stack.data),
        shape=grid.shape,
        new_axis=[2, 3],
        chunks=((len(polarisations),), (len(slices),), (grid.rows,), (grid.cols,)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0, 0), np.float32),
    )
    return filled


def _readers(stack: da.Array) -> da.Array:
    """Stackstac's table (slice, band) of readers with their windows, which its stack is made of."""
    below = stack.dask.dependencies[stack.name]
    if len(below) != 1:
        raise AssetError(
            f"stackstac made a stack of {len(below)} tables of readers",
            hint="use the version of stackstac in constraints.txt, or the loader odc",
        )
    return da.Array(stack.dask, next(iter(below)), stack.chunks[:2], dtype=object)


def _read(table: NDArray[np.object_], shape: tuple[int, int]) -> NDArray[np.float32]:
    """The stack (polarisation, slice, rows, columns) of a table of readers."""
    slices, polarisations = table.shape
    stack = stack_of((polarisations, slices, *shape))
    read_all([
        partial(reader.read_into, stack[polarisation, scene])
        for (scene, polarisation), (reader, _window) in np.ndenumerate(table)
    ])  # fmt: skip
    return stack


def _item(scene: Slice, polarisations: Sequence[str], grid: PixelGrid) -> dict[str, Any]:
    """The item as stackstac reads it.

    stackstac drops, without a word, what does not touch the bounds by its item's account. Which
    slices matter was decided before, and where their pixels lie is the file's to say: so every
    asset is given the bounds of the block.
    """
    return {
        "id": scene.item_id,
        "properties": {
            "datetime": scene.datetime.isoformat(),
            "proj:epsg": grid.epsg,
            "proj:bbox": list(grid.bounds),
        },
        "assets": {p: {"href": scene.asset(p)} for p in polarisations},
    }
