"""The acquisitions of the composite benchmark: COGs of speckle, made once and kept."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
import tifffile
from affine import Affine
from pyproj import Transformer
from scipy import ndimage

from sarlra.grid import Tile
from sarlra.scenes.model import Acquisition, Slice, Track

EPSG, NO_DATA, LOOKS = 32654, -32768.0, 4.4
EVENT = datetime(2018, 9, 5, 18, 8, tzinfo=UTC)
POLARISATIONS = ("VV", "VH")
#: Before the event, of every six.
BEFORE = 5
#: Days after the event that are filled with the rest.
DAYS = 12.0


@dataclass(frozen=True, slots=True)
class Files:
    """``beside``: pixels by which images reach past the tile, each by another share to the left."""

    folder: Path
    size: int
    acquisitions: int
    beside: int = 0

    @property
    def tile(self) -> Tile:
        """The target grid."""
        # Near the zone's middle, whatever the size.
        edge = self.size * 10
        return Tile(EPSG, 450_000 // edge, 4_900_000 // edge, self.size)

    def path(self, number: int, polarisation: str) -> Path:
        """The file of an acquisition's polarisation."""
        return self.folder / f"s1-{number:03d}-{polarisation.lower()}.tif"

    def when(self, number: int) -> datetime:
        """Evenly over the recipe's windows, the event after five sixths."""
        before = self.acquisitions * BEFORE // 6
        return EVENT + timedelta(
            days=DAYS / (self.acquisitions - before + 0.5) * (number - before + 0.5)
        )

    def shape(self) -> tuple[int, int]:
        """(rows, columns) of every image."""
        return (self.size + self.beside, self.size + self.beside)

    def transform(self, number: int) -> Affine:
        """Whole pixels beside the tile's grid, differently for each acquisition."""
        shift = (37 * number) % (self.beside + 1)
        return self.tile.transform @ Affine.translation(-shift, -(self.beside - shift))

    def needed_bytes(self) -> int:
        """Compressed bytes of all blocks that hold pixels of the tile."""
        return sum(
            _block_bytes(self.path(n, pol), self.tile)
            for n in range(self.acquisitions) for pol in POLARISATIONS
        )  # fmt: skip


def make_files(size: int, acquisitions: int, beside: int = 0) -> Files:
    """The files, from the cache folder where they are there."""
    root = Path(os.environ.get("SARLRA_BENCHMARK_FILES", tempfile.gettempdir()))
    folder = root / f"sarlra-benchmark-files-{size}-{acquisitions}-{beside}"
    files = Files(folder, size, acquisitions, beside)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(n, pol) for n in range(acquisitions) for pol in POLARISATIONS
              if not files.path(n, pol).exists()]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: _write(files, *one), wanted))
    return files


def _write(files: Files, number: int, polarisation: str) -> None:
    rows, cols = files.shape()
    rng = np.random.default_rng([number, POLARISATIONS.index(polarisation)])
    ground = ndimage.zoom(
        np.random.default_rng(1).normal(0, 2.5, (rows // 64 + 2, cols // 64 + 2)), 64, order=1
    )[:rows, :cols]
    level = -10.5 if polarisation == "VV" else -17.0
    power = np.power(np.float32(10), (ground + level).astype(np.float32) / 10)
    power *= rng.standard_gamma(LOOKS, (rows, cols), dtype=np.float32) / np.float32(LOOKS)
    if number % 4 == 1:  # the edge of the swath, slanting
        across = np.arange(cols) + np.arange(rows)[:, None] * 0.2
        power[across < cols * 0.3] = NO_DATA
    target = files.path(number, polarisation)
    unfinished = target.with_suffix(".tmp")
    with rasterio.open(
        unfinished, "w", driver="GTiff", height=rows, width=cols, count=1, dtype="float32",
        crs=f"EPSG:{EPSG}", transform=files.transform(number), nodata=NO_DATA, tiled=True,
        blockxsize=512, blockysize=512, compress="deflate",
    ) as file:  # fmt: skip
        file.write(power, 1)
    unfinished.rename(target)


def _block_bytes(path: Path, tile: Tile) -> int:
    with rasterio.open(path) as source:
        left, bottom, right, top = tile.bounds
        window = source.window(left, bottom, right, top)
    with tifffile.TiffFile(path) as tif:
        page: Any = tif.pages[0]
        edge, across = page.tilelength, -(-page.imagewidth // page.tilewidth)
        rows = range(
            round(window.row_off) // edge, -(-round(window.row_off + tile.size_px) // edge)
        )
        cols = range(
            round(window.col_off) // edge, -(-round(window.col_off + tile.size_px) // edge)
        )
        return sum(page.databytecounts[r * across + c] for r in rows for c in cols)


def items_of(files: Files, root: str) -> list[dict[str, Any]]:
    """STAC items, hrefs under ``root``: a folder or an address."""
    rows, cols = files.shape()
    items = []
    for number in range(files.acquisitions):
        transform = files.transform(number)
        corners = [transform @ p for p in ((0, 0), (cols, 0), (cols, rows), (0, rows))]
        x, y = np.transpose(corners)
        to_degrees = Transformer.from_crs(EPSG, 4326, always_xy=True)
        shape = shapely.Polygon(np.transpose(to_degrees.transform(x, y)))
        items.append({
            "type": "Feature", "stac_version": "1.0.0", "id": f"s1-{number:03d}",
            "collection": "sentinel-1-rtc", "links": [], "bbox": list(shape.bounds),
            "geometry": json.loads(shapely.to_geojson(shape)),
            "stac_extensions":
                ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
            "properties": {
                "datetime": files.when(number).isoformat(), "proj:epsg": EPSG,
                "platform": "SENTINEL-1A", "constellation": "Sentinel-1",
                "sar:instrument_mode": "IW", "sar:product_type": "GRD",
                "sar:polarizations": list(POLARISATIONS), "sat:orbit_state": "descending",
                "sat:relative_orbit": 46, "sat:absolute_orbit": 10000 + 175 * number,
                "s1:datatake_id": str(number),
                "proj:shape": [rows, cols], "proj:transform": list(transform[:6]),
                "proj:bbox": [x.min(), y.min(), x.max(), y.max()],
            },
            "assets": {
                pol.lower(): {
                    "href": f"{root}/{files.path(number, pol).name}", "roles": ["data"],
                    "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                }
                for pol in POLARISATIONS
            },
        })  # fmt: skip
    return items


def track_of(files: Files, root: str) -> Track:
    """The same as sarlra has them after its search."""
    sides: dict[bool, list[Acquisition]] = {False: [], True: []}
    for number, item in enumerate(items_of(files, root)):
        assets = tuple((pol, item["assets"][pol.lower()]["href"]) for pol in POLARISATIONS)
        one = Slice(
            item["id"], "s1", files.when(number), "sentinel-1a", 46, "descending", number,
            str(number), assets, EPSG, files.transform(number)[:6], files.shape(),
            shapely.from_geojson(json.dumps(item["geometry"])),
        )  # fmt: skip
        acquisition = Acquisition(one.item_id, one.datetime, one.platform, (one,))
        sides[one.datetime > EVENT].append(acquisition)
    return Track(46, "descending", tuple(sides[False]), tuple(sides[True]))
