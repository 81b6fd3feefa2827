"""Datasets built from archives on disk, against composites and counts made another way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.features import geometry_mask

from sarlra.composites.build import build_composite
from sarlra.errors import AssetError, InputError, NoAcquisitionsError, OutputError, RecipeError
from sarlra.events.resolve import resolve_event
from sarlra.grid import PixelBox, Tile
from sarlra.jobs.dataset import build_dataset
from sarlra.jobs.dataset_ask import make_wish
from sarlra.jobs.wish import Wish
from sarlra.recipe import make_recipe
from sarlra.samples.store import Dataset
from sarlra.scenes.find import find_scenes
from sarlra.scenes.sources import open_source
from sarlra.simulation.spoil import Spoil, spoil_archive
from sarlra.simulation.world import simulate
from tests.contents import files_of

EDGE = 640.0


def write_slides(world: Path, *boxes: tuple[int, int, float]) -> None:
    """An inventory of own making: (column, row, share) of cells of the world's patch grid."""
    raw = gpd.read_file(world / "inventory.gpkg").to_crs(32654)
    left, _, _, top = raw.total_bounds
    x, y = np.floor(left / EDGE) * EDGE, np.ceil(top / EDGE) * EDGE
    shapes = [shapely.box(x + c * EDGE, y - (r + share) * EDGE, x + (c + 1) * EDGE, y - r * EDGE)
              for c, r, share in boxes]  # fmt: skip
    gpd.GeoDataFrame(geometry=shapes, crs=32654).to_file(
        world / "inventory.gpkg", layer="landslides"
    )


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two archives of 5 km, each with nine landslides over 5 % and one under it."""
    made = []
    for seed in (11, 12):
        folder = tmp_path_factory.mktemp("worlds") / f"w{seed}"
        simulate(seed, folder, size_px=512, pre_days=60)
        slides = [(c, r, 0.2) for c in (0, 2, 4) for r in (0, 2, 4)]
        write_slides(folder, *slides, (1, 1, 0.02))
        made.append(folder)
    return made[0], made[1]


def wish_of(*folders: Path, **options: object) -> Wish:
    wish = make_wish([str(folder) for folder in folders], **options)  # type: ignore[arg-type]
    return replace(wish, recipe=make_recipe(tile_px=512))


@pytest.fixture(scope="module")
def built(worlds: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    wish = wish_of(*worlds, buffers=["60-12", "24-12"])
    return build_dataset(wish, tmp_path_factory.mktemp("built") / "dataset")


def test_layers_hold_what_composites_hold(built: Dataset, worlds: tuple[Path, Path]) -> None:
    """Rows drawn at random against a composite on another tile, cut by coordinates."""
    assert built.layers == ("VV/24-12", "VV/60-12", "VV_VH/24-12", "VV_VH/60-12")
    assert built.table["has_VV_VH"].all()
    event = resolve_event(str(worlds[0] / "event.geojson"))
    rows = built.table.index[built.table["case"] == event.id]
    rng = np.random.default_rng(1)
    for layer, pols, pre in (("VV_VH/60-12", ("VV", "VH"), 60), ("VV/24-12", ("VV",), 24)):
        recipe = make_recipe(polarisations=pols, pre_days=pre, tile_px=1024, loader="odc")
        scenes = find_scenes(event, open_source(str(worlds[0] / "items.json")), recipe)
        tracks = {track.id: track for track in scenes.tracks}
        for row in rng.choice(rows, 3, replace=False):
            facts = built.table.loc[row]
            name = facts["cell"]
            east, north = int(name[6:11]), int(name[12:])
            tile = Tile(int(name[:5]), east // 16, north // 16, size_px=1024)
            r0, c0 = (15 - north % 16) * 64, east % 16 * 64
            box = PixelBox(r0, r0 + 64, c0, c0 + 64)
            alone = build_composite(tracks[facts["track"]], tile, box, recipe, None).compute()
            wanted = np.stack([alone[band].values for band in recipe.bands], axis=-1)
            np.testing.assert_allclose(built.array(layer)[int(row)], wanted, atol=1e-4)


def test_classes_and_geometry_are_those_of_the_inventory(
    built: Dataset, worlds: tuple[Path, Path]
) -> None:
    slides = {
        resolve_event(str(world / "event.geojson")).id: gpd.read_file(world / "inventory.gpkg")
        .to_crs(32654)
        .geometry
        for world in worlds
    }
    squares = built.table.to_crs(32654)
    for facts in squares.itertuples():
        left, _, _, top = (round(edge) for edge in facts.geometry.bounds)
        assert (left % 640, top % 640) == (0, 0)
        inside = ~geometry_mask(slides[facts.case], (64, 64), Affine(10, 0, left, 0, -10, top))
        assert facts.share_original == pytest.approx(inside.mean())
        assert facts.share <= facts.share_original
        assert facts.landslide == (facts.share > 0.05)
        assert facts.landslide or facts.share_original == 0
    assert built.table["landslide"].sum() >= 20


def test_a_cell_is_on_one_side_in_both_directions(built: Dataset) -> None:
    table = built.table
    assert set(table["orbit_state"]) == {"ascending", "descending"}
    for split in ("split", "split_blocked"):
        sides = table.groupby(["case", "cell"])[split].nunique()
        assert (sides == 1).all()
    assert not table.duplicated(["case", "track", "cell"]).any()
    for end in ("", "_blocked"):
        for (_, _, split), own in table.groupby(["case", "orbit_state", f"split{end}"]):
            for limit in (4, 5, 6, 10):
                inside = own[own[f"ratio{end}"] <= limit]
                slides = int(inside["landslide"].sum())
                assert len(inside) - slides <= limit * slides
            assert split in ("training", "validation", "test")


def test_a_second_build_changes_nothing_and_order_does_not_matter(
    built: Dataset, worlds: tuple[Path, Path], tmp_path: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in built.folder.rglob("*")}
    again = build_dataset(wish_of(*worlds, buffers=["60-12", "24-12"]), built.folder)
    assert {p: p.stat().st_mtime_ns for p in built.folder.rglob("*")} == before
    assert again.facts == built.facts
    turned = wish_of(*worlds[::-1], buffers=["24-12", "60-12", "24-12"])
    other = build_dataset(turned, tmp_path / "other")
    assert files_of(other.folder) == files_of(built.folder)
    with pytest.raises(OutputError, match="holds a dataset of other cases"):
        build_dataset(wish_of(*worlds, buffers=["60-12"]), built.folder)
    with pytest.raises(OutputError, match="holds a dataset of other cases"):
        build_dataset(wish_of(*worlds, buffers=["60-12", "24-12"], seed=1), built.folder)


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(
    built: Dataset, worlds: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = wish_of(*worlds, buffers=["60-12", "24-12"])
    monkeypatch.chdir(tmp_path)  # a relative folder is the same one for workers
    seen: list[tuple[str, int, int]] = []
    many = build_dataset(wish, Path("many"), lambda *facts: seen.append(facts), "local")
    assert files_of(many.folder) == files_of(built.folder)
    cut = [(done, total) for stage, done, total in seen if stage == "tracks x tiles"]
    assert cut == [(n, cut[0][1]) for n in range(cut[0][1] + 1)]
    assert cut[0][1] >= 4


def test_an_error_on_a_worker_is_the_same_error(worlds: tuple[Path, Path], tmp_path: Path) -> None:
    world = shutil.copytree(worlds[0], tmp_path / "world")
    wish = wish_of(world, pol="VV")
    scenes = find_scenes(wish.cases[0].event, wish.cases[0].source, make_recipe())
    Path(scenes.tracks[0].post[0].slices[0].asset("VV").removeprefix("file://")).unlink()
    with dask_of_one() as address:
        with pytest.raises(AssetError, match=r"vv") as error:
            build_dataset(wish, tmp_path / "out", cluster=address)
        assert error.value.code == "asset"
    assert not (tmp_path / "out" / "dataset.json").exists()


@contextmanager
def dask_of_one() -> Iterator[str]:
    """A dask cluster of one worker, a thread of this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        protocol="tcp://",
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def spoilt(worlds: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first world, with the image after the event of its ascending track 3 dB too dark, and
    one before it under a flood.
    """
    folder = tmp_path_factory.mktemp("spoilt")
    event = resolve_event(str(worlds[0] / "event.geojson"))
    items = worlds[0] / "items.json"
    tracks = find_scenes(event, open_source(str(items)), make_recipe()).tracks
    track = next(t for t in tracks if t.orbit_state == "ascending")
    for number, (one, way) in enumerate(
        ((track.post[0], Spoil("offset", -3.0)), (track.pre[1], Spoil("flood", 0.5)))
    ):
        chosen = [part.item_id for part in one.slices]
        items = spoil_archive(items, chosen, way, folder / str(number))
    for name, source in (
        ("event.geojson", worlds[0]), ("inventory.gpkg", worlds[0]), ("items.json", items.parent),
    ):  # fmt: skip
        shutil.copyfile(source / name, folder / name)
    return folder


def test_the_control_mends_before_patches_are_cut(
    spoilt: Path, worlds: tuple[Path, Path], tmp_path: Path
) -> None:
    def made(world: Path, name: str, *, quality: bool) -> Dataset:
        wish = wish_of(world, pol="VV_VH", orbit="ascending", quality=quality)
        wish = replace(wish, recipe=make_recipe(tile_px=512, quality=quality))
        return build_dataset(wish, tmp_path / name)

    clean = made(worlds[0], "clean", quality=True)
    mended, bad = (made(spoilt, str(on), quality=on) for on in (True, False))
    assert mended.facts["recipes"] != bad.facts["recipes"]
    notes = mended.facts["notes"]
    assert any("rejected, left out: flooding" in note for note in notes), notes
    assert not any("rejected" in note for note in bad.facts["notes"])

    def change(found: Dataset) -> np.ndarray:
        """Median change of VV of the patches that all three have, by cell."""
        values = np.nanmedian(found.array("VV_VH/60-12")[..., 2], axis=(1, 2))
        own = dict(zip(found.table["cell"], values, strict=True))
        return np.array([own[cell] for cell in shared])

    shared = sorted(set(clean.table["cell"]) & set(mended.table["cell"]) & set(bad.table["cell"]))
    assert len(shared) > 20
    assert np.median(np.abs(change(bad) - change(clean))) > 2.5
    assert np.median(np.abs(change(mended) - change(clean))) < 0.6


@pytest.mark.slow
def test_verdicts_are_the_same_on_any_worker(spoilt: Path, tmp_path: Path) -> None:
    wish = wish_of(spoilt, pol="VV_VH", quality=True)
    wish = replace(wish, recipe=make_recipe(tile_px=512, quality=True))
    one, many = (build_dataset(wish, tmp_path / c, cluster=c) for c in ("none", "local"))
    assert files_of(one.folder) == files_of(many.folder)
    assert one.facts == many.facts


def test_comparing_more_never_adds_patches(built: Dataset, worlds: tuple[Path, Path],
                                           tmp_path: Path) -> None:  # fmt: skip
    alone = build_dataset(wish_of(worlds[0], pol="VV"), tmp_path / "alone")
    key = ["track", "cell", "landslide", "split", "split_blocked", "share"]
    both = built.table[built.table["case"] == alone.table["case"][0]]
    slides = {tuple(row) for row in both[both["landslide"]][key].itertuples(index=False)}
    assert slides <= {tuple(row) for row in alone.table[key].itertuples(index=False)}
    a, b = alone.array("VV/60-12"), built.array("VV/60-12")
    mine = {(f.track, f.cell): f.Index for f in alone.table.itertuples()}
    for facts in both[both["landslide"]].itertuples():
        np.testing.assert_array_equal(a[mine[facts.track, facts.cell]], b[facts.Index])


def test_a_build_that_broke_goes_on(worlds: tuple[Path, Path], tmp_path: Path) -> None:
    world = shutil.copytree(worlds[0], tmp_path / "world")
    wish = wish_of(world, pol="VV")
    whole = build_dataset(wish, tmp_path / "whole")
    # One scene of the last track is away for a while.
    event, source = wish.cases[0].event, wish.cases[0].source
    last = find_scenes(event, source, make_recipe()).tracks[-1]
    file = Path(last.post[0].slices[0].asset("VV").removeprefix("file://"))
    file.rename(file.with_suffix(".away"))
    with pytest.raises(AssetError, match=r"vv"):
        build_dataset(wish, tmp_path / "broken")
    assert not (tmp_path / "broken" / "dataset.json").exists()
    done = {p for p in (tmp_path / "broken" / ".parts").iterdir() if p.suffix != ".part"}
    assert done
    stamps = {p: p.stat().st_mtime_ns for p in done}
    seen = []
    file.with_suffix(".away").rename(file)

    def look(*_: object) -> None:
        seen.append({p: p.stat().st_mtime_ns for p in done if p.exists()})

    build_dataset(wish, tmp_path / "broken", look)
    assert stamps in seen
    assert files_of(tmp_path / "broken") == files_of(whole.folder)


def test_a_case_without_vh_joins_with_vv_alone(worlds: tuple[Path, Path], tmp_path: Path) -> None:
    world = shutil.copytree(worlds[1], tmp_path / "world")
    collection = json.loads((world / "items.json").read_text())
    for item in collection["features"]:
        item["assets"].pop("vh", None)
        if "sar:polarizations" in item["properties"]:
            item["properties"]["sar:polarizations"] = ["VV"]
    (world / "items.json").write_text(json.dumps(collection))
    found = build_dataset(wish_of(worlds[0], world), tmp_path / "out")
    table = found.table
    dual = resolve_event(str(worlds[0] / "event.geojson")).id
    assert (table["has_VV_VH"] == (table["case"] == dual)).all()
    assert table["has_VV"].all()
    assert any("passes have no VV_VH" in note for note in found.facts["notes"])
    single = np.flatnonzero(table["case"] != dual)
    assert len(single)
    assert np.isnan(found.array("VV_VH/60-12")[int(single[0])]).all()
    assert np.isfinite(found.array("VV/60-12")[int(single[0])]).mean() > 0.5


def test_unseen_cases_stay_out_of_training(worlds: tuple[Path, Path], tmp_path: Path) -> None:
    wish = wish_of(*worlds, pol="VV", unseen=[str(worlds[1])], orbit="ascending")
    table = build_dataset(wish, tmp_path / "out").table
    hidden = resolve_event(str(worlds[1] / "event.geojson")).id
    for split in ("split", "split_blocked"):
        assert ((table[split] == "unseen") == (table["case"] == hidden)).all()
    assert set(table["orbit_state"]) == {"ascending"}
    with pytest.raises(InputError, match="unseen case 'atlantis'"):
        wish_of(worlds[0], unseen=["atlantis"])


def test_datasets_of_one_class_are_refused(worlds: tuple[Path, Path], tmp_path: Path) -> None:
    world = shutil.copytree(worlds[0], tmp_path / "world")
    write_slides(world, (1, 1, 0.02))
    with pytest.raises(InputError, match=r"no landslide patch.*no cell has more than 5 %"):
        build_dataset(wish_of(world, pol="VV"), tmp_path / "a")
    # Nobody looked anywhere but where landslides are.
    shutil.copy(worlds[0] / "inventory.gpkg", world / "inventory.gpkg")
    slides = gpd.read_file(world / "inventory.gpkg")
    slides.to_file(tmp_path / "mapped.gpkg")
    wish = wish_of(world, pol="VV", mapped=str(tmp_path / "mapped.gpkg"))
    with pytest.raises(InputError, match="no background patch"):
        build_dataset(wish, tmp_path / "b")
    assert not (tmp_path / "b" / "dataset.json").exists()


def test_what_cannot_be_built(worlds: tuple[Path, Path], tmp_path: Path,
                              shared_data: Path) -> None:  # fmt: skip
    with pytest.raises(InputError, match="given twice"):
        wish_of(worlds[0], worlds[0])
    with pytest.raises(InputError, match="no case is given"):
        make_wish([])
    with pytest.raises(InputError, match=r"no event\.geojson and no items\.json"):
        wish_of(tmp_path)
    with pytest.raises(InputError, match=r"has to be downloaded by hand.*Wang et al"):
        make_wish(["Hokkaido"], inventories=tmp_path)
    with pytest.raises(InputError, match="has no inventory"):
        make_wish([str(worlds[0] / "event.geojson")], source=str(worlds[0] / "items.json"))
    with pytest.raises(InputError, match="go with one case"):
        wish_of(*worlds, inventory="a.gpkg")
    with pytest.raises(RecipeError, match="pre_days"):
        wish_of(worlds[0], buffers=["0-12"])
    noto = str(shared_data / "inventories" / "noto2024.gpkg")
    with pytest.raises(InputError, match=r"no landslide of .* lies in the area"):
        build_dataset(wish_of(worlds[0], inventory=noto), tmp_path / "elsewhere")
    with pytest.raises(NoAcquisitionsError, match=r"VV/60-1\b"):
        build_dataset(wish_of(worlds[0], buffers=["60-1"], pol="VV"), tmp_path / "none")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    with pytest.raises(OutputError, match="thesis"):
        build_dataset(wish_of(worlds[0]), tmp_path / "full")


def test_a_study_case_with_its_inventory_in_place(
    tmp_path: Path, worlds: tuple[Path, Path]
) -> None:
    """Hokkaido's inventory is found by name; its acquisitions may come from any source."""
    shutil.copy(worlds[0] / "inventory.gpkg", tmp_path / "hokkaido.gpkg")
    wish = make_wish(["hokkaido", "haiti"][:1], inventories=tmp_path,
                     source=str(worlds[0] / "items.json"), dem="none")  # fmt: skip
    case = wish.cases[0]
    assert (case.name, case.role, len(case.inventory)) == ("hokkaido", "train", 10)
    shutil.copy(worlds[0] / "inventory.gpkg", tmp_path / "haiti.gpkg")
    wish = make_wish(["haiti"], inventories=tmp_path, source=str(worlds[0] / "items.json"))
    assert wish.cases[0].role == "unseen"
