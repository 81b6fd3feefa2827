"""Somebody's own composite: GeoTIFF and Zarr, right and wrong."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401
import xarray as xr
from affine import Affine

from sarlra.detection import score_file
from sarlra.detection.score_file import score_composite
from sarlra.detection.suppress import suppress
from sarlra.errors import AssetError, InputError, ModelError, OutputError, SarlraError
from sarlra.models.import_hdf5 import import_weights
from sarlra.models.info import ModelInfo
from sarlra.models.scoring import load_scorer

UTM = Affine(10, 0, 400_000, 0, -10, 4_500_000)


def _image(rows: int = 256, columns: int = 200, bands: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 4, (-(-rows // 32), -(-columns // 32), bands))
    image = coarse.repeat(32, 0).repeat(32, 1)[:rows, :columns] - 6
    return np.asarray(image + rng.normal(0, 1, image.shape), dtype=np.float32)


def _write(path: Path, image: np.ndarray, **profile: Any) -> Path:
    facts = {"driver": "GTiff", "dtype": image.dtype, "count": image.shape[2],
             "height": image.shape[0], "width": image.shape[1]}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", **(facts | profile)) as file:
            file.write(np.moveaxis(image, -1, 0))
    return path


def _score(path: Path, model: ModelInfo, **choices: Any) -> gpd.GeoDataFrame:
    out = path.parent / "out.parquet"
    table = score_composite(
        path, model, **({"reference_mode": False, "threshold": None, "out": out} | choices)
    )
    stored = gpd.read_parquet(choices.get("out", out))
    assert stored.equals(table.astype(stored.dtypes.to_dict()))
    return stored


def test_every_window_has_its_score_and_place(tmp_path: Path, small_model: ModelInfo) -> None:
    image = _image()
    path = _write(tmp_path / "c.tif", image, crs="EPSG:32654", transform=UTM)
    threshold = float(_score(path, small_model)["score"].median())
    table = _score(path, small_model, threshold=threshold)
    rows, columns = np.meshgrid(range(0, 193, 32), range(0, 137, 32), indexing="ij")
    np.testing.assert_array_equal(table["row"], rows.ravel())  # 192 fits exactly
    np.testing.assert_array_equal(table["col"], columns.ravel())
    windows = np.stack(
        [image[r : r + 64, c : c + 64] for r, c in zip(table["row"], table["col"], strict=True)]
    )
    np.testing.assert_array_equal(table["score"], load_scorer(small_model).score(windows))
    over = np.flatnonzero(table["score"] > threshold)
    corners = table[["row", "col"]].to_numpy()[over]
    kept = over[suppress(np.hstack([corners, corners + 64]), table["score"].to_numpy()[over], 0.1)]
    assert 0 < len(kept) < len(table)
    np.testing.assert_array_equal(np.flatnonzero(table["kept"]), np.sort(kept))
    assert table.crs.to_epsg() == 32654
    bounds = table.geometry.bounds
    np.testing.assert_array_equal(bounds["minx"], 400_000 + 10 * table["col"])
    np.testing.assert_array_equal(bounds["maxy"], 4_500_000 - 10 * table["row"])
    np.testing.assert_array_equal(bounds["maxx"] - bounds["minx"], 640)


def test_reading_by_rows_changes_nothing(
    tmp_path: Path, small_model: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = _image(seed=2)
    image[40:60, :90] = np.nan
    path = _write(tmp_path / "c.tif", image, tiled=True, blockxsize=64, blockysize=64)
    whole = _score(path, small_model)
    monkeypatch.setattr(score_file, "_WINDOWS_AT_ONCE", 1)
    assert _score(path, small_model).equals(whole)


def test_the_slope_mask_of_a_file(tmp_path: Path, small_model: ModelInfo) -> None:
    """A plane that rises 0.3 to the east beyond x = 960 m: 16.7 degrees, else level."""
    image = _image()
    image[:, 150:] = np.nan
    path = _write(tmp_path / "c.tif", image, crs="EPSG:32654", transform=UTM)
    x = (np.arange(260) - 30 + 0.5) * 10.0
    heights = np.tile(np.maximum(x - 960.0, 0.0) * 0.3, (320, 1)).astype(np.float32)
    grid = UTM @ Affine.translation(-30, -30)
    dem = _write(tmp_path / "dem.tif", heights[..., None], crs="EPSG:32654", transform=grid)
    table = _score(path, small_model, min_slope=10.0, dem=dem)
    # Columns from 96 are steep: window 32 has none of them, window 64 half of its own.
    level = table["col"] + 64 <= 96
    assert (table["reason"] == "level ground").equals(level)
    assert (table["reason"] == "no data").equals(table["col"] >= 128)
    assert table["score"].notna().equals(table["reason"] == "")
    plain = _score(path, small_model)
    same = table["score"].notna()
    np.testing.assert_array_equal(table["score"][same], plain["score"][same])
    for choices, words in (
        ({"min_slope": 10.0}, "needs both"),
        ({"dem": dem}, "needs both"),
        ({"min_slope": 10.0, "dem": dem, "reference_mode": True}, "no slope mask"),
        ({"min_slope": 10.0, "dem": tmp_path / "absent.tif"}, "cannot be read"),
    ):
        with pytest.raises(InputError, match=words):
            _score(path, small_model, **choices)
    degrees = _write(tmp_path / "d.tif", image, crs="EPSG:4326",
                     transform=Affine(9e-5, 0, 142.0, 0, -9e-5, 42.7))  # fmt: skip
    with pytest.raises(InputError, match="north-up grid of square pixels in metres"):
        _score(degrees, small_model, min_slope=10.0, dem=dem)


@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_any_crs_and_none(tmp_path: Path, small_model: ModelInfo, crs: str | None) -> None:
    transform = Affine(9e-5, 0, 142.0, 0, -9e-5, 42.7) if crs else Affine.identity()
    path = _write(tmp_path / "c.tif", _image(70, 70), crs=crs, transform=transform)
    table = _score(path, small_model)
    assert len(table) == 1
    if crs is None:
        assert table.crs is None
        assert table.total_bounds.tolist() == [0, 0, 64, 64]
    else:
        assert table.crs == crs
        np.testing.assert_allclose(
            table.total_bounds, [142.0, 42.7 - 64 * 9e-5, 142.0 + 64 * 9e-5, 42.7]
        )


def test_reference_mode_is_the_public_tool(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SARLRA_MODELS", str(tmp_path / "models"))
    weights = shared_data / "reference" / "ascending.hdf5"
    model = import_weights(weights, name="published", filters=32)
    with np.load(shared_data / "reference" / "ascending.npz", allow_pickle=False) as stored:
        image, scores, locations, boxes = (
            stored[n] for n in ("composite", "scores", "locs", "boxes")
        )
    path = _write(tmp_path / "c.tif", image, nodata=float(image[5, 5, 0]))  # the tool ignores it
    table = _score(path, model, reference_mode=True)
    found = np.stack([table["col"], table["row"], table["col"] + 64, table["row"] + 64], axis=-1)
    np.testing.assert_array_equal(found, locations)
    np.testing.assert_allclose(table["score"], scores, atol=1e-5)
    assert {tuple(b) for b in found[table["kept"]]} == {tuple(b) for b in boxes}
    full = _score(path, model)
    assert len(full) == 11 * 18
    assert len(table) == 10 * 18


def test_declared_no_data_is_heeded_except_in_reference_mode(
    tmp_path: Path, small_model: ModelInfo
) -> None:
    image = _image(160, 160)
    image[:64, :40, 1] = -9999  # 62 % of window (0, 0) in one band
    image[96:100, 96:100, 3] = -9999
    path = _write(tmp_path / "c.tif", image, nodata=-9999)
    table = _score(path, small_model).set_index(["row", "col"])
    assert np.isnan(table.loc[(0, 0), "score"])
    assert not table.loc[(0, 0), "kept"]
    window = image[96:160, 96:160].copy()
    window[:4, :4, 3] = 0.0
    assert table.loc[(96, 96), "score"] == load_scorer(small_model).score(window[None])[0]
    raw = _score(path, small_model, reference_mode=True).set_index(["row", "col"])
    expected = load_scorer(small_model).score(image[None, :64, :64])[0]
    assert raw.loc[(0, 0), "score"] == expected


def test_a_zarr_group_gives_what_the_geotiff_gives(tmp_path: Path, small_model: ModelInfo) -> None:
    image = _image(seed=4)
    image[100:180, 30:60, 2] = np.nan
    tif = _write(tmp_path / "c.tif", image, crs="EPSG:32654", transform=UTM)
    group = xr.Dataset(
        {
            name: (("y", "x"), image[..., n])
            for n, name in reversed(list(enumerate(small_model.bands)))
        },
        coords={
            "y": 4_500_000 - 5 - 10.0 * np.arange(256),
            "x": 400_000 + 5 + 10.0 * np.arange(200),
        },
    ).rio.write_crs(32654)
    group.to_zarr(tmp_path / "c.zarr", consolidated=False)
    one, other = _score(tif, small_model), _score(tmp_path / "c.zarr", small_model)
    assert other.crs == one.crs
    assert other.geometry.geom_equals_exact(one.geometry, 1e-6).all()
    assert other.drop(columns="geometry").equals(one.drop(columns="geometry"))


def test_a_zarr_group_without_coordinates_is_in_pixels(
    tmp_path: Path, small_vv_model: ModelInfo
) -> None:
    image = _image(80, 100, 2)
    layers = {n: (("y", "x"), image[..., i]) for i, n in enumerate(small_vv_model.bands)}
    xr.Dataset(layers).to_zarr(tmp_path / "c.zarr")
    table = _score(tmp_path / "c.zarr", small_vv_model)
    assert table.crs is None
    assert table.total_bounds.tolist() == [0, 0, 96, 64]


def _missing(folder: Path) -> Path:
    return folder / "nothing.tif"


def _text(folder: Path) -> Path:
    path = folder / "c.tif"
    path.write_text("no raster")
    return path


def _two_bands(folder: Path) -> Path:
    return _write(folder / "c.tif", _image(bands=2))


def _complex(folder: Path) -> Path:
    return _write(folder / "c.tif", _image().astype(np.complex64))


def _small(folder: Path) -> Path:
    return _write(folder / "c.tif", _image(63, 200))


def _truncated(folder: Path) -> Path:
    path = _write(folder / "c.tif", _image(1000, 400))
    path.write_bytes(path.read_bytes()[:-2_000_000])
    return path


def _no_group(folder: Path) -> Path:
    (folder / "c.zarr").mkdir()
    return folder / "c.zarr"


def _other_names(folder: Path) -> Path:
    xr.Dataset({"vv": (("y", "x"), _image()[..., 0])}).to_zarr(folder / "c.zarr")
    return folder / "c.zarr"


def _damaged_chunk(folder: Path) -> Path:
    names = ("post_vv", "post_vh", "diff_vv", "diff_vh")
    xr.Dataset({n: (("y", "x"), _image()[..., 0]) for n in names}).to_zarr(folder / "c.zarr")
    (chunk,) = (p for p in (folder / "c.zarr" / "diff_vv" / "c").rglob("*") if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:1000])
    return folder / "c.zarr"


def _other_dims(folder: Path) -> Path:
    names = ("post_vv", "post_vh", "diff_vv", "diff_vh")
    layers = {n: (("x", "y"), _image()[..., 0]) for n in names}
    xr.Dataset(layers).to_zarr(folder / "c.zarr")
    return folder / "c.zarr"


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (_missing, InputError, "no such file"),
        (_text, InputError, "is no raster"),
        (_two_bands, ModelError, "has 2 bands; the model 'small-4' takes 4"),
        (_complex, InputError, "not real numbers"),
        (_small, InputError, "63 x 200 pixels, smaller than a window"),
        (_truncated, AssetError, "cannot be read"),
        (_no_group, InputError, "is no Zarr group"),
        (_other_names, ModelError, "has no post_vv"),
        (_damaged_chunk, AssetError, "cannot be read"),
        (_other_dims, InputError, "post_vv is float32"),
    ],
)
def test_what_cannot_be_scored_is_named_and_nothing_is_written(
    tmp_path: Path, small_model: ModelInfo, make: Any, kind: type[SarlraError], message: str
) -> None:
    path = make(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(kind, match=message) as caught:
        score_composite(
            path, small_model, reference_mode=False, threshold=None, out=out / "o.parquet"
        )
    assert path.name in str(caught.value)
    assert list(out.iterdir()) == []


def test_outputs_and_thresholds_that_cannot_be(tmp_path: Path, small_model: ModelInfo) -> None:
    path = _write(tmp_path / "c.tif", _image(64, 64))
    for out, message in (
        (tmp_path, "is a folder"),
        (tmp_path / "o.csv", "does not end in .parquet"),
        (tmp_path / "no" / "o.parquet", "its folder does not exist"),
    ):
        with pytest.raises(OutputError, match=message):
            score_composite(path, small_model, reference_mode=False, threshold=None, out=out)
    for reference_mode, threshold in ((True, 0.5), (False, 1.5), (False, float("nan"))):
        with pytest.raises(InputError, match="threshold"):
            score_composite(
                path,
                small_model,
                reference_mode=reference_mode,
                threshold=threshold,
                out=tmp_path / "o.parquet",
            )
    # One window that fits exactly: the tool has none here.
    with pytest.raises(InputError, match="smaller than a window"):
        _score(path, small_model, reference_mode=True)
    assert len(_score(path, small_model)) == 1
