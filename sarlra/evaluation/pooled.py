"""The questions of an analysis asked of several runs together, from the tables of their reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sarlra.errors import InputError
from sarlra.evaluation.analysis import FN, FP, TP, TrackAnalysis
from sarlra.evaluation.failure_tests import RUN, facing_tests, landslides, recall_by
from sarlra.evaluation.report import CASES

_NUMBERS = ("area_m2", "slope", "aspect", "facing", "visible_share")
_NAMES = ("kind", "event", "track", "orbit_state")


def pool_reports(folders: Sequence[Path]) -> dict[str, TrackAnalysis]:
    """The landslides and false alarms of several reports, by direction.

    Parameters
    ----------
    folders
        As ``sarlra evaluate --analysis`` wrote them.

    Returns
    -------
    dict
        Of ``cases`` as in :class:`TrackAnalysis`, with the run in the column :data:`RUN`; there are
        no ``pixels``, and the direction to the sensor, which differs, is NaN.

    Raises
    ------
    InputError
        A folder holds no report, or a table that is none of a report, or a run is given twice.
    """
    tables = [_read(path) for folder in folders for path in _tables(folder)]
    seen: set[str] = set()
    for table in tables:
        run = str(table[RUN].iloc[0]) if len(table) else ""
        if run and run in seen:
            raise InputError(f"the run {run} is given twice", hint="give each report once")
        seen.add(run)
    every = pd.concat(tables, ignore_index=True)
    return {
        str(state): TrackAnalysis(
            str(state), "of several runs", own.reset_index(drop=True), pd.DataFrame(), float("nan")
        )
        for state, own in every.groupby("orbit_state")
    }


def findings(pooled: TrackAnalysis) -> dict[str, Any]:
    """What is found of a direction, as JSON values: ``runs``, ``counts``, ``tests`` and the recall
    by size.
    """
    kinds = pooled.cases["kind"]
    recall = recall_by(landslides(pooled), "area_m2")
    return {
        "runs": sorted(pooled.cases[RUN].unique().tolist()),
        "counts": {name: int((kinds == kind).sum()) for name, kind in
                   (("true_positives", TP), ("false_negatives", FN), ("false_positives", FP))},
        "tests": [test.as_json() | {"gathers": test.gathers, "line": test.line()}
                  for test in facing_tests(pooled)],
        "recall_by_size": recall.to_dict("records"),
    }  # fmt: skip


def _tables(folder: Path) -> list[Path]:
    found = sorted(folder.glob(f"*-{CASES}.csv"))
    if not found:
        raise InputError(
            f"{folder}: holds no report", hint="write one with sarlra evaluate --analysis --out"
        )
    return found


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(_NAMES, str))
        numbers = table[list(_NUMBERS)].apply(pd.to_numeric).astype(np.float64)
        names = table[list(_NAMES)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no table of a report: {error}",
            hint="reports of an older version are to be written again",
        ) from error
    if not names["kind"].isin((TP, FN, FP)).all():
        raise InputError(f"{path}: names other kinds of cases than {TP}, {FN} and {FP}")
    whole: pd.DataFrame = pd.concat([names, numbers], axis=1)
    whole[RUN] = names["event"] + " " + names["track"]
    return whole
