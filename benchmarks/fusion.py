"""Both directions together against each alone, and against the change heat map.

    python benchmarks/fusion.py                  # the table, on worlds that nothing was chosen on
    python benchmarks/fusion.py --choose-lift    # F1 by lift, on worlds of their own

Detects on simulated events as the watch does, with the control of acquisitions, fuses, and counts
windows that do not overlap and that both directions saw against the truth. For the heat map, which
has no threshold of its own, the best one on these same windows is taken: more than it could have in
the field. Prints tables in Markdown. Windows are kept in ``--keep``: a run that is cut goes on
where it was, and ``--most`` ends one after so many new worlds.
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
from sarlra.detection.fuse import FUSED_THRESHOLD, LIFT, fuse
from sarlra.evaluation.intervals import bootstrap
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
CHOOSING = (
    "dry-coast", "grazed-andes", "conifer-hills", "default", "rain-forest-ranges",
    "alpine-gorges", "volcanic-island",
)  # fmt: skip
CHOOSING_SEED = 601
LIFTS = (-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
Layers = dict[str, list[float]]
Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


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
    for seed in range(first, first + asked.worlds):
        for event in kinds:
            one = records.get(
                f"{event}-{seed}-{asked.size}", lambda e=event, s=seed: _windows(e, s, asked.size)
            )
            if one is None:
                sys.stderr.write("there is more to measure: run again\n")
                return
            found.setdefault(event, []).append(one)
    (_show_lifts if asked.choose_lift else _show)(found)


def _show(found: dict[str, list[Layers]]) -> None:
    say(
        "| event | landslide windows | ascending | descending | together "
        "| less the better one | heat map |"
    )
    say("|---|---|---|---|---|---|---|")
    every = [world for worlds in found.values() for world in worlds]
    for name, chosen in [*found.items(), ("all", every)]:
        layers = _joined(chosen)
        labels = layers["share"] > LANDSLIDE_SHARE
        alone = [layers["ascending"], layers["descending"]]
        together = _together(layers, LIFT)
        f1 = [_f1(score, labels) for score in (*alone, together)]
        better = alone[int(np.argmax(f1[:2]))]

        def less(
            rows: NDArray[np.int64],
            better: Scores = better,
            together: Scores = together,
            labels: Labels = labels,
        ) -> float:
            return _f1(together[rows], labels[rows]) - _f1(better[rows], labels[rows])  # fmt: skip

        low, high = bootstrap(less, np.arange(len(labels)))
        heat = np.nan_to_num(layers["heat"])
        hot = count(heat, labels, best_threshold(heat, labels)).f1
        say(
            f"| {name} | {int(labels.sum())} | " + " | ".join(f"{one:.3f}" for one in f1)
            + f" | {f1[2] - max(f1[:2]):+.3f} [{low:+.3f}, {high:+.3f}] | {hot:.3f} |"
        )  # fmt: skip


def _show_lifts(found: dict[str, list[Layers]]) -> None:
    say("| lift | " + " | ".join(found) + f" | all | less that of {LIFT:g} |")
    say("|---" * (len(found) + 3) + "|")
    every = [world for worlds in found.values() for world in worlds]
    whole = _joined(every)
    labels = whole["share"] > LANDSLIDE_SHARE
    # Worlds are drawn, not windows: what is false in one world is false all over it.
    world = np.repeat(np.arange(len(every)), [len(one["share"]) for one in every])
    for lift in LIFTS:
        row = []
        for chosen in [*found.values(), every]:
            layers = _joined(chosen)
            row.append(
                f"{_f1(_together(layers, lift), layers['share'] > LANDSLIDE_SHARE):.3f}"
            )  # fmt: skip
        ours, base = _together(whole, lift), _together(whole, LIFT)

        def less(rows: NDArray[np.int64], ours: Scores = ours, base: Scores = base) -> float:
            return _f1(ours[rows], labels[rows]) - _f1(base[rows], labels[rows])

        low, high = bootstrap(less, world)
        say(f"| {lift:g} | " + " | ".join(row) + f" | [{low:+.3f}, {high:+.3f}] |")


def _together(layers: dict[str, NDArray[np.float64]], lift: float) -> Scores:
    """What :func:`sarlra.detection.fuse.fuse` says where both directions saw, with another lift."""
    odds = [np.log(s) - np.log1p(-s) for s in (layers["ascending"], layers["descending"])]
    return np.asarray(1 / (1 + np.exp(-(odds[0] + odds[1]) / 2 - lift)), np.float64)


def _joined(worlds: list[Layers]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate([np.asarray(w[name], np.float64) for w in worlds])
            for name in worlds[0]}  # fmt: skip


def _f1(score: Scores, labels: Labels) -> float:
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
        str(world.event), out=str(folder / "out"), source=str(world.items), quality=True
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
        "ascending": fused.ascending, "descending": fused.descending,
        "heat": product.heat[0].values[0], "share": share,
    }  # fmt: skip
    return {n: [float(v) for v in values[place][kept]] for n, values in layers.items()}


if __name__ == "__main__":
    main()
