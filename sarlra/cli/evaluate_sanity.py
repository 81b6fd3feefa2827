"""``sarlra evaluate --contributions``: whether contributions say what they should."""

from __future__ import annotations

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress, stages
from sarlra.cli.evaluate_models import named
from sarlra.cli.evaluate_show import table_of_overlaps


def check(names: list[str], worlds: int, event: str | None, *, as_json: bool) -> None:
    """Check the contributions of models on simulated worlds, and print what was found."""
    from sarlra.detection.score_file import threshold_of
    from sarlra.evaluation.sanity import check_contributions
    from sarlra.simulation.events_table import DEFAULT, find_profile

    profile = DEFAULT if event is None else find_profile(event)
    found = []
    for info in named(names):
        with progress(quiet=as_json) as bars:
            found.append(
                check_contributions(
                    info, threshold_of(info), worlds, event=profile.name, show=stages(bars)
                )
            )
    if as_json:
        print_json({"models": {one.model: one.as_json() for one in found}})
        return
    for one in found:
        console.print(f"{one.model}, {one.worlds} simulated worlds of {one.event}", style="bold")
        for line in one.findings():
            console.print(line, markup=False, highlight=False)
        console.print(
            f"contributions miss score - base by {one.additivity_median:.3f} in the median, "
            f"{one.additivity_largest:.3f} at most; {one.seconds:.1f} s a window; background: "
            f"{one.background}"
        )
        console.print(table_of_overlaps("outlines by", one.outlines.items()))
