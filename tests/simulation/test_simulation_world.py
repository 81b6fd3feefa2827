import hashlib
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pystac
import pytest
import rasterio
import shapely
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import shape

from sarlra.errors import InputError, OutputError
from sarlra.simulation.layout import DEFAULT_CENTRE, DEFAULT_EPSG, make_layout
from sarlra.simulation.timetable import plan_passes
from sarlra.simulation.world import DEFAULT_ORIGIN, simulate

_CORE = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema"


@pytest.fixture(scope="module")
def features(sim_world):
    return json.loads(sim_world.items.read_text())["features"]


@pytest.fixture(scope="module")
def rtc(features):
    return [f for f in features if f["collection"] == "sentinel-1-rtc"]


def _digest(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_equal_seeds_give_equal_bytes(tmp_path):
    simulate(5, tmp_path / "a", size_px=256, pre_days=12)
    simulate(5, tmp_path / "b", size_px=256, pre_days=12)
    simulate(6, tmp_path / "c", size_px=256, pre_days=12)
    first, second, other = (_digest(tmp_path / name) for name in "abc")
    assert first == second
    assert first.keys() & other.keys() >= {"event.geojson", "dem.tif", "inventory.gpkg"}
    assert not any(first[name] == other[name] for name in ("dem.tif", "inventory.gpkg"))


def test_land_cover_is_that_of_worldcover(sim_world):
    with rasterio.open(sim_world.root / "land-cover.tif") as raster:
        codes = raster.read(1)
        assert raster.bounds == pytest.approx(sim_world.bounds)
        assert raster.dtypes == ("uint8",)
    assert codes.shape == (sim_world.size_px, sim_world.size_px)
    assert set(np.unique(codes)) <= {10, 20, 30, 40, 50, 60, 80}
    assert (codes == 10).mean() > 0.2


def test_items_are_valid_stac(features):
    """Items are written as STAC 1.0.0; the core schema at hand offline is that of 1.1.0, which
    differs from it in nothing that these items use.
    """
    validator = Draft7Validator(
        get_local_schema_cache()[f"{_CORE}/item.json"],
        registry=Registry().with_resources(
            [(u, Resource.from_contents(v)) for u, v in get_local_schema_cache().items()]
        ),
    )
    for feature in features:
        assert feature["stac_version"] == "1.0.0"
        validator.validate({**feature, "stac_version": "1.1.0"})
        item = pystac.Item.from_dict(feature)
        assert item.datetime is not None
    broken = {**features[0], "stac_version": "1.1.0", "geometry": None}
    with pytest.raises(ValidationError):
        validator.validate({k: v for k, v in broken.items() if k != "assets"})


def test_items_are_valid_against_extension_schemas(features, shared_data):
    registry = Registry(retrieve=lambda uri: _local(uri, shared_data))
    checked = set()
    for feature in features:
        for uri in feature["stac_extensions"]:
            if "/product/" in uri:
                continue  # its schema is not at hand
            schema = _local(uri, shared_data).contents
            Draft7Validator(schema, registry=registry).validate(feature)
            checked.add(uri)
    assert len(checked) >= 7


def test_the_schemas_at_hand_refuse_what_is_wrong(rtc, shared_data):
    uri = next(u for u in rtc[0]["stac_extensions"] if "/sat/" in u)
    broken = json.loads(json.dumps(rtc[0]))
    broken["properties"]["sat:orbit_state"] = "sideways"
    registry = Registry(retrieve=lambda u: _local(u, shared_data))
    with pytest.raises(ValidationError):
        Draft7Validator(_local(uri, shared_data).contents, registry=registry).validate(broken)


def _local(uri, shared_data):
    if uri.startswith("https://stac-extensions.github.io/"):
        path = shared_data / "stac-schemas" / uri.split(".io/")[1].split("#")[0]
        return Resource.from_contents(json.loads(path.read_text()))
    # Extension schemas refer to core and GeoJSON schemas for parts that the core check covers.
    return Resource.from_contents({"$schema": "http://json-schema.org/draft-07/schema#"})


def test_items_have_what_real_ones_have(rtc, features, shared_data):
    real = json.loads((shared_data / "stac-items" / "mspc-s1-rtc.json").read_text())
    for item in rtc:
        assert real["properties"].keys() <= item["properties"].keys()
        assert set(real["stac_extensions"]) == set(item["stac_extensions"])
        for name in ("vv", "vh"):
            assert real["assets"][name].keys() == item["assets"][name].keys()
            assert real["assets"][name]["raster:bands"] == item["assets"][name]["raster:bands"]
        for name, value in real["properties"].items():
            ours = item["properties"][name]
            assert isinstance(ours, type(value)) or isinstance(value, int | float), name
    real = json.loads((shared_data / "stac-items" / "mspc-s1-grd.json").read_text())
    for item in (f for f in features if f["collection"] == "sentinel-1-grd"):
        # The grid of the detected image is that of a file which is not there.
        assert real["properties"].keys() - item["properties"].keys() == {"proj:shape"}


def test_files_have_the_grids_and_sums_that_items_state(sim_world, rtc):
    origins = set()
    for item in rtc:
        for name in ("vv", "vh"):
            asset = item["assets"][name]
            path = sim_world.root / asset["href"]
            content = path.read_bytes()
            assert len(content) == asset["file:size"]
            assert hashlib.md5(content).hexdigest() == asset["file:checksum"]
            with rasterio.open(path) as raster:
                assert raster.crs.to_epsg() == item["properties"]["proj:epsg"] == 32654
                assert list(raster.shape) == item["properties"]["proj:shape"]
                assert list(raster.transform) == item["properties"]["proj:transform"]
                assert list(raster.bounds) == item["properties"]["proj:bbox"]
                assert raster.nodata == -32768
                assert raster.dtypes == ("float32",)
                assert raster.transform.c % 10 == 0
                assert raster.transform.f % 10 == 0
                origins.add((raster.transform.c, raster.transform.f))
    assert len(origins) > len(rtc) / 2  # not one common grid


def test_files_are_cogs_as_published(sim_world, rtc):
    path = sim_world.root / rtc[0]["assets"]["vv"]["href"]
    valid, errors, warnings = cog_validate(path, strict=True)
    assert valid, (errors, warnings)
    with rasterio.open(path) as raster:
        assert raster.block_shapes == [(512, 512)]
        assert raster.compression.value == "DEFLATE"
        assert raster.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "3"
        if max(raster.shape) > 512:
            assert raster.overviews(1)


def test_no_data_is_real_and_the_footprint_tells_of_it(sim_world, rtc):
    slanted = 0
    for item in rtc:
        with rasterio.open(sim_world.root / item["assets"]["vv"]["href"]) as raster:
            image, transform = raster.read(1), raster.transform
        with rasterio.open(sim_world.root / item["assets"]["vh"]["href"]) as raster:
            assert np.array_equal(raster.read(1) == -32768, image == -32768)
        held = image != -32768
        assert (image[held] > 0).all()
        assert 0 < held.mean() < 1
        x, y = transform * (np.argwhere(held)[::97, ::-1] + 0.5).T
        layout = make_layout(sim_world.size_px, sim_world.epsg, DEFAULT_CENTRE)
        lon, lat = layout.to_lonlat(x, y)
        assert shapely.contains_xy(shape(item["geometry"]).buffer(2e-4), lon, lat).all()
        inner = shape(item["geometry"]).buffer(-3e-4)
        x, y = transform * (np.argwhere(~held)[::97, ::-1] + 0.5).T
        assert not shapely.contains_xy(inner, *layout.to_lonlat(x, y)).any()
        if item["properties"]["sat:orbit_state"] == "ascending":
            ends = [np.flatnonzero(row)[-1] for row in held if row.any()]
            slanted += len(set(ends)) > 10
    assert slanted >= 8


def test_slices_of_a_pass_overlap_a_little_and_agree_there(sim_world, rtc):
    passes = {}
    for item in rtc:
        passes.setdefault(item["properties"]["sat:absolute_orbit"], []).append(item)
    assert sorted(len(group) for group in passes.values()) == [2] * 15 + [3]
    pair = next(group for group in passes.values() if len(group) == 2)
    canvas = []
    for item in pair:
        with rasterio.open(sim_world.root / item["assets"]["vv"]["href"]) as raster:
            full = np.full((700, 700), np.nan)
            col = round((raster.transform.c - sim_world.bounds[0]) / 10) + 90
            row = round((sim_world.bounds[3] - raster.transform.f) / 10) + 90
            image = raster.read(1)
            part = full[row : row + image.shape[0], col : col + image.shape[1]]
            part[image != -32768] = image[image != -32768]
            canvas.append(full)
    both = np.isfinite(canvas[0]) & np.isfinite(canvas[1])
    assert 0.02 < both.sum() / 512**2 < 0.15
    assert np.array_equal(canvas[0][both], canvas[1][both])


def test_the_superseded_copy_is_older_brighter_and_told_apart(sim_world, rtc):
    copies = [i for i in rtc if "s1:processing_datetime" in i["properties"]]
    assert len(copies) == 2
    old, new = sorted(copies, key=lambda i: i["properties"]["s1:processing_datetime"])
    assert old["id"] > new["id"]  # so that the id alone would mislead
    for name in ("sat:absolute_orbit", "s1:datatake_id", "s1:slice_number"):
        assert old["properties"][name] == new["properties"][name]
    start = [datetime.fromisoformat(i["properties"]["start_datetime"]) for i in (old, new)]
    assert timedelta(0) < start[0] - start[1] <= timedelta(seconds=1)
    levels = []
    for item in (old, new):
        with rasterio.open(sim_world.root / item["assets"]["vv"]["href"]) as raster:
            image = raster.read(1)
        levels.append(10 * np.log10(image[image > 0]).mean())
    assert levels[0] - levels[1] == pytest.approx(1.5, abs=0.01)


def test_each_track_has_five_pre_one_post_and_two_outside(rtc):
    days = {}
    for item in rtc:
        p = item["properties"]
        time = datetime.fromisoformat(p["datetime"])
        day = (time - DEFAULT_ORIGIN) / timedelta(days=1)
        days.setdefault((p["sat:orbit_state"], p["sat:relative_orbit"]), {})[
            p["sat:absolute_orbit"]
        ] = day
        assert (p["sat:absolute_orbit"] - 73) % 175 + 1 == p["sat:relative_orbit"]
    assert sorted(state for state, _ in days) == ["ascending", "descending"]
    for found in days.values():
        values = np.array(sorted(found.values()))
        assert ((values >= -60) & (values < 0)).sum() == 5
        assert ((values > 0) & (values <= 12)).sum() == 1
        assert (values < -60).sum() == (values > 12).sum() == 1
        assert np.allclose(np.diff(values), 12, atol=0.001)


def test_hrefs_are_relative_and_lead_to_files(sim_world, features):
    ids = {f["id"] for f in features}
    assert len(ids) == len(features)
    for feature in features:
        for asset in feature["assets"].values():
            assert asset["href"].startswith("./")
            assert (sim_world.root / asset["href"]).is_file()
        for link in feature["links"]:
            if link["rel"] == "derived_from":
                path = sim_world.root / link["href"]
                source = json.loads(path.read_text())
                assert source["id"] in ids
                assert feature["id"] == source["id"] + "_rtc"
                for asset in source["assets"].values():
                    assert (path.parent / asset["href"]).is_file()


def test_dem_is_the_relief(sim_world, sim_ground, features):
    item = next(f for f in features if f["collection"] == "cop-dem-glo-30")
    with rasterio.open(sim_world.dem) as raster:
        assert raster.crs.to_epsg() == 4326
        assert raster.dtypes == ("float32",)
        assert raster.res == pytest.approx((1 / 3600, 1 / 3600))
        assert list(raster.shape) == item["properties"]["proj:shape"]
        assert list(raster.transform) == pytest.approx(item["properties"]["proj:transform"])
        assert (raster.transform.c * 3600 + 0.5) % 1 == pytest.approx(0, abs=1e-6)
        layout = sim_ground.layout
        rows, cols = np.mgrid[5:507:25, 5:507:25].reshape(2, -1)
        x, y = layout.transform * (cols + 0.5, rows + 0.5)
        lon, lat = layout.to_lonlat(x, y)
        heights = np.array([v[0] for v in raster.sample(np.stack([lon, lat], axis=1))])
    error = heights - sim_ground.terrain.elevation[rows, cols]
    assert abs(np.median(error)) < 1.5
    # Half a posting on a 30 degree slope is 9 m.
    assert np.abs(error).max() < 25
    assert valid_box(item["bbox"], sim_world.area)


def valid_box(outer, inner):
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[2] >= inner[2]
        and outer[3] >= inner[3]
    )


def test_event_is_a_usgs_detail(sim_world, shared_data):
    event = json.loads(sim_world.event.read_text())
    real = json.loads((shared_data / "usgs" / "us2000h8ty.geojson").read_text())
    assert event.keys() == real.keys()
    assert event["properties"].keys() == real["properties"].keys() - {"detail"}
    for name in ("origin", "shakemap"):
        ours, theirs = (e["properties"]["products"][name][0] for e in (event, real))
        assert ours.keys() == theirs.keys()
    assert event["properties"]["time"] == DEFAULT_ORIGIN.timestamp() * 1000
    shaking = event["properties"]["products"]["shakemap"][0]["properties"]
    west, south, east, north = (
        float(shaking[f"{end}-{axis}"])
        for end, axis in (
            ("minimum", "longitude"),
            ("minimum", "latitude"),
            ("maximum", "longitude"),
            ("maximum", "latitude"),
        )
    )
    assert valid_box(sim_world.area, (west, south, east, north))
    lon, lat, depth = event["geometry"]["coordinates"]
    assert west < lon < east
    assert south < lat < north
    assert depth > 0


def test_progress_is_told_from_start_to_end(tmp_path):
    told = []
    world = simulate(
        1, tmp_path, size_px=256, pre_days=24, progress=lambda *step: told.append(step)
    )
    assert told[0] == ("ground", 0, 1)
    assert told[-1] == ("truth", 1, 1)
    counts = [done for stage, done, _ in told if stage == "acquisitions"]
    assert counts == list(range(len(counts)))
    assert counts[-1] == sum(n for _, _, n in world.tracks)
    # A second world takes the place of the first.
    before = json.loads(world.items.read_text())
    simulate(2, tmp_path, size_px=256, pre_days=24)
    listed = {p.name for p in (tmp_path / "rtc").iterdir()}
    items = json.loads((tmp_path / "items.json").read_text())["features"]
    assert listed == {i["id"] for i in items if i["collection"] == "sentinel-1-rtc"}
    assert before["features"] != items


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "rtc").mkdir()
    with pytest.raises(OutputError, match=r"thesis\.txt"):
        simulate(1, tmp_path, size_px=256)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rtc", "thesis.txt"]
    with pytest.raises(OutputError, match="not a folder"):
        simulate(1, tmp_path / "thesis.txt", size_px=256)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"seed": -1}, "seed -1"),
        ({"size_px": 64}, "size_px 64"),
        ({"epsg": 3857}, "EPSG:3857"),
        ({"origin": datetime(2023, 9, 5)}, "no time zone"),
        ({"origin": datetime(2009, 4, 6, tzinfo=UTC)}, "before Sentinel-1A"),
        ({"pre_days": 3}, "windows of 3 days"),
        ({"post_days": 2}, "2 after"),
    ],
)
def test_bad_choices_are_named_and_write_nothing(tmp_path, choice, words):
    arguments = {"seed": 1, "size_px": 256, **choice}
    seed = arguments.pop("seed")
    with pytest.raises(InputError, match=words):
        simulate(seed, tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_longer_windows_get_more_passes():
    layout = make_layout(256, DEFAULT_EPSG, DEFAULT_CENTRE)
    passes = plan_passes(1, layout, DEFAULT_ORIGIN, 365, 48)
    for state in ("ascending", "descending"):
        days = np.array([p.day for p in passes if p.orbit_state == state])
        assert ((days >= -365) & (days < 0)).sum() in (30, 31)
        assert ((days > 0) & (days <= 48)).sum() == 4
        assert (np.diff(days) > 0).all()


def test_a_southern_world_can_be_made(tmp_path):
    world = simulate(3, tmp_path, size_px=256, epsg=32755, centre=(450_000.0, 9_300_000.0))
    assert world.area[1] < world.area[3] < 0
    with rasterio.open(next((tmp_path / "rtc").rglob("*.tiff"))) as raster:
        assert raster.crs.to_epsg() == 32755
