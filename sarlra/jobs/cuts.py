"""All tiles of all cases cut into parts, here or on dask workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sarlra.composites.quality import Quality
from sarlra.errors import OutputError, SarlraError
from sarlra.jobs.case_plan import CasePlan
from sarlra.jobs.part import Part, PartWork, judgings, make_part, part_works
from sarlra.jobs.quality import judge_patiently
from sarlra.jobs.spread import spread
from sarlra.samples.cells import Cells
from sarlra.samples.store import layer_name
from sarlra.scenes.model import OrbitState

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class CutPart:
    """A part with what it was cut of."""

    plan: CasePlan
    layers: tuple[str, ...]
    verdicts: tuple[tuple[Quality, ...], ...]
    orbit_state: OrbitState
    track: str
    cells: Cells
    window_px: int
    part: Part

    @classmethod
    def of(cls, plan: CasePlan, work: PartWork, part: Part) -> CutPart:
        """Of a part's work and what came of it."""
        recipe, track = work.layers[0]
        names = tuple(layer_name(recipe) for recipe, _ in work.layers)
        return cls(
            plan, names, work.verdicts, track.orbit_state, track.id, work.cells, recipe.window_px,
            part,
        )  # fmt: skip


def cut_all(plans: Sequence[CasePlan], shelf: Path, show: Show, cluster: str) -> list[CutPart]:
    """The parts of all plans, in their order; those that stand on the shelf are not cut again.

    Raises
    ------
    OutputError
        A worker wrote a part where this process does not see it.
    SarlraError
        Acquisitions cannot be judged, or scenes not be read.
    """
    # Workers may have another working directory.
    place, judged = shelf.absolute(), iter(_judge(plans, show, cluster))
    works = [(plan, work) for plan in plans for work in part_works(plan, place, judged)]
    show("tracks x tiles", 0, len(works))
    parts = spread(
        make_part,
        [work for _, work in works],
        cluster,
        lambda done: show("tracks x tiles", done, len(works)),
    )
    for part in parts:
        if not part.folder.is_dir():
            raise OutputError(
                f"a worker wrote {part.folder}, which is not there",
                hint="the folder of a dataset has to be on a disk that all workers share",
            )
    return [CutPart.of(plan, work, part) for (plan, work), part in zip(works, parts, strict=True)]


def _judge(plans: Sequence[CasePlan], show: Show, cluster: str) -> list[tuple[Quality, ...]]:
    """The verdicts on the acquisitions of all cases, where the recipes ask for them."""
    works = [work for plan in plans for work in judgings(plan)]
    found: list[tuple[Quality, ...]] = []
    for verdicts in spread(
        judge_patiently, works, cluster, lambda done: show("acquisitions", done, len(works))
    ):
        if isinstance(verdicts, SarlraError):
            raise verdicts
        found.append(verdicts)
    return found
