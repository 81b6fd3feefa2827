"""Curves as pictures, each with its numbers as CSV beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sarlra.errors import OutputError


def draw_precision_recall(
    curves: Mapping[str, pd.DataFrame], path: Path, *, marks: Mapping[str, float]
) -> None:
    """Draw curves of :func:`sarlra.evaluation.curves.precision_recall` to a PNG and a CSV.

    Parameters
    ----------
    curves
        By name; the names stand in the legend and in the column ``of`` of the CSV.
    path
        Of the PNG; the CSV has the same name.
    marks
        Thresholds by name: where each curve's model works.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    figure, panel = new_figure("Precision and recall", "recall", "precision")
    for name, curve in curves.items():
        (line,) = panel.plot(curve["recall"], curve["precision"], label=name, lw=1.8)
        if name in marks:
            at = curve.iloc[(curve["threshold"] - marks[name]).abs().argmin()]
            panel.plot(at["recall"], at["precision"], "o", color=line.get_color(), mec="white")
    panel.set(xlim=(0, 1.01), ylim=(0, 1.01))
    panel.legend(fontsize=8)
    save(figure, path, pd.concat([c.assign(of=n) for n, c in curves.items()], ignore_index=True))


def draw_reliability(curves: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Draw curves of :func:`sarlra.evaluation.curves.reliability` to a PNG and a CSV.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    figure, panel = new_figure("Reliability", "probability said", "share that was landslide")
    panel.plot([0, 1], [0, 1], color="#999999", lw=1, ls="--")
    for name, curve in curves.items():
        spread = [
            curve["observed"] - curve["observed_low"],
            curve["observed_high"] - curve["observed"],
        ]
        panel.errorbar(
            curve["probability"], curve["observed"], yerr=spread, fmt="o-", ms=4, lw=1.2,
            capsize=2, label=name,
        )  # fmt: skip
    panel.set(xlim=(0, 1), ylim=(0, 1))
    panel.legend(fontsize=8)
    save(figure, path, pd.concat([c.assign(of=n) for n, c in curves.items()], ignore_index=True))


def new_figure(title: str, x: str, y: str) -> tuple[Any, Any]:
    """A figure with one panel; no window, no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    panel.set_title(title, fontsize=10)
    panel.set(xlabel=x, ylabel=y)
    panel.grid(alpha=0.3)
    return figure, panel


def save(figure: Any, path: Path, table: pd.DataFrame) -> None:
    """Write a figure, and the numbers that it shows as CSV beside it; equal input, equal bytes.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path.with_suffix(".csv"), index=False, float_format="%.6g")
        figure.savefig(path, dpi=110, metadata={"Software": None})
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error}", hint="is the folder writable?"
        ) from error
