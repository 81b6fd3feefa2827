"""The detector to beat, on the patches of a sweep: a row beside those of the networks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra import __version__
from sarlra.evaluation.baseline import baseline_counts, tune_baseline
from sarlra.models.card import Combination
from sarlra.models.choices import Choices
from sarlra.samples.draw import TEST_RATIO
from sarlra.samples.patches import Patches
from sarlra.samples.rendered import Buffers
from sarlra.scenes.model import OrbitState
from sarlra.training.sweep import executor
from sarlra.training.sweep_folder import Sweep, id_of, missing, write_row
from sarlra.training.sweep_runs import COMBINATIONS, ORBIT_STATES
from sarlra.training.train import Task, load
from sarlra.training.worlds import Show, Split

#: Background per landslide patch that smoothing and threshold are chosen on.
RATIO = 5.0


@dataclass(frozen=True, slots=True)
class BaselineRun:
    """The smoothed |change of VV| on the patches of one combination and direction.

    It looks at VV alone; the combination says on whose events and patches.
    """

    combination: Combination
    orbit_state: OrbitState
    split: Split

    @property
    def id(self) -> str:
        """Of everything that its result depends on."""
        return id_of(["baseline", asdict(self), RATIO, __version__])


def baseline_runs(split: Split) -> list[BaselineRun]:
    """One for each combination and direction."""
    return [BaselineRun(c, state, split) for c in COMBINATIONS for state in ORBIT_STATES]


def run_baselines(
    sweep: Sweep,
    runs: Sequence[BaselineRun],
    buffers: tuple[Buffers, ...],
    *,
    workers: int,
    show: Show = lambda *_: None,
) -> None:
    """Tune the baseline on training patches and count on the others, what has no result yet."""
    todo = missing(sweep, runs)
    show("baseline", len(runs) - len(todo), len(runs))
    if not todo:
        return
    with executor("none", workers, len(todo)) as pool:
        for future in [pool.submit(_run, run, sweep, buffers) for run in todo]:
            future.result()
    show("baseline", len(runs), len(runs))


def _run(run: BaselineRun, sweep: Sweep, buffers: tuple[Buffers, ...]) -> None:
    started = time.monotonic()
    task = Task(run.combination, (run.orbit_state,), Choices(), RATIO, (60, 12))
    store, split = sweep.store(buffers), run.split
    training = load(split.training, store, task, RATIO)
    tuned = tune_baseline(_change_of_vv(training), training.labels.astype(bool))
    row: dict[str, Any] = {
        "run": run.id,
        "stage": "baseline",
        "combination": run.combination,
        "orbit_state": run.orbit_state,
        "buffers": "60-12",
        "architecture": "baseline",
        "ratio": RATIO,
        "threshold": tuned.threshold_db,
        "smoothing": f"{tuned.order}, sigma {tuned.sigma_px:g} px",
        "training_f1": round(tuned.training_f1, 4),
        "training_patches": len(training),
    }
    held_out = {
        "validation": load(split.validation, store, task, TEST_RATIO),
        "test": load(split.test, store, task, TEST_RATIO),
    }
    test = held_out["test"]
    held_out |= {str(event): test.take(test.events == event) for event in np.unique(test.events)}
    for name, part in held_out.items():
        counts = baseline_counts(tuned, _change_of_vv(part), part.labels.astype(bool))
        row |= {f"{name}_{k}": v for k, v in counts.as_json().items()}
    row |= {"status": "done", "seconds": round(time.monotonic() - started, 1)}
    write_row(sweep.result(run.id), row)


def _change_of_vv(patches: Patches) -> NDArray[np.float32]:
    """Bands are VV, (VV, VH) after the event, then the same as change."""
    return patches.windows[..., patches.windows.shape[-1] // 2]
