"""Training a network on simulated worlds, from seeds to a model with its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from sarlra.errors import InputError
from sarlra.jobs.simulated_patches import balance, patches_of_seed
from sarlra.models.registry import ModelInfo
from sarlra.models.training import Choices, Statement, train_model
from sarlra.recipe import make_recipe
from sarlra.samples.hide import hide_edges
from sarlra.samples.patches import Patches, join

#: Background patches per landslide patch in validation and test (paper, section 3.2).
TEST_RATIO = 10.0
#: Share of the training patches that an edge of the data is put through.
EDGE_SHARE = 0.15

LIMITS = (
    "Trained and measured on simulated events only; its figures say nothing about a real one.",
    "Made for gamma0 (radiometrically terrain corrected) at 10 m, 60 days before and 12 after.",
    "Terrain, cover and radar of the simulation are simpler than nature; snow is not in it.",
)


def train_simulated(
    name: str,
    combination: Literal["VV", "VV_VH"],
    seeds: tuple[Sequence[int], Sequence[int], Sequence[int]],
    folder: Path,
    cache: Path,
    *,
    ratio: float,
    choices: Choices,
    show: Callable[[str, int, int], None] = lambda *_: None,
) -> ModelInfo:
    """Make the patches of simulated worlds, train on them and store the model.

    Parameters
    ----------
    seeds
        Of the worlds for training, validation and test; no world may stand in two of them.
    folder, cache
        Where the model goes; where patches are kept between runs.
    ratio
        Background patches per landslide patch in training.
    choices
        Of the network and its training; ``choices.seed`` also draws the background.

    Raises
    ------
    InputError
        A world stands in two parts.
    """
    together = [seed for part in seeds for seed in part]
    if len(set(together)) != len(together):
        raise InputError(
            "a simulated world stands in two of training, validation and test",
            hint="give ranges of seeds that do not overlap",
        )
    rng = np.random.default_rng(choices.seed)
    done = 0
    parts: list[Patches] = []
    for part, limit in zip(seeds, (ratio, TEST_RATIO, TEST_RATIO), strict=True):
        worlds = []
        for seed in part:
            show("simulated worlds", done, len(together))
            worlds.append(balance(_patches(seed, combination, cache), limit, rng))
            done += 1
        parts.append(join(worlds))
    show("simulated worlds", done, len(together))
    training, validation, test = parts
    training = hide_edges(training, EDGE_SHARE, make_recipe().max_nodata, rng)
    return train_model(
        name,
        folder,
        training,
        validation,
        test,
        Statement(
            description=f"The CNN of the paper on {combination}, trained on simulated events.",
            licence="Apache-2.0",
            limits=LIMITS,
            data={
                "kind": "simulated worlds, both directions, 20.5 km each",
                "training_seeds": list(seeds[0]),
                "validation_seeds": list(seeds[1]),
                "test_seeds": list(seeds[2]),
                "training_ratio": ratio,
                "test_ratio": TEST_RATIO,
                "edge_share": EDGE_SHARE,
                "buffers": "60-12",
            },
        ),
        choices,
    )


def _patches(seed: int, combination: Literal["VV", "VV_VH"], cache: Path) -> Patches:
    """A world's patches; VV alone is cut from VV and VH, so that a world is made only once."""
    patches = patches_of_seed(seed, make_recipe(), cache)
    if combination == "VV_VH":
        return patches
    return Patches(patches.windows[..., [0, 2]], patches.labels, patches.events)
