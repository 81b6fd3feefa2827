"""The paper's tables with a sweep's figures beside them.

Ours are measured on simulated events, the paper's on real ones: orders can be compared, levels not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sarlra.catalogs import catalogs_folder
from sarlra.errors import InputError

MEASURES = ("accuracy", "precision", "recall", "f1")
_NEEDED = (
    "stage", "combination", "orbit_state", "buffers", "architecture", "filters", "ratio",
    "dropout", "learning_rate", "status", "validation_f1", *(f"test_{m}" for m in MEASURES),
)  # fmt: skip
#: What the rows of the detector to beat are called.
BASELINE = "|change of VV|"
#: Runs of each setting in a whole sweep.
WHOLE = 24


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Parameters
    ----------
    label
        What it is about, such as ("ascending", "60-12").
    runs
        How many runs of the sweep stand behind it.
    ours, paper
        By measure the median and the standard deviation in percent; NaN or None where there are
        none.
    """

    label: tuple[str, ...]
    runs: int
    ours: dict[str, tuple[float, float]]
    paper: dict[str, list[float]] | None


def read_sweep(path: Path) -> pd.DataFrame:
    """A sweep's table, ``sweep.parquet`` or the same as CSV; runs that are done.

    Raises
    ------
    InputError
        The file is missing or is no such table.
    """
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: is no table of a sweep: {error}",
            hint="give the sweep.parquet that `sarlra sweep` wrote",
        ) from error
    if lacking := [name for name in _NEEDED if name not in table]:
        raise InputError(f"{path}: is no table of a sweep: it has no {', '.join(lacking)}")
    return table[table["status"] == "done"]


def read_paper() -> dict[str, Any]:
    """The paper's figures, from ``catalogs/paper-tables.json``."""
    found: dict[str, Any] = json.loads((catalogs_folder() / "paper-tables.json").read_text())
    return found


def table_a1(sweep: pd.DataFrame) -> list[Row]:
    """Architectures on 60-12, VV_VH, both directions together."""
    paper = read_paper()["architectures"]
    part = sweep[(sweep["buffers"] == "60-12") & (sweep["combination"] == "VV_VH")]
    part = part[part["stage"] != "buffers"]
    rows = [
        _row((name,), part[part["architecture"] == name], paper[name])
        for name in ("cnn", "cbam", "resnet")
    ]
    beaten = part[part["architecture"] == "baseline"]
    return [*rows, _row((BASELINE,), beaten, None)] if len(beaten) else rows


def table_of_settings(sweep: pd.DataFrame) -> list[Row]:
    """The CNN at 60-12 over all settings, by combination and direction, and the baseline."""
    at_60_12 = sweep[sweep["buffers"] == "60-12"]
    rows = []
    for combination, states in read_paper()["buffers"].items():
        for state, paper in states.items():
            same = (at_60_12["combination"] == combination) & (at_60_12["orbit_state"] == state)
            settings = at_60_12[same & (at_60_12["stage"] == "settings")]
            beaten = at_60_12[same & (at_60_12["stage"] == "baseline")]
            rows.append(_row((combination, state, "cnn"), settings, paper["60-12"]))
            if len(beaten):
                rows.append(_row((combination, state, BASELINE), beaten, None))
    return rows


def table_of_buffers(sweep: pd.DataFrame, combination: str) -> list[Row]:
    """Tables A2 (VV_VH) and A3 (VV): directions and buffers, of the CNN; with figure 2's data.

    Buffers are compared within their own stage, whose runs share their worlds; where it was not
    run, the settings stand for 60-12.
    """
    compared = sweep[(sweep["architecture"] == "cnn") & (sweep["combination"] == combination)]
    stage = "buffers" if (compared["stage"] == "buffers").any() else "settings"
    compared = compared[compared["stage"] == stage]
    rows = []
    for state, buffers in read_paper()["buffers"][combination].items():
        for name, paper in buffers.items():
            part = compared[(compared["orbit_state"] == state) & (compared["buffers"] == name)]
            rows.append(_row((state, name), part, paper))
    return rows


def table_4(sweep: pd.DataFrame) -> list[dict[str, Any]]:
    """The best model of each combination and direction at 60-12: ours by validation F1."""
    rows = []
    for paper in read_paper()["best"]:
        part = sweep[
            (sweep["combination"] == paper["combination"])
            & (sweep["orbit_state"] == paper["orbit_state"])
            & (sweep["stage"] == "settings")
        ]
        row: dict[str, Any] = {"paper": paper, "ours": None}
        if len(part):
            best = part.sort_values("validation_f1", ascending=False, kind="stable").iloc[0]
            row["ours"] = {
                **{n: float(best[n]) for n in ("filters", "ratio", "dropout", "learning_rate")},
                **{m: round(100 * float(best[f"test_{m}"]), 2) for m in MEASURES},
            }
        rows.append(row)
    return rows


def paper_tables(sweep: pd.DataFrame) -> dict[str, Any]:
    """All tables as plain values."""
    return {
        "note": "ours are on simulated events, the paper's on real ones",
        "A1": [_plain(row) for row in table_a1(sweep)],
        "60-12": [_plain(row) for row in table_of_settings(sweep)],
        "A2": [_plain(row) for row in table_of_buffers(sweep, "VV_VH")],
        "A3": [_plain(row) for row in table_of_buffers(sweep, "VV")],
        "4": table_4(sweep),
    }


def _row(label: tuple[str, ...], part: pd.DataFrame, paper: dict[str, list[float]] | None) -> Row:
    ours = {}
    for measure in MEASURES:
        values = 100 * part[f"test_{measure}"]
        ours[measure] = (float(values.median()), float(values.std()))
    return Row(label, len(part), ours, paper)


def _plain(row: Row) -> dict[str, Any]:
    ours = {
        name: [round(median, 2), round(spread, 2)]
        for name, (median, spread) in row.ours.items()
        if median == median
    }
    return {"label": list(row.label), "runs": row.runs, "ours": ours or None, "paper": row.paper}
