"""Which windows of a subject are explained, and which they are explained against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer

from sarlra.detection.score_file import score_composite
from sarlra.errors import InputError
from sarlra.evaluation.low_change import low_change_windows
from sarlra.models.background import read_background
from sarlra.serving.explain import Subject, ordered

Spot = tuple[int, int]
Area = tuple[float, float, float, float]


def detections_of(subject: Subject, given: str, out: Path) -> pd.DataFrame:
    """The detections of a subject, the highest score first; a file is scored, and the table of all
    its windows written to the folder.
    """
    if subject.detections is not None:
        return subject.detections
    out.mkdir(parents=True, exist_ok=True)
    table = score_composite(
        Path(given), subject.model, reference_mode=False, threshold=None,
        out=out / "scores.parquet",
    )  # fmt: skip
    return ordered(table[table["kept"]])


def spot_at(subject: Subject, x: float, y: float) -> Spot:
    """The window of the lattice around a point: the one whose middle is nearest.

    Parameters
    ----------
    x, y
        In the composite's own coordinates; degrees east and north where both can be that and the
        composite is in metres. Without a CRS: column and row in pixels.

    Raises
    ------
    InputError
        The point lies outside the composite.
    """
    composite, recipe = subject.composite, subject.recipe
    if composite.crs is not None and abs(x) <= 180 and abs(y) <= 90:
        x, y = Transformer.from_crs(4326, composite.crs, always_xy=True).transform(x, y)
    col, row = ~composite.transform * (x, y)
    rows, cols = composite.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise InputError(f"{x:g}, {y:g} lies outside the composite {subject.name}")
    edge, step = recipe.window_px, recipe.stride_px
    found = []
    for place, size in ((row, rows), (col, cols)):
        last = (size - edge) // step * step
        found.append(int(np.clip(round((place - edge / 2) / step) * step, 0, last)))
    return found[0], found[1]


def spots_in(subject: Subject, area: Area, step: int) -> list[Spot]:
    """Windows that lie within an area (west, south, east, north, degrees), every ``step`` pixels
    of the lattice, row by row, and have enough data.

    Raises
    ------
    InputError
        The composite has no CRS, or no window of it lies there.
    """
    composite, recipe = subject.composite, subject.recipe
    if composite.crs is None:
        raise InputError(f"{subject.name} has no coordinate reference system: --area needs one")
    west, south, east, north = area
    x = np.linspace(west, east, 21)
    y = np.linspace(south, north, 21)
    edges = np.concatenate([
        np.column_stack(pair)
        for pair in ((x, np.full(21, south)), (x, np.full(21, north)),
                     (np.full(21, west), y), (np.full(21, east), y))
    ])  # fmt: skip
    moved = Transformer.from_crs(4326, composite.crs, always_xy=True).transform(*edges.T)
    cols, rows = ~composite.transform * (np.asarray(moved[0]), np.asarray(moved[1]))
    edge = recipe.window_px
    first = [int(np.ceil(max(part.min(), 0) / step)) * step for part in (rows, cols)]
    last = [min(float(part.max()), size) for part, size in zip((rows, cols), composite.shape, strict=True)]  # noqa: E501  # fmt: skip
    spots = []
    for row in range(first[0], int(last[0]) - edge + 1, step):
        layers = composite.read(row, row + edge, True)
        missing = ~np.logical_and.reduce([np.isfinite(layer) for layer in layers])
        for col in range(first[1], int(last[1]) - edge + 1, step):
            if missing[:, col : col + edge].mean() <= recipe.max_nodata:
                spots.append((row, col))
    if not spots:
        raise InputError(
            f"no window of {subject.name} lies in {west:g},{south:g},{east:g},{north:g}",
            hint="west, south, east, north in degrees; a window is 640 m wide",
        )
    return spots


def background_of(subject: Subject) -> tuple[NDArray[np.float32], str]:
    """The windows that a subject's scores are explained against, and in words what they are: those
    stored with the model, or windows of the composite in which little changed.

    Raises
    ------
    InputError
        The model has none, and the composite has too few.
    ModelError
        What is stored is damaged.
    """
    stored = read_background(subject.model)
    if stored is not None:
        return stored, f"{len(stored)} windows stored with the model"
    found = low_change_windows(subject.composite, subject.model.bands, subject.recipe)
    return found, f"{len(found)} windows of the composite with little change"
