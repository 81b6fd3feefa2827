"""Building a dataset of patches: cases planned, tiles cut, the table made, windows put in order.

Everything that is drawn is drawn from the seed and the names of cases and cells, so that the same
wish gives the same patches in whatever order cases are named, and a second build changes nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from sarlra.errors import NoAcquisitionsError, OutputError
from sarlra.jobs.case_plan import plan_case
from sarlra.jobs.cuts import CutPart, Show, cut_all
from sarlra.jobs.patch_table import check_classes, notes_of, table_of
from sarlra.jobs.wish import Wish, facts_of
from sarlra.recipe import Recipe
from sarlra.samples.store import (
    ARRAYS,
    FACTS,
    TABLE,
    Dataset,
    layer_name,
    open_dataset,
    write_layer,
)

#: Where a build keeps what it has done, in the folder of the dataset.
_SHELF = ".parts"


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
    facts = facts_of(wish, plans)
    standing = _standing(out, facts["digest"])
    if standing is not None:
        return standing
    if not any(plan.tracks for plan in plans):
        notes = "; ".join(note for plan in plans for note in plan.notes) or "nothing was found"
        raise NoAcquisitionsError(
            f"no track has acquisitions for {', '.join(facts['layers'])}: {notes}",
            hint="choose other --buffers or --pol, or another --source",
        )
    cuts = cut_all(plans, out / _SHELF, show, cluster)
    table, places = table_of(cuts)
    check_classes(table, plans)
    facts["notes"] = notes_of(plans, cuts)
    _write(out, wish, facts, table, places, cuts, show)
    return open_dataset(out)


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


def _write(
    out: Path,
    wish: Wish,
    facts: dict[str, Any],
    table: gpd.GeoDataFrame,
    places: Sequence[tuple[int, NDArray[np.int64]]],
    cuts: Sequence[CutPart],
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
    recipe: Recipe, places: Sequence[tuple[int, NDArray[np.int64]]], cuts: Sequence[CutPart]
) -> Iterator[NDArray[np.float32]]:
    name = layer_name(recipe)
    for index, rows in places:
        cut = cuts[index]
        if name in cut.layers:
            yield cut.part.windows(cut.layers.index(name), rows)
        else:
            edge = recipe.window_px
            yield np.full((len(rows), edge, edge, len(recipe.bands)), np.nan, dtype=np.float32)
