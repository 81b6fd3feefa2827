"""Reading assets: masks, grids, bad files, and a real server that refuses stale tokens."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from sarlra.composites.gdal import check_href, without_query
from sarlra.composites.pixels import PixelGrid
from sarlra.composites.reader import StatedGrid, read_asset
from sarlra.errors import AssetError, SigningError
from tests.composites.composites_world import write_tif
from tests.servers.base import Failure
from tests.servers.blobs import BlobServer

ORIGIN = Affine(10, 0, 500_000, 0, -10, 4_000_000)
GRID = PixelGrid(32611, 50_000, 400_000, 40, 30, 10.0)


def speckle(rows: int, cols: int) -> np.ndarray:
    return np.random.default_rng(5).gamma(4.4, 0.02, (rows, cols)).astype(np.float32)


def test_aligned_pixels_are_copied(tmp_path: Path) -> None:
    values = speckle(100, 120)
    path = write_tif(tmp_path / "a.tif", values, ORIGIN)
    inside = PixelGrid(32611, 50_010, 399_980, 40, 30, 10.0)
    np.testing.assert_array_equal(read_asset(str(path), inside, None), values[20:50, 10:50])


def test_pixels_beside_the_image_have_no_data(tmp_path: Path) -> None:
    values = speckle(100, 120)
    path = write_tif(tmp_path / "a.tif", values, ORIGIN)
    over = PixelGrid(32611, 49_990, 400_005, 140, 120, 10.0)
    expected = np.full((120, 140), np.nan, np.float32)
    expected[5:105, 10:130] = values
    np.testing.assert_array_equal(read_asset(str(path), over, None), expected)
    beside = PixelGrid(32611, 60_000, 400_000, 7, 9, 10.0)
    assert np.isnan(read_asset(str(path), beside, None)).all()


@pytest.mark.parametrize("nodata", [None, 0.0, -32768.0, 7.5, float("nan")])
def test_what_is_no_backscatter_is_masked(tmp_path: Path, nodata: float | None) -> None:
    values = speckle(30, 40)
    bad = {0: 0.0, 1: -1e-9, 2: -32768.0, 3: np.nan, 4: np.inf, 5: -np.inf, 6: 7.5}
    for column, value in bad.items():
        values[3, column] = value
    path = write_tif(tmp_path / "a.tif", values, ORIGIN, nodata=nodata)
    expected = values.copy()
    expected[3, :6] = np.nan
    if nodata == 7.5:
        expected[3, 6] = np.nan
    np.testing.assert_array_equal(read_asset(str(path), GRID, None), expected)


def test_values_too_small_for_float32_are_masked(tmp_path: Path) -> None:
    values = np.full((30, 40), 0.1)
    values[0, 0] = 1e-60
    path = write_tif(tmp_path / "a.tif", values, ORIGIN, dtype="float64")
    result = read_asset(str(path), GRID, None)
    assert result.dtype == np.float32
    assert np.isnan(result[0, 0])
    assert np.isfinite(result).sum() == 1199


def test_masks_come_before_the_warp(tmp_path: Path) -> None:
    """A -32768 or 0 among the four neighbours must not leak into the average."""
    values = np.full((30, 30), 0.25, np.float32)
    values[10, 10], values[15, 15] = -32768.0, 0.0
    path = write_tif(tmp_path / "a.tif", values, Affine(10, 0, 500_003, 0, -10, 4_000_003))
    result = read_asset(str(path), PixelGrid(32611, 50_002, 399_998, 20, 20, 10.0), None)
    np.testing.assert_allclose(result[np.isfinite(result)], 0.25, rtol=1e-6)
    assert np.isnan(result).sum() == 2


def test_an_offset_within_a_millionth_of_a_pixel_is_no_warp(tmp_path: Path) -> None:
    values = speckle(100, 120)
    path = write_tif(tmp_path / "a.tif", values, Affine(10, 0, 500_000.000004, 0, -10, 4e6))
    np.testing.assert_array_equal(read_asset(str(path), GRID, None), values[:30, :40])
    path = write_tif(tmp_path / "b.tif", values, Affine(10, 0, 500_000.001, 0, -10, 4e6))
    assert not np.array_equal(read_asset(str(path), GRID, None), values[:30, :40])


def test_the_files_grid_wins_over_the_items(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = speckle(100, 120)
    path = str(write_tif(tmp_path / "moved.tif", values, ORIGIN))
    stated = StatedGrid(32611, (10.0, 0.0, 500_050.0, 0.0, -10.0, 4_000_000.0), (100, 120))
    with caplog.at_level(logging.WARNING, "sarlra.composites"):
        first = read_asset(path, GRID, None, stated)
        read_asset(path, GRID, None, stated)
    np.testing.assert_array_equal(first, values[:30, :40])
    told = [r.getMessage() for r in caplog.records if "moved.tif" in r.getMessage()]
    assert len(told) == 1
    assert "500050.0" in told[0]
    caplog.clear()
    right = StatedGrid(32611, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), (100, 120))
    read_asset(path, GRID, None, right)
    assert not caplog.records


@pytest.mark.parametrize(
    "href",
    [
        "",
        "  ",
        "<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>",
        "/vsicurl/http://127.0.0.1/secret.tif",
        "/vsistdin/",
        "ftp://somewhere/a.tif",
        "zip+https://somewhere/a.zip!a.tif",
        "a\x00.tif",
    ],
)
def test_what_is_no_address_is_refused(href: str) -> None:
    with pytest.raises(AssetError, match="no address"):
        check_href(href)


def test_only_geotiffs_are_opened(tmp_path: Path) -> None:
    """A virtual dataset from outside could name any file of the machine as its source."""
    secret = write_tif(tmp_path / "secret.tif", speckle(30, 40), ORIGIN)
    hostile = tmp_path / "hostile.tif"
    hostile.write_text(
        "<VRTDataset rasterXSize='40' rasterYSize='30'><VRTRasterBand dataType='Float32' band='1'>"
        f"<SimpleSource><SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(hostile) as file:
        assert file.driver == "VRT"
    with pytest.raises(AssetError, match=r"hostile\.tif cannot be read"):
        read_asset(str(hostile), GRID, None)


@pytest.mark.parametrize("kind", ["two bands", "complex", "no crs", "finer", "text", "missing"])
def test_files_that_are_no_scene(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.tif"
    if kind == "two bands":
        write_tif(path, np.ones((2, 30, 40)), ORIGIN)
    elif kind == "complex":
        write_tif(path, np.ones((30, 40), complex), ORIGIN, dtype="complex64", nodata=None)
    elif kind == "no crs":
        write_tif(path, np.ones((30, 40)), ORIGIN, epsg=None)
    elif kind == "finer":
        write_tif(path, np.ones((300, 400)), Affine(1, 0, 500_000, 0, -1, 4_000_000))
    elif kind == "text":
        path.write_text("<html>sign in</html>")
    with pytest.raises(AssetError, match=r"odd\.tif") as caught:
        read_asset(str(path), GRID, None)
    assert caught.value.hint
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_a_truncated_file_is_an_error_not_a_hole(tmp_path: Path, share: float) -> None:
    path = write_tif(tmp_path / "whole.tif", speckle(600, 600), ORIGIN)
    data = path.read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(data[: int(len(data) * share)])
    grid = PixelGrid(32611, 50_000, 400_000, 600, 600, 10.0)
    assert np.isfinite(read_asset(str(path), grid, None)).all()
    with pytest.raises(AssetError, match=r"cut\.tif cannot be read"):
        read_asset(str(cut), grid, None)


def test_files_are_closed(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", speckle(100, 120), ORIGIN)
    read_asset(str(path), GRID, None)
    held = [link for link in Path("/proc/self/fd").iterdir() if str(path) in _target(link)]
    assert not held


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


# Over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "3")


@pytest.fixture
def blobs(tmp_path: Path, quick: None) -> Iterator[BlobServer]:
    write_tif(tmp_path / "a.tif", speckle(700, 700), ORIGIN)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "half.tif").write_bytes(data[: len(data) // 2])
    (tmp_path / "head.tif").write_bytes(data[:100])
    with BlobServer(tmp_path, lifetime_s=60.0) as server:
        yield server


WIDE = PixelGrid(32611, 50_000, 400_000, 700, 700, 10.0)


def test_assets_are_signed_when_opened(blobs: BlobServer) -> None:
    result = read_asset(blobs.href("a.tif"), WIDE, blobs.policy)
    np.testing.assert_array_equal(result, speckle(700, 700))
    assert blobs.token_requests() == 1
    assert blobs.refused == 0


def test_a_token_withdrawn_is_replaced(blobs: BlobServer) -> None:
    for number in range(3):
        name = f"copy{number}.tif"
        shutil.copy(blobs.folder / "a.tif", blobs.folder / name)
        result = read_asset(blobs.href(name), WIDE, blobs.policy)
        np.testing.assert_array_equal(result, speckle(700, 700))
        assert (blobs.refused > 0) is (number > 0)
        blobs.revoke()
    assert blobs.token_requests() == 3


def test_headers_are_fetched_once_for_many_blocks(blobs: BlobServer) -> None:
    for _ in range(2):
        read_asset(blobs.href("a.tif"), GRID, blobs.policy)
    before = blobs.served
    for _ in range(5):
        read_asset(blobs.href("a.tif"), GRID, blobs.policy)
    assert blobs.served == before


def test_tokens_that_live_for_a_moment(tmp_path: Path, quick: None) -> None:
    names = [f"{number}.tif" for number in range(12)]
    for name in names:
        write_tif(tmp_path / name, speckle(300, 300), ORIGIN)
    with BlobServer(tmp_path, lifetime_s=1.0) as server:
        results = []

        def read(part: list[str]) -> None:
            for name in part:
                results.append(read_asset(server.href(name), GRID, server.policy))
                time.sleep(0.4)

        threads = [threading.Thread(target=read, args=(names[i::3],)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 12
        assert 2 <= server.token_requests() <= 8
    for result in results:
        np.testing.assert_array_equal(result, speckle(300, 300)[:30, :40])


@pytest.mark.parametrize(
    ("name", "signed", "reason"),
    [
        ("gone.tif", True, "404"),
        ("a.tif", False, "403"),
        ("half.tif", True, "Read error"),
        ("head.tif", True, "directory"),
    ],
)
def test_bad_assets_are_named_without_their_token(
    blobs: BlobServer, caplog: pytest.LogCaptureFixture, name: str, signed: bool, reason: str
) -> None:
    href = blobs.href(name)
    with caplog.at_level(logging.DEBUG), pytest.raises(AssetError) as caught:
        read_asset(href, WIDE, blobs.policy if signed else None)
    error = caught.value
    assert href in error.message
    assert reason in error.message
    assert error.hint
    assert error.__cause__ is None
    assert error.__context__ is None
    told = [str(error), *(record.getMessage() for record in caplog.records)]
    assert not [text for text in told if "sig=" in text]


def test_a_server_that_stumbles_is_asked_again(blobs: BlobServer) -> None:
    blobs.failures += [Failure("a.tif", 503, 2)]
    np.testing.assert_array_equal(
        read_asset(blobs.href("a.tif"), WIDE, blobs.policy), speckle(700, 700)
    )


def test_a_server_that_stays_down_is_an_error(blobs: BlobServer) -> None:
    blobs.failures += [Failure("a.tif", 503, 1000)]
    for signing in (blobs.policy, None):
        with pytest.raises(AssetError, match=r"a\.tif cannot be read"):
            read_asset(blobs.href("a.tif"), WIDE, signing)
    blobs.failures.clear()
    np.testing.assert_array_equal(
        read_asset(blobs.href("a.tif"), WIDE, blobs.policy), speckle(700, 700)
    )


def test_what_was_missing_can_be_read_later(blobs: BlobServer) -> None:
    """GDAL's caches must not keep an asset missing for the life of a worker."""
    with pytest.raises(AssetError, match="404"):
        read_asset(blobs.href("late.tif"), WIDE, blobs.policy)
    shutil.copy(blobs.folder / "a.tif", blobs.folder / "late.tif")
    assert np.isfinite(read_asset(blobs.href("late.tif"), WIDE, blobs.policy)).all()


def test_no_token_is_a_signing_error(tmp_path: Path, quick: None) -> None:
    write_tif(tmp_path / "a.tif", speckle(30, 40), ORIGIN)
    with BlobServer(tmp_path, key="needed") as server, pytest.raises(SigningError):
        read_asset(server.href("a.tif"), GRID, server.policy)


@pytest.mark.services
def test_assets_in_a_bucket(tmp_path: Path, bucket: str) -> None:
    """Found through AWS_ENDPOINT_URL and credentials in the environment."""
    import s3fs

    path = write_tif(tmp_path / "a.tif", speckle(100, 120), ORIGIN)
    s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"]).put(
        str(path), f"{bucket}/scene/a.tif"
    )
    result = read_asset(f"{bucket}/scene/a.tif", GRID, None)
    np.testing.assert_array_equal(result, speckle(100, 120)[:30, :40])
    with pytest.raises(AssetError, match=r"scene/b\.tif cannot be read"):
        read_asset(f"{bucket}/scene/b.tif", GRID, None)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://h/a.tif?sig=x%3D&se=2026-01-01T00:00:00Z", "https://h/a.tif"),
        ("'/vsicurl/https://h/a.tif?sig=x' not recognized", "'/vsicurl/https://h/a.tif' not"),
        ("a.tif?st=now&sig=x: TIFFReadDirectory:Failed", "a.tif: TIFFReadDirectory:Failed"),
        ("a.tif?sig=x, band 1: failed", "a.tif, band 1: failed"),
        ("is it there? yes", "is it there? yes"),
    ],
)
def test_queries_are_removed(text: str, clean: str) -> None:
    assert without_query(text).startswith(clean)
    assert "sig" not in without_query(text)
