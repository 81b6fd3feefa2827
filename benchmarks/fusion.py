"""Both directions together against each alone, and against the change heat map.

    python benchmarks/fusion.py                  # the table, on worlds that nothing was chosen on
    python benchmarks/fusion.py --choose-lift    # F1 by lift, on worlds of their own

Detects on simulated events, fuses, and counts windows that do not overlap and that both directions
saw against the truth. For the heat map, which has no threshold of its own, the best one on these
same windows is taken: more than it could have in the field. Prints tables in Markdown. Windows are
kept in ``--keep``: a run that is cut goes on where it was, and ``--most`` ends one after so many
new worlds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from records import Records

from sarlra.catalog.lattices import place_of, zone_lattices
from sarlra.catalog.names import item_path
from sarlra.catalog.read import grid_of_item
from sarlra.catalog.sink import open_sink
from sarlra.detection.fuse import FUSED_THRESHOLD, fuse
from sarlra.jobs.ask import make_request
from sarlra.jobs.execute import execute, prepare
from sarlra.jobs.plan import search
from sarlra.models.metrics import best_threshold, count
from sarlra.samples.labels import LANDSLIDE_SHARE, landslide_share
from sarlra.simulation.world import simulate
from sarlra.watch.product import make_product

#: The first is of a kind that the models learned from, the others of kinds that they never saw.
EVENTS = ("default", "caldera-slopes", "limestone-peninsula")
FIRST_SEED = 401
#: Kinds that the models learned from, in worlds that no model and no table was made of.
CHOOSING = ("default", "alpine-gorges", "conifer-hills", "grazed-andes")
CHOOSING_SEED = 601
LIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
Layers = dict[str, list[float]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--choose-lift", action="store_true")
    parser.add_argument("--worlds", type=int, default=1, help="of each kind of event")
    parser.add_argument("--size", type=int, default=1536)
    parser.add_argument("--keep", type=Path, default=Path("/tmp/sarlra-fusion"))
    parser.add_argument("--most", type=int, help="new worlds of this run; else all")
    asked = parser.parse_args()
    records = Records(asked.keep, asked.most)
    kinds, first = (CHOOSING, CHOOSING_SEED) if asked.choose_lift else (EVENTS, FIRST_SEED)
    found: dict[str, list[Layers]] = {}
    for event in kinds:
        for seed in range(first, first + asked.worlds):
            one = records.get(
                f"{event}-{seed}-{asked.size}", lambda e=event, s=seed: _windows(e, s, asked.size)
            )
            if one is None:
                sys.stderr.write("there is more to measure: run again\n")
                return
            found.setdefault(event, []).append(one)
    (_show_lifts if asked.choose_lift else _show)(found)


def _show(found: dict[str, list[Layers]]) -> None:
    say("| event | landslide windows | ascending | descending | together | heat map |")
    say("|---|---|---|---|---|---|")
    every = [world for worlds in found.values() for world in worlds]
    for name, chosen in [*found.items(), ("all", every)]:
        layers = _joined(chosen)
        labels = layers["share"] > LANDSLIDE_SHARE
        f1 = [_f1(layers[which], labels) for which in ("ascending", "descending", "together")]
        heat = np.nan_to_num(layers["heat"])
        f1.append(count(heat, labels, best_threshold(heat, labels)).f1)
        say(f"| {name} | {int(labels.sum())} | " + " | ".join(f"{one:.3f}" for one in f1) + " |")


def _show_lifts(found: dict[str, list[Layers]]) -> None:
    say("| lift | " + " | ".join(found) + " | all |")
    say("|---" * (len(found) + 2) + "|")
    every = [world for worlds in found.values() for world in worlds]
    for lift in LIFTS:
        row = []
        for chosen in [*found.values(), every]:
            layers = _joined(chosen)
            odds = [np.log(s) - np.log1p(-s) for s in (layers["ascending"], layers["descending"])]
            margin = (odds[0] + odds[1]) / 2 + lift
            fused = np.asarray(1 / (1 + np.exp(-margin)), np.float32)
            row.append(f"{_f1(fused, layers['share'] > LANDSLIDE_SHARE):.3f}")
        say(f"| {lift:g} | " + " | ".join(row) + " |")


def _joined(worlds: list[Layers]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate([np.asarray(w[name], np.float64) for w in worlds])
            for name in worlds[0]}  # fmt: skip


def _f1(score: NDArray[np.float64] | NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    return count(np.asarray(score, np.float32), labels, FUSED_THRESHOLD).f1


def say(line: str) -> None:
    """Write a line of the table."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _windows(event: str, seed: int, size: int) -> Layers:
    """Scores of windows that do not overlap, by direction, and their share of landslide."""
    with tempfile.TemporaryDirectory() as folder:
        return _detected(event, seed, size, Path(folder))


def _detected(event: str, seed: int, size: int, folder: Path) -> Layers:
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
        share[place_of(document, zone)] = landslide_share(truth, tile, recipe)
    place = (slice(None, None, 2), slice(None, None, 2))
    seen = (fused.seen_by == 3)[place]
    kept = seen & ((share > LANDSLIDE_SHARE) | (share == 0))[place]
    layers = {
        "ascending": fused.ascending, "descending": fused.descending, "together": fused.score,
        "heat": product.heat[0].values[0], "share": share,
    }  # fmt: skip
    return {n: [float(v) for v in values[place][kept]] for n, values in layers.items()}


if __name__ == "__main__":
    main()
