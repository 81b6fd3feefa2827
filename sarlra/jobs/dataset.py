"""Building a dataset of patches: cases planned, tiles cut, the table made, windows put in order.

Everything that is drawn is drawn from the seed and the names of cases and cells, so that the same
wish gives the same patches in whatever order cases are named, and a second build changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra import __version__
from sarlra.composites.quality import Quality, rejections
from sarlra.errors import InputError, NoAcquisitionsError, OutputError, SarlraError
from sarlra.jobs.case_plan import CasePlan, Combination, plan_case
from sarlra.jobs.cases import Case
from sarlra.jobs.part import Part, PartWork, judgings, make_part, part_works
from sarlra.jobs.plan import BOTH
from sarlra.jobs.quality import judge_patiently
from sarlra.jobs.spread import spread
from sarlra.recipe import Polarisations, Recipe
from sarlra.samples.cells import Cells
from sarlra.samples.draw import limit_of, ratios
from sarlra.samples.store import (
    ARRAYS,
    COLUMNS,
    FACTS,
    KIND,
    TABLE,
    Dataset,
    layer_name,
    open_dataset,
    write_layer,
)
from sarlra.scenes.model import OrbitState

_POLARISATIONS: dict[Combination, Polarisations] = {"VV": ("VV",), "VV_VH": ("VV", "VH")}
#: Where a build keeps what it has done, in the folder of the dataset.
_SHELF = ".parts"

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a dataset is to hold.

    ``recipe`` is that of all layers but for its polarisations and buffers.
    """

    cases: tuple[Case, ...]
    combinations: tuple[Combination, ...]
    buffers: tuple[tuple[int, int], ...]
    recipe: Recipe
    orbits: frozenset[OrbitState] = BOTH
    seed: int = 0

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """One for each combination and buffer, in the order of their names."""
        return tuple(
            self.recipe.model_copy(
                update={
                    "polarisations": _POLARISATIONS[combination],
                    "pre_days": pre,
                    "post_days": post,
                }
            )
            for combination in sorted(set(self.combinations))
            for pre, post in sorted(set(self.buffers))
        )


@dataclass(frozen=True, slots=True)
class _Cut:
    """A part with what it was cut of."""

    plan: CasePlan
    layers: tuple[str, ...]
    verdicts: tuple[tuple[Quality, ...], ...]
    orbit_state: OrbitState
    track: str
    cells: Cells
    window_px: int
    part: Part

    @classmethod
    def of(cls, plan: CasePlan, work: PartWork, part: Part) -> _Cut:
        recipe, track = work.layers[0]
        names = tuple(layer_name(recipe) for recipe, _ in work.layers)
        return cls(
            plan, names, work.verdicts, track.orbit_state, track.id, work.cells, recipe.window_px,
            part,
        )  # fmt: skip


def build_dataset(
    wish: Wish, out: Path, show: Show = lambda *_: None, cluster: str = "none"
) -> Dataset:
    """Build a dataset into a folder, or open it where it stands already.

    Parameters
    ----------
    out
        New or empty folder, or that of an interrupted build of the same wish, which goes on.
    show
        Called with (stage, done, total).
    cluster
        Where tiles are cut: ``none`` (in this process) or what
        :func:`sarlra.jobs.clients.open_client` takes, whose workers have to reach ``out``. The
        bytes are the same.

    Raises
    ------
    InputError
        No case has patches of both classes; an inventory lies outside its area.
    NoAcquisitionsError
        No track has what the layers need.
    OutputError
        The folder holds another dataset, or something else.
    AssetError, SearchError
        Scenes cannot be found or read; what was cut stays, and building again goes on there.
    """
    plans = []
    for done, case in enumerate(wish.cases):
        show("cases", done, len(wish.cases))
        plans.append(plan_case(case, wish.recipes, wish.seed, wish.orbits))
    show("cases", len(wish.cases), len(wish.cases))
    facts = _facts(wish, plans)
    standing = _standing(out, facts["digest"])
    if standing is not None:
        return standing
    if not any(plan.tracks for plan in plans):
        notes = "; ".join(note for plan in plans for note in plan.notes) or "nothing was found"
        raise NoAcquisitionsError(
            f"no track has acquisitions for {', '.join(facts['layers'])}: {notes}",
            hint="choose other --buffers or --pol, or another --source",
        )
    cuts = _cut(plans, out / _SHELF, show, cluster)
    table, places = _table(cuts)
    _check(table, plans)
    facts["notes"] = _notes(plans, cuts)
    _write(out, wish, facts, table, places, cuts, show)
    return open_dataset(out)


def _facts(wish: Wish, plans: Sequence[CasePlan]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": KIND,
        "package": __version__,
        "seed": wish.seed,
        "layers": [layer_name(recipe) for recipe in wish.recipes],
        "recipes": [recipe.hash() for recipe in wish.recipes],
        "orbits": sorted(wish.orbits),
        "cases": [plan.facts() for plan in plans],
    }
    text = json.dumps(facts, sort_keys=True)
    return facts | {"digest": hashlib.sha256(text.encode()).hexdigest()}


def _standing(out: Path, digest: str) -> Dataset | None:
    """The dataset that stands at ``out``, where it is the wanted one."""
    if not out.exists():
        return None
    if not out.is_dir():
        raise OutputError(f"{out} is not a folder", hint="name a new or empty folder")
    names = {path.name for path in out.iterdir()}
    if FACTS in names:
        found = open_dataset(out)
        if found.facts.get("digest") == digest:
            return found
        raise OutputError(
            f"{out} holds a dataset of other cases, choices or scenes",
            hint="name another folder; a dataset is never changed",
        )
    foreign = sorted(names - {_SHELF, ARRAYS, TABLE})
    if foreign:
        raise OutputError(
            f"{out} holds other things ({', '.join(foreign[:3])})",
            hint="name a new or empty folder",
        )
    return None


def _cut(plans: Sequence[CasePlan], shelf: Path, show: Show, cluster: str) -> list[_Cut]:
    # Workers may have another working directory.
    place, judged = shelf.absolute(), iter(_judge(plans, show, cluster))
    works = [(plan, work) for plan in plans for work in part_works(plan, place, judged)]
    show("tracks x tiles", 0, len(works))
    parts = spread(
        make_part,
        [work for _, work in works],
        cluster,
        lambda done: show("tracks x tiles", done, len(works)),
    )
    for part in parts:
        if not part.folder.is_dir():
            raise OutputError(
                f"a worker wrote {part.folder}, which is not there",
                hint="the folder of a dataset has to be on a disk that all workers share",
            )
    return [_Cut.of(plan, work, part) for (plan, work), part in zip(works, parts, strict=True)]


def _judge(plans: Sequence[CasePlan], show: Show, cluster: str) -> list[tuple[Quality, ...]]:
    """The verdicts on the acquisitions of all cases, where the recipes ask for them."""
    works = [work for plan in plans for work in judgings(plan)]
    found: list[tuple[Quality, ...]] = []
    for verdicts in spread(
        judge_patiently, works, cluster, lambda done: show("acquisitions", done, len(works))
    ):
        if isinstance(verdicts, SarlraError):
            raise verdicts
        found.append(verdicts)
    return found


def _table(
    cuts: Sequence[_Cut],
) -> tuple[gpd.GeoDataFrame, list[tuple[int, NDArray[np.int64]]]]:
    """The table, and in its order the parts (by index) with the rows taken of each."""
    frames = [frame for index, cut in enumerate(cuts) if len(frame := _rows(cut, index))]
    if not frames:
        return gpd.GeoDataFrame(columns=[*COLUMNS, "geometry"], geometry="geometry", crs=4326), []
    every = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=4326)
    for end in ("", "_blocked"):
        every[f"ratio{end}"] = 0.0
        for _, own in every.groupby(["case", "orbit_state"], sort=True):
            entered = ratios(
                own[f"split{end}"].to_numpy(dtype=str),
                own["landslide"].to_numpy(),
                own["drawn"].to_numpy(dtype=np.uint64),
            )
            every.loc[own.index, f"ratio{end}"] = entered
    keep = np.zeros(len(every), dtype=bool)
    for end in ("", "_blocked"):
        limits = every[f"split{end}"].map(limit_of).to_numpy()
        keep |= every[f"ratio{end}"].to_numpy() <= limits
    kept = every[keep].sort_values(["case", "orbit_state", "track", "part", "place"])
    places = [
        (int(index), own["place"].to_numpy(dtype=np.int64))
        for index, own in kept.groupby("part", sort=False)
    ]
    return kept[[*COLUMNS, "geometry"]].reset_index(drop=True), places


def _rows(cut: _Cut, index: int) -> gpd.GeoDataFrame:
    part, sides = cut.part, cut.plan.sides
    cells = cut.cells.take(part.chosen)
    names = cells.names.tolist()
    frame = gpd.GeoDataFrame(
        {
            "case": cut.plan.case.name,
            "orbit_state": cut.orbit_state,
            "track": cut.track,
            "cell": names,
            "landslide": part.landslide,
            "share": part.share,
            "share_original": cells.share,
            "hidden": part.hidden,
            "split": [sides.random[name] for name in names],
            "split_blocked": [sides.blocked[name] for name in names],
            "drawn": np.array([sides.drawn[name] for name in names], dtype=np.uint64),
            "part": index,
            "place": np.arange(len(names)),
        },
        geometry=list(cells.squares(cut.window_px)),
        crs=cut.cells.tile.epsg,
    )
    for combination in _POLARISATIONS:
        frame[f"has_{combination}"] = any(n.startswith(f"{combination}/") for n in cut.layers)
    return frame.to_crs(4326)


def _check(table: gpd.GeoDataFrame, plans: Sequence[CasePlan]) -> None:
    landslides = int(table["landslide"].sum())
    if landslides and landslides < len(table):
        return
    lacking = "background" if landslides else "landslide"
    notes = "; ".join(note for plan in plans for note in plan.notes)
    raise InputError(
        f"the dataset would have no {lacking} patch" + (f": {notes}" if notes else ""),
        hint="a patch is landslide over 5 % of its pixels, and background where the inventory has "
        "none and the ground was mapped: see that inventory, area and mapped area go together",
    )


def _notes(plans: Sequence[CasePlan], cuts: Sequence[_Cut]) -> list[str]:
    said = [note for plan in plans for note in plan.notes]
    for cut in cuts:
        if len(cut.part.chosen):
            own = f"{cut.plan.case.name}, {cut.track}"
            said += [f"{own}: {note}" for note in cut.part.notes]
            said += [
                f"{own}, {layer}: {note}"
                for layer, verdicts in zip(cut.layers, cut.verdicts, strict=True)
                for note in rejections(verdicts)
            ]
    return list(dict.fromkeys(said))


def _write(
    out: Path,
    wish: Wish,
    facts: dict[str, Any],
    table: gpd.GeoDataFrame,
    places: Sequence[tuple[int, NDArray[np.int64]]],
    cuts: Sequence[_Cut],
    show: Show,
) -> None:
    """Arrays, then the table, then the description that makes it a dataset."""
    try:
        shutil.rmtree(out / ARRAYS, ignore_errors=True)
        for done, recipe in enumerate(wish.recipes):
            show("layers", done, len(wish.recipes))
            write_layer(out, recipe, len(table), _windows(recipe, places, cuts))
        show("layers", len(wish.recipes), len(wish.recipes))
        table.to_parquet(out / TABLE, index=False)
        begun = out / _SHELF / FACTS
        begun.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
        begun.replace(out / FACTS)
        shutil.rmtree(out / _SHELF)
    except OSError as error:
        raise OutputError(f"dataset {out} cannot be written: {error}") from error


def _windows(
    recipe: Recipe, places: Sequence[tuple[int, NDArray[np.int64]]], cuts: Sequence[_Cut]
) -> Iterator[NDArray[np.float32]]:
    name = layer_name(recipe)
    for index, rows in places:
        cut = cuts[index]
        if name in cut.layers:
            yield cut.part.windows(cut.layers.index(name), rows)
        else:
            edge = recipe.window_px
            yield np.full((len(rows), edge, edge, len(recipe.bands)), np.nan, dtype=np.float32)
