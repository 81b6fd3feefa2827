"""Files of a catalogue as other programs open them: DuckDB, GDAL, geopandas, pystac."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pystac
import pytest
import rasterio
import shapely
import xarray as xr
from rio_cogeo.cogeo import cog_validate
from serving_world import EVENT
from typer.testing import CliRunner

from sarlra.catalog.validate import validate_document
from sarlra.cli.app import app

TABLE = f"collections/{EVENT}/detections.parquet"


@pytest.fixture(scope="module")
def table(mapped_folder: Path) -> gpd.GeoDataFrame:
    return gpd.read_parquet(mapped_folder / TABLE)


def half(table: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """A box around some windows, not all."""
    west, south, east, north = table.total_bounds
    return (west, south, (west + east) / 2 - 1e-6, north)


def test_geoparquet_says_what_it_is(mapped_folder: Path, table: gpd.GeoDataFrame) -> None:
    for file in (
        *mapped_folder.rglob("detections.parquet"),
        *mapped_folder.rglob("outlines.parquet"),
    ):
        stored = pq.read_schema(file)
        about = json.loads(stored.metadata[b"geo"])
        column = about["columns"][about["primary_column"]]
        assert about["version"] == "1.1.0"
        assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
        assert column["encoding"] == "WKB"
        assert [stored.field("bbox").type.field(n).name for n in range(4)] == [
            "xmin",
            "ymin",
            "xmax",
            "ymax",
        ]
    inside = gpd.read_parquet(mapped_folder / TABLE, bbox=half(table))
    assert 0 < len(inside) < len(table)
    assert set(inside.index) == set(range(len(inside)))


def test_duckdb_reads_it_by_its_covering(mapped_folder: Path, table: gpd.GeoDataFrame) -> None:
    """Plain SQL without any extension: the covering is a column, the geometry comes as WKB."""
    west, south, east, north = half(table)
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    rows = connection.execute(
        "select score, track, geometry from read_parquet(?) where bbox.xmin <= ? "
        "and bbox.xmax >= ? and bbox.ymin <= ? and bbox.ymax >= ? order by score desc",
        [str(mapped_folder / TABLE), east, west, north, south],
    ).fetchall()
    bounds = table.geometry.bounds
    wanted = table[(bounds.minx <= east) & (bounds.maxx >= west)].sort_values(
        "score", ascending=False
    )
    assert 0 < len(wanted) < len(table)
    assert [row[0] for row in rows] == pytest.approx(wanted["score"].tolist())
    assert [row[1] for row in rows] == wanted["track"].tolist()
    shapes = shapely.from_wkb([bytes(row[2]) for row in rows])
    assert all(a.equals(b) for a, b in zip(shapes, wanted.geometry, strict=True))


def duckdb_library() -> str:
    return str(next(Path(duckdb.__file__).parents[1].glob("_duckdb*.so")))


def test_gdal_reads_the_table(mapped_folder: Path, table: gpd.GeoDataFrame) -> None:
    """GDAL of pyogrio's wheel: its ADBC driver, over DuckDB's library, reads GeoParquet."""
    source = f"ADBC:{mapped_folder / TABLE}"
    found = pyogrio.read_dataframe(source, ADBC_DRIVER=duckdb_library())
    assert found.crs.to_epsg() == 4326
    assert len(found) == len(table)
    assert found["score"].tolist() == pytest.approx(table["score"].tolist())
    assert all(a.equals(b) for a, b in zip(found.geometry, table.geometry, strict=True))
    part = pyogrio.read_dataframe(source, ADBC_DRIVER=duckdb_library(), bbox=half(table))
    bounds = table.geometry.bounds
    assert len(part) == int((bounds.minx <= half(table)[2]).sum())


def test_gdal_programs_of_debian_open_the_other_files(
    mapped_folder: Path, table: gpd.GeoDataFrame
) -> None:
    """What needs no driver that Debian leaves out: GeoJSON by ogrinfo, COGs by gdalinfo."""
    assert shutil.which("ogrinfo"), "apt-get install gdal-bin"
    file = mapped_folder / TABLE.replace(".parquet", ".geojson")
    told = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-so", str(file)], capture_output=True, text=True, check=True
    ).stdout
    assert f"Feature Count: {len(table)}" in told
    (cog, *_) = sorted(mapped_folder.glob("items/*/visibility.tif"))
    told = subprocess.run(
        ["gdalinfo", "-json", str(cog)], capture_output=True, text=True, check=True
    ).stdout
    about = json.loads(told)
    assert about["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
    (band,) = about["bands"]
    assert (band["description"], band["colorInterpretation"]) == ("visibility", "Palette")
    assert band["colorTable"]["entries"][1] == [102, 90, 140, 255]


def links_of(folder: Path, file: Path, seen: dict[Path, dict[str, object]]) -> None:
    """Walk down by relative links alone, as a browser of static catalogues does."""
    document = json.loads(file.read_text())
    seen[file] = document
    for link in document["links"]:
        if link["rel"] not in ("child", "item", "parent", "root", "collection"):
            continue
        assert "://" not in link["href"], (file, link)
        assert not link["href"].startswith("/"), (file, link)
        target = (file.parent / link["href"]).resolve()
        assert target.is_relative_to(folder.resolve())
        assert target.is_file(), (file, link)
        if link["rel"] in ("child", "item") and target not in seen:
            links_of(folder, target, seen)
    for key, asset in document.get("assets", {}).items():
        assert (file.parent / asset["href"]).exists(), (file, key)


def test_every_file_is_reached_by_relative_links(mapped_folder: Path) -> None:
    seen: dict[Path, dict[str, object]] = {}
    links_of(mapped_folder, (mapped_folder / "catalog.json").resolve(), seen)
    kinds = [str(document["type"]) for document in seen.values()]
    assert (kinds.count("Catalog"), kinds.count("Collection"), kinds.count("Feature")) == (1, 1, 3)
    items = {path.resolve() for path in mapped_folder.glob("items/*/*.json")}
    assert items == {p for p, d in seen.items() if d["type"] == "Feature"}


def test_pystac_copies_it_whole(mapped_folder: Path, tmp_path: Path, shared_data: Path) -> None:
    catalogue = pystac.Catalog.from_file(str(mapped_folder / "catalog.json"))
    copy = catalogue.full_copy()
    copy.make_all_asset_hrefs_absolute()
    copy.normalize_hrefs(str(tmp_path))
    copy.make_all_asset_hrefs_relative()
    copy.save(pystac.CatalogType.SELF_CONTAINED)
    again = pystac.Catalog.from_file(str(tmp_path / "catalog.json"))
    items = {item.id: item for item in again.get_items(recursive=True)}
    originals = {item.id: item for item in catalogue.get_items(recursive=True)}
    assert items.keys() == originals.keys()
    assert len(items) == 3
    for name, item in items.items():
        assert item.properties == originals[name].properties
        # The files were not copied; the copy names those of the original.
        path = Path(str(item.assets["scores"].get_absolute_href()))
        with rasterio.open(path) as raster:
            assert raster.descriptions == ("score",)
        assert item.get_parent() is not None
        validate_document(item.to_dict(include_self_link=False), shared_data / "stac-schemas")


def test_composite_for_gdal(mapped_folder: Path, tmp_path: Path) -> None:
    """The tile as one COG, read by Debian's GDAL and held against the Zarr store."""
    (name,) = [p.name for p in mapped_folder.glob("items/*_T046D_v2")]
    out = tmp_path / "composite.tif"
    done = CliRunner().invoke(
        app, ["catalog", "composite", str(mapped_folder), name, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert cog_validate(out, strict=True) == (True, [], [])
    stored = xr.open_zarr(mapped_folder / f"composites/{EVENT}.zarr/v2/32654/T046D")
    with rasterio.open(out) as raster:
        for number, band in enumerate(raster.descriptions, start=1):
            values = raster.read(number)
            known = np.isfinite(values)
            np.testing.assert_array_equal(values[known], stored[band].values[known])
            if band.startswith(("post_", "diff_")):
                np.testing.assert_array_equal(known, np.isfinite(stored[band].values))
        assert raster.units[0] == "dB"
        assert raster.crs.to_epsg() == 32654
    told = subprocess.run(["gdalinfo", str(out)], capture_output=True, text=True, check=True).stdout
    assert "Description = n_pre" in told
    done = CliRunner().invoke(app, ["catalog", "composite", str(mapped_folder), "no", "--out", "x"])
    assert "no item no" in str(done.exception)


def test_plain_zarr_of_a_composite_opens_in_gdal(mapped_folder: Path, tmp_path: Path) -> None:
    (name,) = [p.name for p in mapped_folder.glob("items/*_T046D_v2")]
    out = tmp_path / "composite.zarr"
    command = ["catalog", "composite", str(mapped_folder), name, "--out", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    group = mapped_folder / f"composites/{EVENT}.zarr/v2/32654/T046D"
    stored, plain = (xr.open_zarr(path, mask_and_scale=False) for path in (group, out))
    for band in ("post_vv", "diff_vv", "n_pre", "n_post"):
        with rasterio.open(f'ZARR:"{out}":/{band}') as raster:
            values = raster.read(1)
            assert raster.crs.to_epsg() == 32654
            assert raster.res == (10, 10)
            left, top = plain["x"].values[0] - 5, plain["y"].values[0] + 5
            assert (raster.transform.c, raster.transform.f) == (left, top)
        held = stored[band].sel(y=plain["y"], x=plain["x"]).values
        np.testing.assert_array_equal(values, held)
        assert values.dtype == held.dtype
    again = CliRunner().invoke(app, command)
    assert "exists" in str(again.exception)


def test_xarray_opens_the_composite_as_its_asset_says(mapped_folder: Path) -> None:
    catalogue = pystac.Catalog.from_file(str(mapped_folder / "catalog.json"))
    item = next(iter(catalogue.get_items(recursive=True)))
    asset = item.assets["composite"]
    options = asset.extra_fields["xarray:open_kwargs"]
    composite = xr.open_dataset(str(asset.get_absolute_href()), **options)
    assert composite["diff_vv"].dims == ("y", "x")
    names = {band["name"] for band in asset.extra_fields["bands"]}
    assert names == set(composite.data_vars)
    assert np.isfinite(composite["diff_vv"].values).any()
