"""From a track to its geometry and visibility: over links, servers, and where nothing answers."""

from __future__ import annotations

import copy
import json
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer

from sarlra.errors import TerrainError
from sarlra.events.resolve import resolve_event
from sarlra.jobs.relief import choose_terrain
from sarlra.recipe import make_recipe
from sarlra.scenes.find import find_scenes
from sarlra.scenes.model import Acquisition, Slice, Track
from sarlra.scenes.sources import open_source
from sarlra.simulation.geometry import make_swath
from sarlra.simulation.layout import make_layout
from sarlra.simulation.world import SimulatedWorld, simulate
from sarlra.terrain import grd
from sarlra.terrain.annotation import parse_annotation
from sarlra.terrain.choice import DemSource, TerrainChoice
from sarlra.terrain.given import GivenGeometry
from sarlra.terrain.grd import annotation_of, product_address
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.patience import within
from sarlra.terrain.sphere import incidence_at
from sarlra.terrain.tile import tile_terrain
from sarlra.terrain.track import find_geometry
from tests.servers.blobs import BlobServer

NOW = datetime(2021, 4, 1, 5, 26, 23, tzinfo=UTC)
BOTH = frozenset({"ascending", "descending"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    return simulate(11, tmp_path_factory.mktemp("terrain-world"), size_px=256)


@pytest.fixture(scope="module")
def tracks(world: SimulatedWorld) -> tuple[Track, ...]:
    event = resolve_event(str(world.event))
    return find_scenes(event, open_source(str(world.items)), make_recipe()).tracks


@pytest.fixture
def grid(world: SimulatedWorld) -> GroundGrid:
    left, _, _, top = world.bounds
    transform = Affine(10, 0, left, 0, -10, top)
    return GroundGrid(f"EPSG:{world.epsg}", transform, (world.size_px,) * 2)


def real_slice(grd_href: str | None, geometry: shapely.Geometry) -> Slice:
    return Slice(
        item_id="S1B_20210401_rtc", collection="sentinel-1-rtc", datetime=NOW,
        platform="sentinel-1b", relative_orbit=168, orbit_state="descending",
        absolute_orbit=26269, datatake="205463", assets=(("VV", "/a.tif"),), epsg=32632,
        transform=None, shape=None, geometry=geometry, grd_href=grd_href,
    )  # fmt: skip


def track_of(*slices: Slice) -> Track:
    acquisition = Acquisition("a", NOW, "sentinel-1b", slices)
    return Track(168, "descending", (acquisition,), (acquisition,))


def test_a_simulated_world_is_followed_to_its_annotation(
    world: SimulatedWorld, tracks: tuple[Track, ...]
) -> None:
    """Incidence as the world was made with it, by its swath's own round Earth."""
    layout = make_layout(world.size_px, world.epsg, _centre(world))
    swaths = {
        "ascending": make_swath(layout, "ascending", cut=0.14),
        "descending": make_swath(layout, "descending", incidence=36.0),
    }
    assert {t.orbit_state for t in tracks} == BOTH
    x, y = np.meshgrid(np.linspace(*world.bounds[::2], 5), np.linspace(*world.bounds[1::2], 5))
    lon, lat = Transformer.from_crs(world.epsg, 4326, always_xy=True).transform(x, y)
    for track in tracks:
        area = shapely.box(*world.area)
        found = find_geometry(track, area, None, 10.0)
        assert found.geometry.origin == "annotation"
        assert found.notes == ()
        look = found.geometry.at(lon, lat)
        swath = swaths[track.orbit_state]
        assert np.abs(look.incidence - incidence_at(swath.across(x, y))).max() < 0.02
        expected = (swath.heading + 90.0) % 360.0
        assert np.abs((look.look_azimuth - expected + 180) % 360 - 180).max() < 0.5


def _centre(world: SimulatedWorld) -> tuple[float, float]:
    left, bottom, right, top = world.bounds
    return (left + right) / 2, (bottom + top) / 2


def test_visibility_of_a_simulated_tile(
    world: SimulatedWorld, tracks: tuple[Track, ...], grid: GroundGrid
) -> None:
    source = open_source(str(world.items))
    choice = choose_terrain("auto", None, None, source, BOTH)
    for track in tracks:
        found = tile_terrain(track, grid, choice, None, sigma0e=True)
        assert (found.geometry, found.notes) == ("annotation", ())
        assert found.dem is not None
        assert found.visibility.shape == grid.shape
        assert (found.visibility != 255).mean() > 0.99
        assert 0.5 < (found.visibility == 0).mean() < 1.0
        assert found.sigma0e_db is not None
        assert -4.0 < float(np.median(found.sigma0e_db)) < 0.0
        angles = find_geometry(track, shapely.box(*world.area), None, 10.0).geometry.at(
            *(np.array([edge]) for edge in shapely.box(*world.area).centroid.coords[0])
        )
        assert found.incidence is not None
        assert len(found.incidence) == 16
        assert np.abs(found.incidence - angles.incidence).max() < 0.5
        # The part of a tile is as it is in the whole, but for the edges of shadows and layover:
        # its rays pass elsewhere between the pixels' centres.
        part = GroundGrid(grid.crs, grid.transform @ Affine.translation(64, 96), (100, 80))
        again = tile_terrain(track, part, choice, None)
        whole = found.visibility[96:196, 64:144]
        assert (again.visibility == whole).mean() > 0.99
        assert again.sigma0e_db is None


def test_mountains_beyond_a_tile_hide_what_is_in_it(tmp_path: Path) -> None:
    import rasterio

    east = np.arange(600) * 10.0 + 5.0
    heights = np.tile(np.where(east < 2000, 1500.0, 0.0).astype(np.float32), (300, 1))
    path = tmp_path / "wall.tif"
    transform = Affine(10, 0, 500_000, 0, -10, 5_000_000)
    with rasterio.open(path, "w", driver="GTiff", dtype="float32", count=1, width=600, height=300,
                       crs="EPSG:32633", transform=transform) as dataset:  # fmt: skip
        dataset.write(heights, 1)
    grid = GroundGrid("EPSG:32633", transform @ Affine.translation(240, 50), (200, 300))
    choice = TerrainChoice(DemSource(file=path), GivenGeometry(45.0, 0.0))
    found = tile_terrain(track_of(), grid, choice, None)
    shadow_end = 2000.0 + 1500.0 * np.tan(np.deg2rad(45.0))
    x = 2400.0 + np.arange(300) * 10.0
    inside = found.visibility[100]
    assert (inside[x < shadow_end - 40] == 4).all()
    assert (inside[x > shadow_end + 40] == 0).all()


def test_addresses_beside_the_product_annotation(shared_data: Path) -> None:
    stated = json.loads((shared_data / "stac-items" / "mspc-s1-grd.json").read_text())
    href = stated["assets"]["schema-product-vv"]["href"]
    assert href.endswith("annotation/rfi/rfi-iw-vv.xml")
    assert product_address(href) == href.replace("annotation/rfi/rfi-iw-vv", "annotation/iw-vv")
    assert product_address("/x/annotation/calibration/noise-iw-vv.xml") == "/x/annotation/iw-vv.xml"
    assert product_address("https://h/annotation/rfi/rfi-iw-vv.xml?sv=1") == (
        "https://h/annotation/iw-vv.xml?sv=1"
    )
    for plain in ("/x/annotation/iw-vv.xml", "/x/iw-vv.xml", "https://h/a/rfi-iw-vv.xml"):
        assert product_address(plain) is None


@pytest.fixture
def blobs(tmp_path: Path, shared_data: Path) -> Iterator[BlobServer]:
    """The real GRD item and annotation, laid out as the Planetary Computer has them."""
    folder = tmp_path / "safe"
    (folder / "annotation" / "rfi").mkdir(parents=True)
    real = next((shared_data / "s1-annotation").glob("*-vv-*.xml"))
    shutil.copy(real, folder / "annotation" / "iw-vv.xml")
    (folder / "annotation" / "rfi" / "rfi-iw-vv.xml").write_text("<rfi><adsHeader/></rfi>")
    with BlobServer(tmp_path, lifetime_s=60.0) as server:
        item = json.loads((shared_data / "stac-items" / "mspc-s1-grd.json").read_text())
        for asset in item["assets"].values():
            name = asset["href"].partition("_F9DE/")[2]
            asset["href"] = server.href(f"safe/{name}")
        (tmp_path / "grd.json").write_text(json.dumps(item))
        yield server


def test_the_real_item_is_followed_past_the_rfi_annotation(
    blobs: BlobServer, tmp_path: Path, shared_data: Path
) -> None:
    policy = blobs.policy
    footprint = shapely.box(9.0, 46.0, 12.0, 47.0)
    scene = real_slice(str(tmp_path / "grd.json"), footprint)
    found = annotation_of(scene, policy, time.monotonic() + 20)
    assert found.platform == "S1B"
    assert blobs.count("annotation/iw-vv.xml") == 1
    assert blobs.count("rfi-iw-vv.xml") == 0
    # Without the product annotation, what stands there is refused as what it is.
    (tmp_path / "safe" / "annotation" / "iw-vv.xml").unlink()
    with pytest.raises(TerrainError, match=r"<rfi>"):
        annotation_of(scene, policy, time.monotonic() + 20)
    with pytest.raises(TerrainError) as caught:
        annotation_of(scene, None, time.monotonic() + 20)
    assert "HTTP 403" in caught.value.message
    assert "sig=" not in caught.value.message


def test_the_same_from_memory(monkeypatch: pytest.MonkeyPatch, shared_data: Path) -> None:
    """An address that states the product annotation is read as it is."""
    real = next((shared_data / "s1-annotation").glob("*-vv-*.xml"))
    item = {"assets": {"schema-product-vv": {"href": str(real)}}}
    assert list(grd._addresses(item, grd.Base(folder="/"))) == [str(real)]
    assert parse_annotation(real.read_bytes(), "x").orbit_state == "descending"


def test_a_footprint_stands_in_for_the_annotation(shared_data: Path) -> None:
    item = json.loads((shared_data / "stac-items" / "mspc-s1-rtc.json").read_text())
    outline = shapely.geometry.shape(item["geometry"])
    found = find_geometry(track_of(real_slice(None, outline)), outline, None, 5.0)
    assert found.geometry.origin == "footprint"
    (note,) = found.notes
    assert "does not say which GRD" in note
    look = found.geometry.at(np.array([4.2, 7.6]), np.array([51.6, 51.6]))
    assert 43.5 < look.incidence[0] < 46.5
    assert 30.0 < look.incidence[1] < 33.5


def test_without_geometry_or_dem_the_visibility_is_unknown(
    world: SimulatedWorld, tracks: tuple[Track, ...], grid: GroundGrid, tmp_path: Path
) -> None:
    choice = choose_terrain("auto", None, None, open_source(str(world.items)), BOTH)
    outline = shapely.box(*world.area).buffer(0.2)
    lost = track_of(real_slice(str(tmp_path / "absent.json"), outline))
    cases = [
        (lost, choice, "absent.json", "unknown"),
        (tracks[0], TerrainChoice(), "no DEM was wanted", "unknown"),
        (tracks[0], TerrainChoice(DemSource(file=tmp_path / "no.tif")), "no.tif", "annotation"),
    ]
    for track, chosen, words, origin in cases:
        found = tile_terrain(track, grid, chosen, None)
        assert (found.visibility == 255).all()
        assert words in found.notes[-1]
        assert found.geometry == origin
        assert found.dem is None
    # The way to sigma0 is then that of level ground.
    level = tile_terrain(tracks[0], grid, TerrainChoice(), None, sigma0e=True).sigma0e_db
    assert level is not None
    assert np.ptp(level) < 0.1
    assert tile_terrain(lost, grid, choice, None, sigma0e=True).sigma0e_db is None


def test_a_server_that_never_answers_is_given_up(
    grid: GroundGrid, monkeypatch: pytest.MonkeyPatch, world: SimulatedWorld
) -> None:
    monkeypatch.setenv("SARLRA_TERRAIN_WAIT_S", "1.0")
    choice = choose_terrain("auto", None, None, open_source(str(world.items)), BOTH)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        outline = shapely.box(*world.area).buffer(0.2)
        track = replace(track_of(real_slice(f"{address}/grd/item", outline)), relative_orbit=99)
        started = time.monotonic()
        found = tile_terrain(track, grid, choice, None)
        assert time.monotonic() - started < 5.0
        assert (found.visibility == 255).all()
        assert "within 1 s" in found.notes[0]
        assert choice.dem is not None
        assert choice.dem.source is not None
        mute = replace(choice.dem.source, name="mute", kind="api", location=address)
        started = time.monotonic()
        found = tile_terrain(
            track, grid, TerrainChoice(DemSource(source=mute), GivenGeometry(38.0, 193.0)), None
        )
        assert time.monotonic() - started < 5.0
        assert (found.visibility == 255).all()
        assert "within 1 s" in found.notes[0]
        # The next tile does not wait again.
        started = time.monotonic()
        tile_terrain(track, grid, choice, None)
        assert time.monotonic() - started < 0.5


def test_waiting_passes_on_what_happened() -> None:
    assert within(5.0, "work", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5.0, "work", lambda: 1 / 0)
    with pytest.raises(TerrainError, match="did not come within"):
        within(0.05, "work", lambda: time.sleep(2))


def test_hostile_items_give_no_annotation(tmp_path: Path) -> None:
    good = {"assets": {"schema-product-vv": {"href": "./a.xml"}}}
    for content in (
        "[]", "{", "{}", '{"assets": 3}', '{"assets": {"schema-product-vv": []}}',
        json.dumps({"assets": {"schema-product-vv": {"href": "ftp://x/y"}}}), json.dumps(good),
        "[" * 100_000,
    ):  # fmt: skip
        (tmp_path / "grd.json").write_text(content)
        scene = real_slice(str(tmp_path / "grd.json"), shapely.box(0, 0, 1, 1))
        with pytest.raises(TerrainError):
            annotation_of(scene, None, time.monotonic() + 5)
    far = copy.copy(real_slice("s3://bucket/item.json", shapely.box(0, 0, 1, 1)))
    with pytest.raises(TerrainError, match="only files and"):
        annotation_of(far, None, time.monotonic() + 5)
