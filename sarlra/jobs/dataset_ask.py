"""From what a person or a deployment writes to the wish for a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sarlra.errors import InputError
from sarlra.jobs.case_plan import Combination
from sarlra.jobs.cases import Given, open_cases
from sarlra.jobs.plan import BOTH
from sarlra.jobs.wish import Wish
from sarlra.recipe import PAPER_BUFFERS, make_recipe, parse_buffers
from sarlra.scenes.model import OrbitState

_COMBINATIONS: dict[str, tuple[Combination, ...]] = {
    "VV": ("VV",),
    "VV_VH": ("VV_VH",),
    "both": ("VV", "VV_VH"),
}
_ORBITS: dict[str, frozenset[OrbitState]] = {
    "both": BOTH,
    "ascending": frozenset({"ascending"}),
    "descending": frozenset({"descending"}),
}


def make_wish(
    cases: Sequence[str],
    *,
    source: str = "planetary-computer",
    inventory: str | None = None,
    mapped: str | None = None,
    unmapped: str | None = None,
    aoi: str | None = None,
    inventories: Path | None = None,
    pol: str = "both",
    buffers: Sequence[str] = ("60-12",),
    orbit: str = "both",
    dem: str = "auto",
    unseen: Sequence[str] = (),
    seed: int = 0,
    loader: Literal["stackstac", "odc"] = "stackstac",
    quality: bool = False,
) -> Wish:
    """Check everything that was written and read events and inventories; touches no output.

    Parameters
    ----------
    cases
        See :func:`sarlra.jobs.cases.open_cases`.
    buffers
        ``PRE-POST`` in days; ``paper`` stands for the ten of the paper.
    unseen
        Cases, as they are named in ``cases`` or by their event's id, that no training may see;
        study cases that the paper kept unseen are so anyway.
    quality
        Whether acquisitions are held against their stacks, and corrected or left out.

    Raises
    ------
    InputError
        One of its kinds, naming what cannot be used.
    """
    if pol not in _COMBINATIONS:
        raise InputError(f"polarisations {pol!r} are none of {', '.join(_COMBINATIONS)}")
    if orbit not in _ORBITS:
        raise InputError(f"orbit {orbit!r} is none of {', '.join(_ORBITS)}")
    wanted: list[tuple[int, int]] = []
    for text in buffers:
        wanted += PAPER_BUFFERS if text == "paper" else [parse_buffers(text)]
    # Each is checked as a recipe would: days may not be 0.
    for pre, post in wanted:
        make_recipe(pre_days=pre, post_days=post)
    given = Given(
        source,
        inventory,
        mapped,
        unmapped,
        aoi,
        inventories,
        dem,
        _ORBITS[orbit],
        frozenset(unseen),
    )
    opened = open_cases(list(cases), given)
    strange = sorted(set(unseen) - set(cases) - {case.name for case in opened})
    if strange:
        raise InputError(f"unseen case {strange[0]!r} is none of the cases given")
    return Wish(
        opened,
        _COMBINATIONS[pol],
        tuple(dict.fromkeys(wanted)),
        make_recipe(loader=loader, quality=quality),
        _ORBITS[orbit],
        seed,
    )
