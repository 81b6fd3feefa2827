"""What ``sarlra evaluate`` says of models and sweeps rather than of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sarlra.cli.console import print_json, progress, stages
from sarlra.errors import InputError

if TYPE_CHECKING:
    from sarlra.models.info import ModelInfo


def score_series(
    items: Path,
    names: list[str],
    dates: int | None,
    post_days: int,
    out: Path | None,
    *,
    quality: bool,
    keep: bool,
    as_json: bool,
) -> None:
    """False alarms and recall of models on a series in which nothing happened."""
    from sarlra.cli.evaluate_show import show_series
    from sarlra.evaluation.false_alarms import draw_trade
    from sarlra.jobs.real_series import evaluate_series
    from sarlra.models.keep import note_metrics

    models = named(names)
    with progress(quiet=as_json) as bars:
        scores = evaluate_series(
            items, models, dates=dates, post_days=post_days, quality=quality, show=stages(bars)
        )
    if out is not None:
        draw_trade(scores, out / "real-series.png")
    for info, score in zip(models, scores, strict=True) if keep else ():
        facts = {"series": items.parent.name, "post_days": post_days, "quality": quality}
        facts |= score.for_card()
        note_metrics(info, "real_series", facts)
    if as_json:
        print_json({"series": str(items), "models": {s.model: s.as_json() for s in scores}})
        return
    for score in scores:
        show_series(score)


def compare_with_paper(sweep: Path, out: Path | None, *, as_json: bool) -> None:
    """A sweep's tables beside the paper's."""
    from sarlra.cli.evaluate_show import show_paper_tables
    from sarlra.evaluation.paper_figure import draw_buffers
    from sarlra.evaluation.paper_tables import paper_tables, read_sweep

    table = read_sweep(sweep)
    found = paper_tables(table)
    if out is not None:
        draw_buffers(table, out / "buffers.png")
    if as_json:
        print_json(found)
        return
    show_paper_tables(found)


def compare_realism(items: Path, out: Path | None, *, as_json: bool) -> None:
    """The simulation held against a real series."""
    from sarlra.cli.evaluate_show import show_realism
    from sarlra.evaluation.realism import beyond, evaluate_realism
    from sarlra.evaluation.realism_figure import draw_realism

    table = evaluate_realism(items)
    outside = beyond(table)
    if out is not None:
        draw_realism(table, out / "simulation-realism.png")
    if as_json:
        print_json({"series": str(items), "covers": table, "beyond_tolerance": outside})
        return
    show_realism(table, outside)


def score_sensitivity(names: list[str], worlds: int, *, as_json: bool) -> None:
    """What the scores of models depend on."""
    from sarlra.cli.evaluate_show import show_sensitivity
    from sarlra.detection.score_file import threshold_of
    from sarlra.evaluation.sensitivity import sensitivity
    from sarlra.models.scoring import load_scorer

    found = {}
    for info in named(names):
        with progress(quiet=as_json) as bars:
            rows = sensitivity(load_scorer(info), threshold_of(info), worlds, show=stages(bars))
        found[info.name] = [row.as_json() for row in rows]
        if not as_json:
            show_sensitivity(info.name, rows)
    if as_json:
        print_json({"worlds": worlds, "models": found})


def score_buffers(names: list[str], worlds: int, *, keep: bool, as_json: bool) -> None:
    """F1 of models on composites of other buffers."""
    from sarlra.cli.evaluate_show import show_buffers
    from sarlra.cli.training_options import DEFAULT_CACHE
    from sarlra.models.keep import note_metrics
    from sarlra.training.model_buffers import as_metrics, measure_buffers

    models = named(names)
    with progress(quiet=as_json) as bars:
        found = measure_buffers(models, worlds, DEFAULT_CACHE, show=stages(bars))
    for info in models if keep else ():
        note_metrics(info, "by_buffer", as_metrics(found[info.name]))
    if as_json:
        print_json({"worlds": worlds, "models": {n: as_metrics(m) for n, m in found.items()}})
        return
    show_buffers(found)


def named(names: list[str]) -> list[ModelInfo]:
    """The models of an option ``--model``, of which there is one at least."""
    from sarlra.models.registry import find_model

    if not names:
        raise InputError("no model was named", hint="add --model NAME")
    return [find_model(name) for name in names]
