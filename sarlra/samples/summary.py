"""What a dataset holds: counts, and a sheet of examples to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.errors import OutputError
from sarlra.samples.split import priorities
from sarlra.samples.store import Dataset

_SHEET_DPI = 100
#: Backscatter and change that are black and white, or blue and red, in dB.
_POST_DB, _DIFF_DB = (-25.0, 0.0), (-6.0, 6.0)


def counts(dataset: Dataset) -> list[dict[str, Any]]:
    """Patches per case, direction and side of the random split.

    Returns
    -------
    Rows with ``case``, ``orbit_state``, ``split``, ``tracks``, ``landslide``, ``background``, and
    the same two numbers of the blocked split. Background is what the largest ratio takes.
    """
    table = dataset.table
    found = []
    for (case, orbit), own in table.groupby(["case", "orbit_state"], sort=True):
        for split in sorted({*own["split"], *own["split_blocked"]}):
            row = {"case": case, "orbit_state": orbit, "split": split,
                   "tracks": own["track"].nunique()}  # fmt: skip
            for end in ("", "_blocked"):
                slides, rest = _of(own, split, end)
                row |= {f"landslide{end}": slides, f"background{end}": rest}
            found.append(row)
    return found


def _of(table: pd.DataFrame, split: str, end: str) -> tuple[int, int]:
    from sarlra.samples.draw import limit_of

    own = table[(table[f"split{end}"] == split) & (table[f"ratio{end}"] <= limit_of(split))]
    slides = int(own["landslide"].sum())
    return slides, len(own) - slides


def draw_sheet(dataset: Dataset, layer: str, out: Path, *, per_class: int = 8) -> None:
    """Draw examples of both classes as a PNG: a patch per column, a band per row.

    Post bands are grey from -25 to 0 dB, change bands blue to red from -6 to 6 dB, no data green.
    The same dataset gives the same patches.

    Raises
    ------
    InputError
        The dataset has no such layer.
    OutputError
        The picture cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    array = dataset.array(layer)
    names: Any = array.attrs["bands"]
    bands = [str(name) for name in names]
    rows = _examples(dataset, layer, per_class)
    figure = Figure(figsize=(1.1 * len(rows) + 1.2, 1.15 * len(bands) + 0.8), dpi=_SHEET_DPI)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(bands), len(rows), squeeze=False)
    for column, row in enumerate(rows):
        windows = np.asarray(array[int(row)])
        facts = dataset.table.iloc[int(row)]
        kind = f"landslide {facts['share']:.0%}" if facts["landslide"] else "background"
        axes[0, column].set_title(f"{kind}\n{facts['track']}", fontsize=7)
        for index, band in enumerate(bands):
            axis = axes[index, column]
            change = band.startswith("diff")
            low, high = _DIFF_DB if change else _POST_DB
            shades = colormaps["RdBu_r" if change else "gray"].with_extremes(bad="#4c9a5b")
            axis.imshow(windows[..., index], vmin=low, vmax=high, cmap=shades,
                        interpolation="nearest")  # fmt: skip
            axis.set_xticks([])
            axis.set_yticks([])
            if column == 0:
                axis.set_ylabel(band.replace("_", " "), fontsize=7)
    figure.suptitle(f"{layer}: {', '.join(sorted(set(dataset.table['case'])))}"[:160], fontsize=8)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, format="png", metadata={"Software": None})
    except OSError as error:
        raise OutputError(f"sheet {out} cannot be written: {error}") from error


def _examples(dataset: Dataset, layer: str, per_class: int) -> NDArray[np.int64]:
    """Rows of landslide patches, then of background, drawn from the names of their cells."""
    table = dataset.table
    names = (table["case"] + "/" + table["track"] + "/" + table["cell"]).tolist()
    order = np.argsort(priorities(0, "sheet", layer, names), kind="stable")
    has = table[f"has_{layer.partition('/')[0]}"].to_numpy(dtype=bool)
    slides = table["landslide"].to_numpy(dtype=bool)
    return np.concatenate(
        [order[(has & kind)[order]][:per_class] for kind in (slides, ~slides)]
    ).astype(np.int64)
