"""The comparison of the simulation with a real series as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sarlra.errors import OutputError
from sarlra.evaluation.realism import Table

_SPREADS = (("vv", "VV, dB"), ("vh", "VH, dB"), ("ratio", "VV - VH, dB"))
_VALUES = (
    ("temporal", "spread over time, dB"),
    ("speckle", "speckle at 30 m, dB"),
    ("weather", "weather, dB"),
    ("drift", "winter less autumn, dB"),
)
_COLOURS = ("#222222", "#d1495b")


def draw_realism(table: Table, path: Path) -> None:
    """Draw the table of :func:`sarlra.evaluation.realism.compare` to a PNG.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 4)
    covers = list(table)
    for panel, (name, title) in zip(axes[0], _SPREADS, strict=False):
        _spread(panel, table, covers, name, title)
    _points(axes[0, 3], table, covers, ("neighbour",), "correlation of speckle, 30 m apart")
    for panel, (name, title) in zip(axes[1], _VALUES, strict=True):
        _points(panel, table, covers, (f"{name}_vv", f"{name}_vh"), title)
    handles = [axes[0, 0].plot([], [], color=colour, lw=3)[0] for colour in _COLOURS]
    figure.legend(handles, ["real (OPERA RTC-S1)", "simulated"], loc="outside upper center", ncol=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=90, metadata={"Software": None})
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error}", hint="is the folder writable?"
        ) from error


def _spread(panel: Any, table: Table, covers: list[str], name: str, title: str) -> None:
    for place, cover in enumerate(covers):
        for side, percentiles in enumerate(table[cover][name]):
            assert isinstance(percentiles, tuple)
            low, middle, high = percentiles
            x = place - 0.12 + 0.24 * side
            panel.plot([x, x], [low, high], color=_COLOURS[side], lw=3, solid_capstyle="butt")
            panel.plot(x, middle, "o", color=_COLOURS[side], mec="white")
    _dress(panel, covers, f"{title} (5, 50, 95 %)")


def _points(
    panel: Any, table: Table, covers: list[str], names: tuple[str, ...], title: str
) -> None:
    for place, cover in enumerate(covers):
        for number, name in enumerate(names):
            for side, value in enumerate(table[cover][name]):
                x = place + 0.2 * number - 0.1 * (len(names) - 1) - 0.04 + 0.08 * side
                panel.plot(x, value, "os"[number], color=_COLOURS[side], ms=6)
    _dress(panel, covers, title + (" (VV o, VH square)" if len(names) > 1 else ""))


def _dress(panel: Any, covers: list[str], title: str) -> None:
    panel.set_xticks(range(len(covers)), covers)
    panel.set_title(title, fontsize=9)
    panel.grid(axis="y", alpha=0.3)
