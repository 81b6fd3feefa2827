"""A composite of 12 acquisitions in two polarisations: five ways side by side.

    python benchmarks/composite.py [--http] [--beside 300] [--rounds 3] [--out docs/results]

Work: 12 x 2 COGs of 4096 x 4096 pixels (float32, deflate, blocks of 512), to the medians in dB
after and before, and their difference. Files lie on local disk or, with ``--http``, behind a web
server that answers every request 30 ms late. With ``--beside`` images are larger than the tile and
each lies elsewhere, as scenes do, so that blocks of files and of tile do not agree. The ways:

stackstac  as its documentation shows: ``stack(...)``, then ``median("time")``
odc        odc-stac as its documentation shows: ``load(..., chunks=...)``, then ``median("time")``
rasterio   a loop over blocks of 1024 pixels, on threads, with bottleneck's median
sarlra     as a job does
sarlra-odc the same with odc-stac as its loader
decode     every block that is needed, read once on all cores, and nothing else: the limit
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.composite_files import (
    EPSG,
    EVENT,
    POLARISATIONS,
    Files,
    items_of,
    make_files,
    track_of,
)
from benchmarks.side_by_side import ROOT, compare, finish, machine, serve

WAYS = ("stackstac", "odc", "rasterio", "sarlra", "sarlra-odc", "decode")
BLOCK = 1024
GDAL = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES"}

Composite = dict[str, Any]


def stackstac(files: Files, root: str) -> Composite:
    """As documented; the grid has to be given, as the images' differ."""
    import stackstac as library

    stack = library.stack(
        items_of(files, root), assets=["vv", "vh"], epsg=EPSG, resolution=10,
        # Of lists that differ between items, such as transforms, it cannot make coordinates.
        bounds=files.tile.bounds, snap_bounds=False, properties=False,
    )  # fmt: skip
    return _medians({p: stack.sel(band=p.lower()) for p in POLARISATIONS})


def odc(files: Files, root: str) -> Composite:
    """As documented, one layer per item."""
    import pystac
    from odc.geo.geobox import GeoBox
    from odc.stac import load

    tile = files.tile
    box = GeoBox((tile.size_px,) * 2, tile.transform, f"EPSG:{EPSG}")
    items = [pystac.Item.from_dict(item) for item in items_of(files, root)]
    stack = load(items, bands=["vv", "vh"], geobox=box, chunks={"x": BLOCK, "y": BLOCK},
                 groupby="id")  # fmt: skip
    return _medians({p: stack[p.lower()] for p in POLARISATIONS})


def _medians(stacks: dict[str, Any]) -> Composite:
    """The composite of lazy stacks (time, y, x), computed."""
    import dask

    lazy = {}
    for name, stack in stacks.items():
        power = stack.where(stack > 0)
        decibel = 10 * np.log10(power)
        late = decibel["time"] > np.datetime64(EVENT.replace(tzinfo=None))
        post, pre = (decibel[late == side].median("time") for side in (True, False))
        lazy |= {f"post_{name.lower()}": post, f"diff_{name.lower()}": post - pre}
    computed = dask.compute(*lazy.values())
    return {name: array.values for name, array in zip(lazy, computed, strict=True)}


def rasterio_loop(files: Files, root: str) -> Composite:
    """Blocks of the tile on threads."""
    size = files.size
    result = {f"{band}_{p.lower()}": np.empty((size, size), np.float32)
              for band in ("post", "diff") for p in POLARISATIONS}  # fmt: skip

    def block(corner: tuple[int, int]) -> None:
        import bottleneck

        place = tuple(slice(at, min(at + BLOCK, size)) for at in corner)
        for pol in POLARISATIONS:
            stack = np.stack([_read(files, root, n, pol, place) for n in range(files.acquisitions)])
            late = np.array([files.when(n) > EVENT for n in range(files.acquisitions)])
            post, pre = (bottleneck.nanmedian(stack[late == s], axis=0) for s in (True, False))
            result[f"post_{pol.lower()}"][place] = post
            result[f"diff_{pol.lower()}"][place] = post - pre

    starts = range(0, size, BLOCK)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, [(row, col) for row in starts for col in starts]))
    return result


def _read(files: Files, root: str, number: int, pol: str, place: Any) -> Any:
    """A block of an image in dB."""
    import rasterio

    back = ~files.transform(number) @ files.tile.transform
    window = (
        (place[0].start + round(back.f), place[0].stop + round(back.f)),
        (place[1].start + round(back.c), place[1].stop + round(back.c)),
    )
    with rasterio.Env(**GDAL), rasterio.open(f"{root}/{files.path(number, pol).name}") as source:
        power = source.read(1, window=window)
    power[~(power > 0)] = np.nan
    return np.float32(10) * np.log10(power)


def sarlra(files: Files, root: str, loader: str = "stackstac") -> Composite:
    """What a job computes, without its halo."""
    from sarlra.composites.build import build_composite, compute
    from sarlra.grid import PixelBox
    from sarlra.recipe import make_recipe

    box = PixelBox(0, files.size, 0, files.size)
    recipe = make_recipe(tile_px=files.size, loader=loader)
    track = track_of(files, root)
    lazy = build_composite(track, files.tile, box, recipe, None)
    composite = compute(lazy, track, threads=os.cpu_count() or 1)
    return {name: composite[name].values for name in recipe.bands}


def decode(files: Files, root: str) -> Composite:
    """Every needed block once, file after file, rows of blocks on threads."""
    import rasterio
    from rasterio.windows import Window

    def rows(one: tuple[int, str, int]) -> None:
        number, pol, start = one
        back = ~files.transform(number) @ files.tile.transform
        first, left = round(back.f), round(back.c)
        low, high = max(start, first), min(start + 512, first + files.size)
        with (
            rasterio.Env(**GDAL),
            rasterio.open(f"{root}/{files.path(number, pol).name}") as source,
        ):
            source.read(1, window=Window(left, low, files.size, high - low))

    work = []
    for number in range(files.acquisitions):
        first = round((~files.transform(number) @ files.tile.transform).f)
        starts = range(first // 512 * 512, first + files.size, 512)
        work += [(number, pol, start) for pol in POLARISATIONS for start in starts]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(rows, work))
    return {}


FUNCTIONS: dict[str, Callable[[Files, str], Composite]] = {
    "stackstac": stackstac, "odc": odc, "rasterio": rasterio_loop, "sarlra": sarlra,
    "sarlra-odc": partial(sarlra, loader="odc"), "decode": decode,
}  # fmt: skip


def prepare(way: str, files: Files, root: str, kept: Path) -> Callable[[], Any]:
    """One turn of a way; what it computed is kept once, for comparison."""
    function = FUNCTIONS[way]

    def run() -> dict[str, float]:
        _sent(root)
        result = function(files, root)
        if result and not (kept / f"{way}.npz").exists():
            np.savez(kept / f"{way}.npz", **result)
        return _sent(root)

    return run


def _sent(root: str) -> dict[str, float]:
    """Requests and bytes since the last call; nothing for files on disk."""
    if not root.startswith("http"):
        return {}
    with urllib.request.urlopen(f"{root}/stats") as answer:
        stats = json.load(answer)
    return {"requests": stats["requests"], "fetched_mib": stats["bytes"] / 2**20}


def main() -> None:
    """Compare, or serve one way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--acquisitions", type=int, default=12)
    parser.add_argument("--beside", type=int, default=0)
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--latency-ms", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--quick", action="store_true", help="small, one round")
    parser.add_argument("--out", type=Path, help="folder for the result")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    size, count = (512, 6) if given.quick else (given.size, given.acquisitions)
    files = make_files(size, count, given.beside)
    if given.way:
        serve(prepare(given.way, files, given.root, given.kept))
        return
    about = machine()
    server = None
    if given.http:
        server = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks/range_server.py"), str(files.folder),
             "--latency-ms", str(given.latency_ms)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        root = server.stdout.readline().strip()
    else:
        root = str(files.folder)
    try:
        with tempfile.TemporaryDirectory() as text:
            more = ["--size", str(size), "--acquisitions", str(count), "--beside",
                    str(given.beside), "--root", root, "--kept", text]  # fmt: skip
            ways = compare(__file__, given.ways, 1 if given.quick else given.rounds, more)
            differences = _differences(Path(text))
    finally:
        if server is not None:
            server.kill()
            server.wait()
    needed = files.needed_bytes() / 2**20
    own = ways.get("sarlra", {})
    result: dict[str, Any] = {
        "machine": about, "size": size, "acquisitions": count, "beside": given.beside,
        "source": "http" if given.http else "disk", "needed_mib": round(needed, 1), "ways": ways,
        "largest_difference_db": differences,
        **{f"sarlra_of_{way}": round(own["s"] / ways[way]["s"], 3)
           for way in ways if own and way != "sarlra"},
    }  # fmt: skip
    if given.http and own:
        result["fetched_of_needed"] = round(own["fetched_mib"] / needed, 3)
    beside = "-beside" if given.beside else ""
    finish(f"composite-{result['source']}{beside}", result, given.out)


def _differences(folder: Path) -> dict[str, float]:
    """How far each way's bands are from sarlra's, at most, where both have data."""
    if not (folder / "sarlra.npz").exists():
        return {}
    own = np.load(folder / "sarlra.npz")
    found = {}
    for file in sorted(folder.glob("*.npz")):
        other = np.load(file)
        gaps = [np.nanmax(np.abs(own[n] - other[n])) for n in own.files]
        # Where one has data, the other has.
        gaps += [float(np.inf) for n in own.files
                 if (np.isnan(own[n]) != np.isnan(other[n])).any()]  # fmt: skip
        found[file.stem] = float(max(gaps))
    return found


if __name__ == "__main__":
    main()
