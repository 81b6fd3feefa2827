"""Both directions together against each alone, and against the change heat map.

    python benchmarks/fusion.py [--worlds 2] [--first-seed 401]

Detects on simulated events, fuses, and counts windows that do not overlap against the truth. For
the heat map, which has no threshold of its own, the best one on these same windows is taken: more
than it could have in the field. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from sarlra.catalog.lattices import zone_lattices
from sarlra.catalog.names import item_path
from sarlra.catalog.read import grid_of_item
from sarlra.catalog.sink import open_sink
from sarlra.detection.fuse import FUSED_THRESHOLD, fuse
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.jobs.product import make_product
from sarlra.models.metrics import Counts, best_threshold, count
from sarlra.samples.labels import LANDSLIDE_SHARE, landslide_share
from sarlra.simulation.world import simulate

EVENTS = ("default", "caldera-slopes", "limestone-peninsula")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worlds", type=int, default=1, help="of each kind of event")
    parser.add_argument("--first-seed", type=int, default=401)
    parser.add_argument("--size", type=int, default=1536)
    asked = parser.parse_args()
    say("| event | ascending | descending | together | heat map (best threshold) |")
    say("|---|---|---|---|---|")
    everything: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for event in EVENTS:
        found: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        for seed in range(asked.first_seed, asked.first_seed + asked.worlds):
            with tempfile.TemporaryDirectory() as folder:
                for name, values in _windows(event, seed, asked.size, Path(folder)).items():
                    found[name].append(values)
                    everything[name].append(values)
        say(_row(event, {name: np.concatenate(parts) for name, parts in found.items()}))
    say(_row("all", {name: np.concatenate(parts) for name, parts in everything.items()}))


def say(line: str) -> None:
    """Write a line of the table."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _row(name: str, windows: dict[str, NDArray[np.float32]]) -> str:
    labels = windows["share"] > LANDSLIDE_SHARE
    figures = [
        _counts(windows[which], labels).f1 for which in ("ascending", "descending", "together")
    ]
    heat = np.nan_to_num(windows["heat"])
    best = best_threshold(heat, labels)
    figures.append(count(heat, labels, best).f1)
    return f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def _counts(score: NDArray[np.float32], labels: NDArray[np.bool_]) -> Counts:
    """A window that was not seen is none that was detected."""
    return count(np.nan_to_num(score), labels, FUSED_THRESHOLD)


def _windows(event: str, seed: int, size: int, folder: Path) -> dict[str, NDArray[np.float32]]:
    """Scores of windows that do not overlap, by direction, and their share of landslide."""
    world = simulate(seed, folder / "world", size_px=size, profile=event)
    request = make_request(
        str(world.event), out=str(folder / "out"), source=str(world.items), quality=False
    )
    run = execute(prepare(request, search(request)), "none")
    sink = open_sink(request.sink)
    documents = [json.loads(sink.read_bytes(item_path(o.item_id))) for o in run.outcomes]
    truth = gpd.read_file(world.inventory)
    product = make_product(sink, documents, request.terrain.dem)
    (zone,) = zone_lattices(sink, documents)
    fused = fuse(zone.tracks)
    share = np.full(zone.shape, np.nan, np.float32)
    for document in documents:
        tile, recipe = grid_of_item(document)
        n = tile.size_px // recipe.stride_px
        row, col = -(tile.row + 1) * n - zone.row0, tile.column * n - zone.col0
        share[row : row + n, col : col + n] = landslide_share(truth, tile, recipe)
    place = (slice(None, None, 2), slice(None, None, 2))
    seen = (fused.seen_by == 3)[place]
    kept = seen & ((share > LANDSLIDE_SHARE) | (share == 0))[place]
    layers = {
        "ascending": fused.ascending, "descending": fused.descending, "together": fused.score,
        "heat": product.heat[0].values[0], "share": share,
    }  # fmt: skip
    return {name: values[place][kept] for name, values in layers.items()}


if __name__ == "__main__":
    main()
