"""What a dataset of patches is to hold, and the description by which it is known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sarlra import __version__
from sarlra.jobs.case_plan import CasePlan, Combination
from sarlra.jobs.cases import Case
from sarlra.jobs.plan import BOTH
from sarlra.recipe import Polarisations, Recipe
from sarlra.samples.store import KIND, layer_name
from sarlra.scenes.model import OrbitState

POLARISATIONS: dict[Combination, Polarisations] = {"VV": ("VV",), "VV_VH": ("VV", "VH")}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a dataset is to hold.

    ``recipe`` is that of all layers but for its polarisations and buffers.
    """

    cases: tuple[Case, ...]
    combinations: tuple[Combination, ...]
    buffers: tuple[tuple[int, int], ...]
    recipe: Recipe
    orbits: frozenset[OrbitState] = BOTH
    seed: int = 0

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """One for each combination and buffer, in the order of their names."""
        return tuple(
            self.recipe.model_copy(
                update={
                    "polarisations": POLARISATIONS[combination],
                    "pre_days": pre,
                    "post_days": post,
                }
            )
            for combination in sorted(set(self.combinations))
            for pre, post in sorted(set(self.buffers))
        )


def facts_of(wish: Wish, plans: Sequence[CasePlan]) -> dict[str, Any]:
    """The description of the dataset that a wish and its plans give, with a ``digest`` of it."""
    facts: dict[str, Any] = {
        "kind": KIND,
        "package": __version__,
        "seed": wish.seed,
        "layers": [layer_name(recipe) for recipe in wish.recipes],
        "recipes": [recipe.hash() for recipe in wish.recipes],
        "orbits": sorted(wish.orbits),
        "cases": [plan.facts() for plan in plans],
    }
    text = json.dumps(facts, sort_keys=True)
    return facts | {"digest": hashlib.sha256(text.encode()).hexdigest()}
