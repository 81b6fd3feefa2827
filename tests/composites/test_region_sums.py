"""Sums of what a region of the store holds, and what is found to be wrong with it."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from sarlra.composites.content import content_sum
from sarlra.composites.region_fault import region_fault
from sarlra.composites.store import create_group, write_region
from sarlra.errors import StoreError
from sarlra.grid import Tile
from tests.composites.composites_writer import RECIPE, composite_of, tile_at

GROUP = "1/32611/T137A"
TILES = [tile_at(c, 700) for c in (30, 31)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = str(tmp_path / "composites.zarr")
    create_group(path, GROUP, TILES, RECIPE, {})
    return path


def written(store: str, tile: Tile = TILES[0], seed: int = 1) -> dict[str, str]:
    return write_region(store, GROUP, tile, composite_of(tile, seed))


def test_sum_is_of_the_values_in_the_order_that_is_documented() -> None:
    values = np.array([[1.5, np.nan], [-0.0, 2.0]], np.float32)
    by_hand = struct.pack("<f", 1.5) + b"\x00\x00\xc0\x7f" + struct.pack("<ff", -0.0, 2.0)
    assert content_sum([values]) == hashlib.sha256(by_hand).hexdigest()
    counts = np.arange(6, dtype=">u2").reshape(3, 2)
    assert content_sum([counts]) == hashlib.sha256(struct.pack("<6H", *range(6))).hexdigest()


def test_sum_is_the_same_however_the_values_come() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(700, 33)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    whole = content_sum([values])
    assert content_sum([values[:300], values[300:301], values[301:]]) == whole
    assert content_sum([np.asfortranarray(values)]) == whole
    # Another bit pattern of NaN is no other value.
    other = values.copy()
    other.view(np.uint32)[np.isnan(values)] = 0xFFC12345
    assert content_sum([other]) == whole
    other[699, 32] = np.nextafter(other[699, 32], np.inf, dtype=np.float32)
    assert content_sum([other]) != whole


def test_what_was_written_is_whole(store: str) -> None:
    sums = written(store)
    assert sorted(sums) == sorted(map(str, composite_of(TILES[0], 1).data_vars))
    assert region_fault(store, GROUP, TILES[0], sums) is None
    assert written(store) == sums
    # The neighbour's pixels are no part of it.
    other = written(store, TILES[1], 2)
    assert region_fault(store, GROUP, TILES[0], sums) is None
    assert region_fault(store, GROUP, TILES[1], other) is None
    assert (
        region_fault(store, GROUP, TILES[1], sums) == "diff_vh has other values than were written"
    )


def shards(store: str, name: str) -> list[Path]:
    return sorted(p for p in (Path(store) / GROUP / name / "c").rglob("*") if p.is_file())


def test_a_changed_shard_is_found(store: str) -> None:
    sums = written(store)
    for name in sums:
        path = shards(store, name)[0]
        whole = path.read_bytes()
        # A bit in the first packed chunk, and a shard that was cut, and one taken away.
        data = bytearray(whole)
        data[40] ^= 1
        path.write_bytes(data)
        assert_fault(store, sums)
        path.write_bytes(whole[:-7])
        assert_fault(store, sums)
        path.unlink()
        assert (
            region_fault(store, GROUP, TILES[0], sums)
            == f"{name} has other values than were written"
        )
        path.write_bytes(whole)
    assert region_fault(store, GROUP, TILES[0], sums) is None


def found(store: str, sums: dict[str, str]) -> str | None:
    """What is wrong, also where it cannot be unpacked at all."""
    try:
        return region_fault(store, GROUP, TILES[0], sums)
    except StoreError as error:
        return error.message


def assert_fault(store: str, sums: dict[str, str]) -> None:
    assert found(store, sums) is not None


def test_one_pixel_changed_through_zarr_is_found(store: str) -> None:
    sums = written(store)
    array = zarr.open_group(store, path=GROUP, mode="r+")["post_vv"]
    array[100, 200] = 0.0
    assert (
        region_fault(store, GROUP, TILES[0], sums) == "post_vv has other values than were written"
    )


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_pixels_moved_elsewhere_are_found(store: str, tmp_path: Path) -> None:
    sums = written(store)

    def fault(change: object) -> str | None:
        copy = tmp_path / "copy.zarr"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(store, copy)
        change(copy / GROUP)  # type: ignore[operator]
        return found(str(copy), sums)

    def axis(group: Path) -> None:
        zarr.open_group(group, mode="r+")["x"][:] += 10

    def place(group: Path) -> None:
        file = group / "spatial_ref" / "zarr.json"
        document = json.loads(file.read_text())
        document["attributes"]["GeoTransform"] = "0 10 0 0 0 -10"
        file.write_text(json.dumps(document))

    def shape(group: Path) -> None:
        changed(group / "post_vv" / "zarr.json", "256", "128")

    def described(group: Path) -> None:
        changed(group / "post_vv" / "zarr.json", '"dB"', '"1"')

    assert fault(lambda group: None) is None
    assert fault(axis) == "x has other coordinates than were written"
    assert fault(place) == "spatial_ref places the pixels elsewhere"
    assert fault(described) == "post_vv is described in two ways"
    assert "post_vv" in str(fault(shape))  # the shards' inner chunks


def test_huge_layouts_are_refused_before_anything_is_read(store: str) -> None:
    sums = written(store)
    file = Path(store) / GROUP / "zarr.json"
    document = json.loads(file.read_text())
    document["attributes"]["sarlra:layout"]["columns"] = 10**12
    file.write_text(json.dumps(document))
    assert region_fault(store, GROUP, TILES[0], sums) == "the group is larger than a zone"


def test_two_programs_that_write_the_same_region_agree(store: str) -> None:
    """While two programs rewrite a region, their sums are equal and a reader finds no fault."""
    sums = written(store)
    code = (
        "from tests.composites.test_region_sums import *\n"
        f"seen = [tuple(sorted(written({store!r}).items())) for _ in range(25)]\n"
        "assert len(set(seen)) == 1\n"
        "print(dict(seen[0]) == " + repr(sums) + ")"
    )
    programs = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    looks = 0
    while any(program.poll() is None for program in programs):
        assert region_fault(store, GROUP, TILES[0], sums) is None
        looks += 1
    assert [program.communicate()[0].strip() for program in programs] == ["True", "True"]
    assert looks > 3
