"""Scores as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from sarlra.cli.console import out as console

if TYPE_CHECKING:
    from sarlra.evaluation.intervals import Share
    from sarlra.evaluation.run import Evaluation, TrackScore


def show_evaluation(found: Evaluation, *, classes: bool = True) -> None:
    """Print the scores of a run, a column per track; recall by class of landslide where asked."""
    tracks = list(found.tracks.values())
    table = Table("", *(track.track for track in tracks))
    rows = _facts(tracks) | (_classes(tracks) if classes else {})
    for name, values in rows.items():
        table.add_row(name, *values)
    console.print(table)
    console.print(
        "Windows: those of 64 pixels that do not overlap; landslide where over 5 % of the pixels "
        "are landslide that\nthe track sees, background where none is. Brackets: 95 % intervals.",
        style="dim",
    )
    for note in found.notes:
        console.print(f"note: {note}", style="dim", markup=False)


def _facts(tracks: list[TrackScore]) -> dict[str, list[str]]:
    thinned = [track.windows.thinned().counts() for track in tracks]
    natural = [track.windows.counts() for track in tracks]
    objects = [track.detections for track in tracks]
    return {
        "model": [track.model for track in tracks],
        "acquisitions before": [_numbers(track.n_pre) for track in tracks],
        "acquisitions after": [_numbers(track.n_post) for track in tracks],
        "windows scored": [f"{track.scored:,}" for track in tracks],
        "windows of landslide": [f"{c.true_positives + c.false_negatives:,}" for c in natural],
        "F1, background 10:1": [f"{c.f1:.2f}" for c in thinned],
        "precision, recall": [f"{c.precision:.2f}, {c.recall:.2f}" for c in thinned],
        "F1, background as it is": [f"{c.f1:.2f}" for c in natural],
        "precision, recall as it is": [f"{c.precision:.2f}, {c.recall:.2f}" for c in natural],
        "detections": [f"{d.detections:,}" for d in objects],
        "detections that touch a landslide": [_share(d.precision) for d in objects],
        "landslides touched by one": [_share(d.recall) for d in objects],
        "of those of 1 ha or more": [_share(d.recall_large) for d in objects],
    }


def _classes(tracks: list[TrackScore]) -> dict[str, list[str]]:
    objects = [track.detections for track in tracks]
    rows = {}
    for field in ("by_size", "by_slope", "by_visibility"):
        for label in {name: None for d in objects for name in getattr(d, field)}:
            rows[f"  {label}"] = [_class(getattr(d, field), label) for d in objects]
    return rows


def _class(classes: dict[str, Share], label: str) -> str:
    return _share(classes[label]) if label in classes else "-"


def _share(share: Share) -> str:
    if share.share is None:
        return "none"
    return f"{share.share:.2f} [{share.low:.2f}, {share.high:.2f}] of {share.of:,}".replace(
        "[", r"\["
    )


def _numbers(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"
