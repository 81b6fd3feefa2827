"""The table of a dataset: a row for each patch, with its side, its class and its draw."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.composites.quality import rejections
from sarlra.errors import InputError
from sarlra.jobs.case_plan import CasePlan
from sarlra.jobs.cuts import CutPart
from sarlra.jobs.wish import POLARISATIONS
from sarlra.samples.draw import limit_of, ratios
from sarlra.samples.store import COLUMNS


def table_of(
    cuts: Sequence[CutPart],
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


def _rows(cut: CutPart, index: int) -> gpd.GeoDataFrame:
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
    for combination in POLARISATIONS:
        frame[f"has_{combination}"] = any(n.startswith(f"{combination}/") for n in cut.layers)
    return frame.to_crs(4326)


def check_classes(table: gpd.GeoDataFrame, plans: Sequence[CasePlan]) -> None:
    """See that a table has patches of both classes.

    Raises
    ------
    InputError
        It has not; says what the plans noted.
    """
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


def notes_of(plans: Sequence[CasePlan], cuts: Sequence[CutPart]) -> list[str]:
    """What was noted while cases were planned and their tiles cut, each once."""
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
