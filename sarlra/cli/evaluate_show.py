"""Scores as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from sarlra.cli.console import out as console
from sarlra.evaluation.paper_tables import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sarlra.evaluation.false_alarms import SeriesScore
    from sarlra.evaluation.fused import FusedScore
    from sarlra.evaluation.intervals import Share
    from sarlra.evaluation.outline_scores import Overlap
    from sarlra.evaluation.realism import Table as RealismTable
    from sarlra.evaluation.run import Evaluation, TrackScore
    from sarlra.evaluation.sensitivity import Row
    from sarlra.models.metrics import Counts


def show_evaluation(found: Evaluation, *, classes: bool = True) -> None:
    """Print the scores of a run, a column per track; recall by class of landslide where asked."""
    tracks = list(found.tracks.values())
    scores: list[TrackScore | FusedScore] = [*tracks]
    if found.fused is not None:
        scores.append(found.fused)
    names = [track.track for track in tracks] + ["fused"] * (found.fused is not None)
    table = Table("", *names)
    rows = _facts(tracks) | _found(scores) | (_classes(scores) if classes else {})
    for name, values in rows.items():
        table.add_row(name, *values)
    console.print(table)
    if found.fused is not None:
        both = {n: w.thinned().counts() for n, w in found.fused.compared.items()}
        f1 = ", ".join(f"{name} {counts.f1:.2f}" for name, counts in both.items())
        console.print(f"F1, background 10:1, of the windows that both directions saw: {f1}.")
    console.print(
        "Windows: those of 64 pixels that do not overlap; landslide where over 5 % of the pixels "
        "are landslide that\nthe track sees, background where none is. Brackets: 95 % intervals.",
        style="dim",
    )
    for note in found.notes:
        console.print(f"note: {note}", style="dim", markup=False)


def table_of_overlaps(title: str, rows: Iterable[tuple[str, Overlap]]) -> Table:
    """How well outlines meet the truth, a row each."""
    table = Table(title, "windows", "IoU", "median", "area", "centroids apart")
    for name, one in rows:
        table.add_row(
            name, str(one.windows), f"{one.iou:.2f}", f"{one.iou_median:.2f}",
            f"{one.area_bias:+.0%}", f"{one.centroid_m:.0f} m",
        )  # fmt: skip
    return table


def show_buffers(found: Mapping[str, Mapping[str, Counts]]) -> None:
    """Print the F1 of models by the buffers of composites, a column per model."""
    table = Table("buffers", *found)
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{counts[name].f1:.3f}" for counts in found.values()))
    console.print(table)
    console.print(
        "F1 on the test events' patches (simulated), 10 of background to one of landslide.",
        style="dim",
    )


def show_series(score: SeriesScore) -> None:
    """Print what a model says of a quiet series, a row per date, and the trade by threshold."""
    t = score.threshold
    table = Table("date", "before", "after", "km2", "false alarms", "per 100 km2", "on land",
                  title=f"{score.model}, threshold {t:.3f}")  # fmt: skip
    for one in score.composites:
        rate = 100 * one.alarms(t) / one.km2
        table.add_row(one.date, str(one.n_pre), str(one.n_post), f"{one.km2:.0f}",
                      str(one.alarms(t)), f"{rate:.1f}", str(one.alarms(t, land=True)))  # fmt: skip
    console.print(table)
    curve = Table("threshold", "false alarms per 100 km2", "on land alone", "recall of implants")
    for row in score.curve().itertuples():
        recall = f"{row.recall:.2f} \\[{row.low:.2f}, {row.high:.2f}]"
        curve.add_row(f"{row.threshold:.2f}", f"{row.false_alarms_per_100_km2:.1f}",
                      f"{row.on_land:.1f}", recall)  # fmt: skip
    console.print(curve)
    console.print(
        f"{score.recall(t).of} windows of 64 pixels with over 5 % of implanted landslide.",
        style="dim",
    )


def show_realism(table: RealismTable, outside: list[str]) -> None:
    """Print the comparison as Markdown, as the documentation has it, and what is out of bounds."""
    from sarlra.evaluation.realism_table import realism_markdown

    console.print(realism_markdown(table), markup=False, soft_wrap=True, end="")
    console.print("Real / simulated, dB except for the correlation.", style="dim")
    for line in outside:
        console.print(f"beyond tolerance: {line}", style="yellow", markup=False)


def show_sensitivity(model: str, rows: tuple[Row, ...]) -> None:
    """Print a table of :func:`sarlra.evaluation.sensitivity.sensitivity`."""
    table = Table("changed", "setting", "landslide windows", "precision", "recall", "F1",
                  title=f"{model}, simulated worlds, background 10:1")  # fmt: skip
    for row in rows:
        counts = row.counts
        f1 = f"{counts.f1:.2f} \\[{row.f1_low:.2f}, {row.f1_high:.2f}]"
        table.add_row(row.changed, row.setting, str(row.landslide), f"{counts.precision:.2f}",
                      f"{counts.recall:.2f}", f1)  # fmt: skip
    console.print(table)


def _facts(tracks: list[TrackScore]) -> dict[str, list[str]]:
    return {
        "model": [track.model for track in tracks],
        "acquisitions before": [_numbers(track.n_pre) for track in tracks],
        "acquisitions after": [_numbers(track.n_post) for track in tracks],
        "windows scored": [f"{track.scored:,}" for track in tracks],
    }


def _found(scores: Sequence[TrackScore | FusedScore]) -> dict[str, list[str]]:
    thinned = [score.windows.thinned().counts() for score in scores]
    natural = [score.windows.counts() for score in scores]
    objects = [score.detections for score in scores]
    return {
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


def _classes(scores: Sequence[TrackScore | FusedScore]) -> dict[str, list[str]]:
    objects = [score.detections for score in scores]
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


def show_paper_tables(found: dict[str, Any]) -> None:
    """Print the tables of the paper, a sweep's figures above the paper's; percent."""
    titles = {
        "A1": "A1: architectures, 60-12, VV_VH",
        "60-12": "60-12: all settings, and the detector to beat",
        "A2": "A2: VV_VH by direction and buffers",
        "A3": "A3: VV by direction and buffers",
    }
    for name, title in titles.items():
        figures = (Column(measure, no_wrap=True) for measure in MEASURES)
        table = Table("", "runs", "", *figures, title=title)
        for row in found[name]:
            for who in ("ours", "paper"):
                facts = row[who] or {}
                runs = str(row["runs"]) if who == "ours" else ""
                label = " ".join(row["label"]) if who == "ours" else ""
                table.add_row(label, runs, who, *(_spread(facts.get(m)) for m in MEASURES))
        console.print(table)
    best = Table("", "", "filters", "ratio", "dropout", *MEASURES, title="4: the best models")
    for row in found["4"]:
        for who in ("ours", "paper"):
            if (facts := row[who]) is not None:
                best.add_row(
                    f"{row['paper']['combination']} {row['paper']['orbit_state']}"
                    if who == "ours" else "", who,
                    f"{facts['filters']:.0f}", f"{facts['ratio']:.0f}", f"{facts['dropout']:g}",
                    *(f"{facts[m]:.1f}" for m in MEASURES),
                )  # fmt: skip
    console.print(best)
    console.print(
        "Ours are measured on simulated events (two that no model has seen, and new worlds of the "
        "default one), the\npaper's on real ones: orders can be compared, levels not. A median and "
        "its standard deviation need runs: a sweep has 24 per row.",
        style="dim",
    )


def _spread(value: list[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value[0]:.1f}" if value[1] != value[1] else f"{value[0]:.1f}±{value[1]:.1f}"
