"""A catalogue for the map page: two tracks, two moments, composites with pixels, relief."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from serving_world import EVENT, refold, world

from sarlra.catalog.publish import publish_job
from sarlra.catalog.sink import Sink, open_sink
from sarlra.composites.store import create_group, write_region
from sarlra.detection.outlines import outline_detections
from sarlra.grid import PixelBox
from sarlra.scenes.model import Track

TILE, RECIPE = world.TILE, world.RECIPE


def ascending() -> Track:
    """Another track, whose pass after the event is a day earlier."""
    plain = world.track()
    post = replace(plain.post[0], datetime=plain.post[0].datetime - timedelta(days=1))
    return replace(plain, relative_orbit=68, orbit_state="ascending", post=(post,))


def later(way: Track) -> Track:
    """The same with one more pass after the event."""
    again = replace(way.post[0], id="23011", datetime=way.post[0].datetime + timedelta(days=6))
    return replace(way, post=(*way.post, again))


def add(sink: Sink, way: Track, version: str, seed: int) -> str:
    """Publish a result with its composite and relief; the item's id."""
    store, group = f"composites/{EVENT}.zarr", f"{version}/{TILE.epsg}/{way.id}"
    made = world.result(TILE, track=way, seed=seed)
    create_group(sink.url_of(store), group, [TILE], RECIPE, {})
    sums = write_region(sink.url_of(store), group, TILE, made.composite)
    wide = world._fit(made.composite, world.composite(TILE, RECIPE, halo=RECIPE.halo_px))
    found = world.detections(wide, made.lattice, TILE, RECIPE, way)
    whole = PixelBox(0, wide.sizes["y"], 0, wide.sizes["x"])
    shade = np.add.outer(np.arange(TILE.size_px), np.arange(TILE.size_px)) // 4 + 60
    given = world.provenance(
        recipe=RECIPE, version=version, job_id=f"{version}-{way.id}",
        composite_href=f"{store}/{group}", composite_sums=sums,
    )  # fmt: skip
    statistics = {**made.statistics, "detections": len(found)}
    return str(
        publish_job(
            sink, made.event, TILE, way, made.composite, made.lattice, found, given, statistics,
            shade.astype(np.uint8), outline_detections(wide, found, TILE, whole, RECIPE),
        ).id
    )  # fmt: skip


def make(folder: Path) -> None:
    """Both tracks, and a later version of the descending one."""
    sink = open_sink(str(folder))
    world.prepare(sink)
    first = add(sink, world.track(), "v1", 2)
    other = add(sink, ascending(), "v1", 3)
    refold(sink, [first, other])
    refold(sink, [add(sink, later(world.track()), "v2", 4), other])
