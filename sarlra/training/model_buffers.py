"""How well one model does on composites of other buffers than it was trained on.

A watched event's composites get wider windows as passes come in, and the model stays the same. What
it is worth on each is what the choice of buffers needs (:mod:`sarlra.watch.buffers`); how good a
model trained for each would be is another question, the sweep's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sarlra.detection.score_file import threshold_of
from sarlra.models.info import ModelInfo
from sarlra.models.metrics import Counts, count
from sarlra.models.scoring import load_scorer
from sarlra.models.training import filled_windows
from sarlra.recipe import WATCH_BUFFERS
from sarlra.samples.draw import TEST_RATIO
from sarlra.samples.patches import join
from sarlra.samples.rendered import Buffers
from sarlra.training.worlds import Show, Store, Wanted, load_patches, make_split, make_worlds


def measure_buffers(
    models: Sequence[ModelInfo],
    worlds: int,
    cache: Path,
    *,
    workers: int = 2,
    buffers: tuple[Buffers, ...] = WATCH_BUFFERS,
    show: Show = lambda *_: None,
) -> dict[str, dict[str, Counts]]:
    """Score models on the test events' worlds, composited with each pair of buffers.

    The worlds are those of the test (:func:`sarlra.training.worlds.make_split`): two events that no
    model has seen and the default one. All buffers have the same patches, 10 of background to one
    of landslide, and a model's own threshold.

    Parameters
    ----------
    models
        Each is scored on the directions of its card.
    worlds, cache
        Worlds of each event; where their patches are kept between runs.

    Returns
    -------
    dict
        Model -> such as ``60-12`` -> counts.
    """
    test = make_split(1, 1, worlds).test
    store = Store(cache, buffers)
    make_worlds(test, store, workers, show)
    found: dict[str, dict[str, Counts]] = {}
    for number, model in enumerate(models):
        show("models", number, len(models))
        threshold = threshold_of(model)
        scorer = load_scorer(model)
        found[model.name] = {}
        for pair in buffers:
            patches = join(
                [
                    load_patches(test, store, Wanted(model.combination, state, pair, TEST_RATIO))
                    for state in model.orbit_states
                ]
            )
            scores = scorer.score(filled_windows(patches.windows, model.bands))
            counts = count(scores, patches.labels, threshold)
            found[model.name][f"{pair[0]}-{pair[1]}"] = counts
    show("models", len(models), len(models))
    return found


def as_metrics(measured: dict[str, Counts]) -> dict[str, Any]:
    """As a card's ``metrics.by_buffer`` holds it."""
    return {name: counts.as_json() for name, counts in measured.items()}
