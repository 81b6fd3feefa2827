"""The QGIS project: every layer is a file beside it, in the colours of the legend."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import geopandas as gpd
import pyogrio
import pytest
import rasterio
from serving_world import EVENT
from typer.testing import CliRunner

from sarlra.catalog.looks import LOOKS
from sarlra.cli.app import app
from sarlra.errors import InputError
from sarlra.serving.looks import legend


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_layers_are_files_by_relative_paths(
    mapped_folder: Path, tmp_path: Path, where: str
) -> None:
    out = mapped_folder / "event.qgs" if where == "inside" else tmp_path / "event.qgs"
    done = CliRunner().invoke(
        app, ["catalog", "qgis", str(mapped_folder), EVENT, "--out", str(out)]
    )
    assert done.exit_code == 0, (done.output, done.exception)
    root = Xml.fromstring(out.read_bytes())
    layers = root.findall("projectlayers/maplayer")
    assert len(layers) == 9  # detections, and four rasters of each track's current item
    for layer in layers:
        source = str(layer.findtext("datasource"))
        assert source.startswith(".")
        path = (out.parent / source).resolve()
        if layer.get("type") == "raster":
            with rasterio.open(path) as raster:
                assert layer.findtext("srs/spatialrefsys/authid") == str(raster.crs)
        else:
            assert pyogrio.read_info(path)["features"] > 0
    names = [layer.findtext("id") for layer in layers]
    assert all(len(str(name)) > 10 for name in names)
    assert sorted(n.get("id", "") for n in root.iter("layer-tree-layer")) == sorted(map(str, names))
    assert [g.get("name") for g in root.iter("layer-tree-group")][1:] == ["T046D", "T068A"]
    ranges = [(float(r.get("lower", "")), float(r.get("upper", ""))) for r in root.iter("range")]
    assert max(r[1] for r in ranges) == 1
    assert min(r[0] for r in ranges) == 0
    change = next(x for x in layers if str(x.findtext("id")).startswith("change"))
    colours = [item.get("color") for item in change.iter("item")]
    assert colours == legend(LOOKS["diff_vv"])["colours"]


def test_other_endings_are_refused(mapped_folder: Path, tmp_path: Path) -> None:
    words = ["catalog", "qgis", str(mapped_folder), EVENT, "--out", str(tmp_path / "x.qgz")]
    assert isinstance(CliRunner().invoke(app, words).exception, InputError)


def test_detections_in_other_formats(mapped_folder: Path, tmp_path: Path) -> None:
    table = gpd.read_parquet(mapped_folder / f"collections/{EVENT}/detections.parquet")
    for ending in ("geojson", "parquet", "kml", "csv"):
        out = tmp_path / f"found.{ending}"
        words = ["catalog", "detections", str(mapped_folder), EVENT, "--out", str(out)]
        done = CliRunner().invoke(app, [*words, "--min-score", "0.75"])
        assert done.exit_code == 0, (done.output, done.exception)
        wanted = int((table["score"] >= 0.75).sum())
        assert f"{wanted} detections" in done.output
        assert out.stat().st_size > 0
    words[-1] = str(tmp_path / "found.shp")
    assert isinstance(CliRunner().invoke(app, words).exception, InputError)
