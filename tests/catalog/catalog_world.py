"""Small results of jobs, made from seeds, as the stations before the catalogue would hand over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from pyproj import Transformer
from shapely import MultiPolygon

from sarlra.catalog.provenance import Provenance
from sarlra.catalog.publish import publish_job
from sarlra.catalog.sink import Sink
from sarlra.events.event import Event
from sarlra.grid import Tile
from sarlra.models.info import ModelInfo
from sarlra.recipe import Recipe
from sarlra.scenes.model import Acquisition, Slice, Track

ORIGIN = datetime(2018, 9, 5, 18, 7, 58, tzinfo=UTC)
RECIPE = Recipe(tile_px=256)
TILE = Tile(32654, 220, 1846, 256)
THRESHOLD = 0.6
COMPOSITES = "composites/us2000h8ty.zarr/v1/32654/T046D"
INPUTS = "collections/us2000h8ty/inputs-v1.json"


def event(**changes: Any) -> Event:
    plain = Event(
        id="us2000h8ty",
        title="M 6.6 - 27km ENE of Tomakomai, Japan",
        origins=(ORIGIN,),
        area=MultiPolygon([shapely.box(141.6, 42.5, 142.2, 42.9)]),
        magnitude=6.6,
        depth_km=35.0,
        epicentre=(141.929, 42.686),
    )
    return replace(plain, **changes)


def _acquisition(days: int, orbit: int, parts: int, href: str | None) -> Acquisition:
    moment = ORIGIN + timedelta(days=days, hours=2, minutes=34)
    platform = "sentinel-1a" if orbit % 2 else "sentinel-1b"
    slices = tuple(
        Slice(
            item_id=f"S1_IW_GRDH_1SDV_{moment:%Y%m%dT%H%M}{part:02d}_rtc",
            collection="sentinel-1-rtc",
            datetime=moment + timedelta(seconds=25 * part),
            platform=platform,
            relative_orbit=46,
            orbit_state="descending",
            absolute_orbit=orbit,
            datatake=None,
            assets=(("VV", "https://host/vv.tif"), ("VH", "https://host/vh.tif")),
            epsg=32654,
            transform=None,
            shape=None,
            geometry=shapely.box(141, 42, 143, 43),
            href=None if href is None else f"{href}/{orbit}-{part}",
        )
        for part in range(parts)
    )
    return Acquisition(str(orbit), slices[0].datetime, platform, slices)


def track(href: str | None = "https://stac.example/items", **changes: Any) -> Track:
    plain = Track(
        relative_orbit=46,
        orbit_state="descending",
        pre=tuple(_acquisition(-54 + 12 * i, 23001 + i, 2, href) for i in range(5)),
        post=(_acquisition(6, 23010, 1, href),),
    )
    return replace(plain, **changes)


def composite(
    tile: Tile = TILE, recipe: Recipe = RECIPE, seed: int = 1, halo: int = 0
) -> xr.Dataset:
    """Speckle around typical levels, a few darkened patches, a corner without data."""
    rng = np.random.default_rng([seed, tile.column, tile.row])
    size = tile.size_px + halo
    left, _, _, top = tile.bounds
    shape = (size, size)
    layers: dict[str, Any] = {}
    hole = np.add.outer(np.arange(size), np.arange(size)) < size // 3
    for name in recipe.bands:
        level, spread = (0.0, 1.7) if name.startswith("diff") else (-11.0, 2.0)
        values = rng.normal(level, spread, shape)
        if name.startswith("diff"):
            values[size // 2 : size // 2 + 40, size // 2 : size // 2 + 40] -= 5
            values[size // 4 : size // 4 + 30, size // 2 : size // 2 + 50] += 4
        values[hole] = np.nan
        layers[name] = (("y", "x"), values.astype(np.float32))
    for name, count in (("n_pre", 5), ("n_post", 1)):
        layers[name] = (("y", "x"), np.where(hole, 0, count).astype(np.uint16))
    codes = np.random.default_rng([seed, 7]).choice([0, 0, 0, 1, 2, 3, 4, 255], shape)
    layers["visibility"] = (("y", "x"), codes.astype(np.uint8))
    offsets = (np.arange(size) + 0.5) * tile.resolution
    return xr.Dataset(layers, coords={"y": top - offsets, "x": left + offsets})


def lattice(
    tile: Tile = TILE, recipe: Recipe = RECIPE, seed: int = 2, high: float = 0.1
) -> xr.Dataset:
    """Random scores, a share of ``high`` of them over the threshold; some windows without."""
    rng = np.random.default_rng([seed, tile.column, tile.row])
    cells = tile.size_px // recipe.stride_px
    score = rng.uniform(0.0, 0.55, (cells, cells))
    over = rng.uniform(size=score.shape) < high
    score[over] = rng.uniform(0.61, 1.0, int(over.sum()))
    reason = np.zeros(score.shape, np.uint8)
    # The corner that the composite has no data in.
    reason[np.add.outer(np.arange(cells), np.arange(cells)) < cells // 3 - 1] = 1
    reason[0, :2] = 1
    reason[-1, 0] = 3
    score[reason > 0] = np.nan
    left, _, _, top = tile.bounds
    step, half = recipe.stride_px * tile.resolution, recipe.window_px * tile.resolution / 2
    number = np.arange(cells)
    counts = {n: np.full(score.shape, c, np.uint16) for n, c in (("n_pre", 5), ("n_post", 1))}
    layers = {"score": score.astype(np.float32), "reason": reason, **counts}
    return xr.Dataset(
        {name: (("y", "x"), values) for name, values in layers.items()},
        coords={"y": top - half - number * step, "x": left + half + number * step},
    )


def keep_highest(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Greedy suppression by IoU, written out: the independent computation of the tests."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], *boxes[i][:2]))
    kept: list[int] = []
    for i in order:
        if all(_iou(boxes[i], boxes[j]) <= overlap for j in kept):
            kept.append(i)
    return np.asarray(kept, dtype=np.int64)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    rows = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    columns = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    common = float(rows * columns)
    areas = float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]))
    return common / (areas - common)


def detections(
    image: xr.Dataset, scored: xr.Dataset, tile: Tile = TILE, recipe: Recipe = RECIPE,
    way: Track | None = None,
) -> gpd.GeoDataFrame:  # fmt: skip
    """The table of :func:`sarlra.detection.detect.detect`, computed without it."""
    way = way or track()
    score = scored["score"].values
    cells = np.argwhere(np.nan_to_num(score, nan=-1) > np.float32(THRESHOLD)) * recipe.stride_px
    values = score[tuple((cells // recipe.stride_px).T)]
    kept = keep_highest(np.hstack([cells, cells + recipe.window_px]), values, recipe.overlap)
    rows = [_row(image, int(r), int(c), values[k], tile, recipe, way) for k, (r, c) in
            zip(kept, cells[kept], strict=True)]  # fmt: skip
    names = list(_row(image, 0, 0, np.float32(0), tile, recipe, way))
    frame = pd.DataFrame(rows, columns=names).astype(_types(names))
    shapes = frame.pop("geometry") if len(frame) else gpd.GeoSeries([])
    return gpd.GeoDataFrame(
        frame.drop(columns="geometry", errors="ignore"),
        geometry=gpd.GeoSeries(shapes.tolist(), crs=4326),
        crs=4326,
    )


def _row(
    image: xr.Dataset, row: int, column: int, score: np.float32,
    tile: Tile, recipe: Recipe, way: Track,
) -> dict[str, Any]:  # fmt: skip
    left, _, _, top = tile.bounds
    x, y, size = (
        left + column * tile.resolution,
        top - row * tile.resolution,
        recipe.window_px * tile.resolution,
    )
    lon, lat = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(
        [x, x, x + size, x + size], [y, y - size, y - size, y]
    )
    place = (slice(row, row + recipe.window_px), slice(column, column + recipe.window_px))
    bands = {n: image[n].values[place] for n in recipe.bands if n.startswith("diff")}
    valid = np.all([np.isfinite(v) for v in bands.values()], axis=0)
    found: dict[str, Any] = {
        "score": score, "track": way.id, "orbit_state": way.orbit_state, "n_pre": 5, "n_post": 1,
        "tile": tile.id, "row": row, "col": column, "x": x, "y": y, "epsg": tile.epsg,
        "valid_share": valid.mean(),
    }  # fmt: skip
    for name, pixels in bands.items():
        seen = np.sort(pixels[valid].astype(np.float64))
        if not seen.size:
            found |= {f"{name}_{what}": np.nan for what in ("mean", "p05", "p95")}
            continue
        found[f"{name}_mean"] = seen.sum() / seen.size
        for what, share in (("p05", 0.05), ("p95", 0.95)):
            found[f"{name}_{what}"] = np.interp(share * (seen.size - 1), np.arange(seen.size), seen)
    return {**found, "geometry": shapely.Polygon(np.column_stack([lon, lat]))}


def _types(names: list[str]) -> Mapping[str, str]:
    fixed = {
        "track": "string", "orbit_state": "string", "tile": "string",
        "n_pre": "uint16", "n_post": "uint16", "row": "int32", "col": "int32",
        "epsg": "int32", "x": "float64", "y": "float64",
    }  # fmt: skip
    return {n: fixed.get(n, "float32") for n in names if n != "geometry"}


def model(**changes: Any) -> ModelInfo:
    plain = ModelInfo(
        name="sim-cnn32-vv-vh",
        path=Path("/models/sim.keras"),
        sha256="ab" * 32,
        combination="VV_VH",
        architecture="cnn",
        filters=32,
        threshold=THRESHOLD,
        orbit_states=("ascending", "descending"),
        radiometry="gamma0",
        card={"description": "Trained on simulated events.", "limits": ("Not for real use.",)},
    )
    return replace(plain, **changes)


def provenance(**changes: Any) -> Provenance:
    plain = Provenance(
        recipe=RECIPE,
        threshold=THRESHOLD,
        model=model(),
        source="planetary-computer",
        job_id="job-1",
        version="v1",
        inputs_href=INPUTS,
        composite_href=COMPOSITES,
    )
    return replace(plain, **changes)


def prepare(sink: Sink) -> None:
    """What is in a catalogue before the first item: the frozen inputs and the Zarr group."""
    sink.put_bytes(INPUTS, b'{"type": "FeatureCollection", "features": []}\n')
    sink.put_bytes(f"{COMPOSITES}/zarr.json", b'{"zarr_format": 3, "node_type": "group"}\n')


@dataclass(frozen=True)
class Result:
    """The arguments of publish_job after the sink."""

    event: Event
    tile: Tile
    track: Track
    composite: xr.Dataset
    lattice: xr.Dataset
    detections: gpd.GeoDataFrame
    provenance: Provenance
    statistics: Mapping[str, Any]

    def publish(self, sink: Sink) -> Any:
        return publish_job(
            sink, self.event, self.tile, self.track, self.composite, self.lattice,
            self.detections, self.provenance, self.statistics,
        )  # fmt: skip


def result(
    tile: Tile = TILE, recipe: Recipe = RECIPE, high: float = 0.1, seed: int = 2, **changes: Any
) -> Result:
    image, scored = composite(tile, recipe), lattice(tile, recipe, seed, high)
    # Windows reach into the halo, which the published composite has not.
    wide = composite(tile, recipe, halo=recipe.halo_px)
    wide = _fit(image, wide)
    found = detections(wide, scored, tile, recipe)
    statistics = {
        "windows": int((scored["reason"].values != 3).sum()),
        "scored": int(np.isfinite(scored["score"].values).sum()),
        "detections": len(found),
        "max_score": float(np.nanmax(scored["score"].values)),
        "observed_share": 0.93,
    }
    plain = Result(
        event(), tile, track(), image, scored, found, provenance(recipe=recipe), statistics
    )
    return replace(plain, **changes)


def _fit(image: xr.Dataset, wide: xr.Dataset) -> xr.Dataset:
    """The wide composite with the image's values where both are."""
    size = image.sizes["y"]
    filled = wide.copy(deep=True)
    for name in image.data_vars:
        filled[name].values[:size, :size] = image[name].values
    return filled
