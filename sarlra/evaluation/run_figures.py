"""The curves of a run, a line per track."""

from __future__ import annotations

from pathlib import Path

from sarlra.evaluation.curves import precision_recall, reliability
from sarlra.evaluation.figures import draw_precision_recall, draw_reliability
from sarlra.evaluation.run import Evaluation
from sarlra.models.calibration import apply


def draw_run(found: Evaluation, folder: Path) -> tuple[Path, ...]:
    """Draw precision and recall (background drawn down to 10:1) and, where the model has a
    calibration, reliability (background as it is), each as PNG and CSV.

    Returns
    -------
    The pictures that were written; tracks without landslide windows are in none.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    tracks = {n: t for n, t in found.tracks.items() if t.windows.landslide.any()}
    written = []
    if tracks:
        thinned = {name: track.windows.thinned() for name, track in tracks.items()}
        curves = {n: precision_recall(w.score, w.landslide) for n, w in thinned.items()}
        marks = {n: t.thresholds[0] for n, t in tracks.items() if len(t.thresholds) == 1}
        draw_precision_recall(curves, folder / "precision-recall.png", marks=marks)
        written.append(folder / "precision-recall.png")
    said = {
        name: reliability(apply(track.calibration, track.windows.score), track.windows.landslide)
        for name, track in tracks.items()
        if track.calibration is not None
    }
    if said:
        draw_reliability(said, folder / "reliability.png")
        written.append(folder / "reliability.png")
    return tuple(written)
