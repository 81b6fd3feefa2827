"""Figure 2 of the paper, ours beside it: F1 against buffers, by direction and combination."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from sarlra.errors import OutputError
from sarlra.evaluation.paper_tables import Row, table_of_buffers


def draw_buffers(sweep: pd.DataFrame, path: Path) -> None:
    """Write the picture, and its numbers as CSV beside it.

    Raises
    ------
    OutputError
        They cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tables = {name: table_of_buffers(sweep, name) for name in ("VV", "VV_VH")}
    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=True)
    for axis, state in zip(axes, ("ascending", "descending"), strict=True):
        for name, colour in (("VV", "#0072b2"), ("VV_VH", "#d55e00")):
            rows = [row for row in tables[name] if row.label[0] == state]
            places = np.arange(len(rows))
            paper = [row.paper["f1"] if row.paper else (np.nan, np.nan) for row in rows]
            axis.errorbar(
                places - 0.1, [p[0] for p in paper], [p[1] for p in paper],
                fmt="o", mfc="white", color=colour, label=f"{name}, paper (real events)",
            )  # fmt: skip
            axis.errorbar(
                places + 0.1, [r.ours["f1"][0] for r in rows], [r.ours["f1"][1] for r in rows],
                fmt="s", color=colour, label=f"{name}, ours (simulated events)",
            )  # fmt: skip
            axis.set_xticks(places, [row.label[1] for row in rows], rotation=45)
        axis.set(title=state, xlabel="days before - after", ylim=(0, 100))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("F1 (%), median and standard deviation")
    axes[1].legend(loc="lower right", fontsize=8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
        _write_numbers(tables, path.with_suffix(".csv"))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error}") from error


def _write_numbers(tables: dict[str, list[Row]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["combination", "orbit_state", "buffers", "runs", "f1", "std", "paper_f1",
                         "paper_std"])  # fmt: skip
        for name, rows in tables.items():
            for row in rows:
                paper = row.paper["f1"] if row.paper else [None, None]
                writer.writerow([name, *row.label, row.runs, *row.ours["f1"], *paper])
