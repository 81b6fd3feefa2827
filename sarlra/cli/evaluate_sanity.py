"""``sarlra evaluate --contributions``: whether contributions say what they should."""

from __future__ import annotations

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages
from sarlra.errors import InputError


def check(names: list[str], worlds: int, event: str | None, *, as_json: bool) -> None:
    """Check the contributions of models on simulated worlds, and print what was found."""
    from sarlra.detection.score_file import DEFAULT_THRESHOLD
    from sarlra.evaluation.sanity import check_contributions
    from sarlra.models.registry import find_model
    from sarlra.simulation.events_table import DEFAULT, find_profile

    if not names:
        raise InputError("no model was named", hint="add --model NAME")
    profile = DEFAULT if event is None else find_profile(event)
    found = []
    for info in [find_model(name) for name in names]:
        threshold = DEFAULT_THRESHOLD if info.threshold is None else info.threshold
        with progress(quiet=as_json) as bars:
            found.append(
                check_contributions(info, threshold, worlds, event=profile.name, show=stages(bars))
            )
    if as_json:
        print_json({"models": {one.model: one.as_json() for one in found}})
        return
    from rich.table import Table

    for one in found:
        console.print(f"{one.model}, {one.worlds} simulated worlds of {one.event}", style="bold")
        for line in one.findings():
            console.print(line, markup=False, highlight=False)
        console.print(
            f"contributions miss score - base by {one.additivity_median:.3f} in the median, "
            f"{one.additivity_largest:.3f} at most; {one.seconds:.1f} s a window; background: "
            f"{one.background}"
        )
        table = Table("outlines by", "windows", "IoU", "median", "area", "centroids apart")
        for name, score in one.outlines.items():
            table.add_row(
                name, str(score.windows), f"{score.iou:.2f}", f"{score.iou_median:.2f}",
                f"{score.area_bias:+.0%}", f"{score.centroid_m:.0f} m",
            )  # fmt: skip
        console.print(table)
