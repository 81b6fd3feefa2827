"""Training one network on patches, and putting it on a shelf with its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.errors import ModelError
from sarlra.models.calibration import fit_calibration
from sarlra.models.card import Card, Combination, Domain
from sarlra.models.choices import Choices
from sarlra.models.files import sha256
from sarlra.models.fill import fill_nodata
from sarlra.models.fitting import Fitted, fit
from sarlra.models.follow import Tell, tell_nobody
from sarlra.models.info import BANDS, ModelInfo
from sarlra.models.keep import check_name_is_free, store_model
from sarlra.models.keras_file import load_network
from sarlra.models.metrics import best_threshold, count
from sarlra.models.packing import pack_network, round_to_half_precision
from sarlra.models.scoring import BATCH
from sarlra.samples.patches import Patches
from sarlra.scenes.model import OrbitState

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parts:
    """Patches of 2 (VV) or 4 (VV_VH) bands; both classes in training and validation.

    ``natural`` holds validation patches with all of their background, on which scores are turned
    into probabilities; None leaves that out.
    """

    training: Patches
    validation: Patches
    test: Patches
    natural: Patches | None = None

    def named(self) -> dict[str, Patches]:
        """The parts that metrics are given of."""
        return {"training": self.training, "validation": self.validation, "test": self.test}


@dataclass(frozen=True, slots=True)
class Statement:
    """What the card says beyond what training knows itself.

    ``data`` says where the patches come from, as plain JSON values (seeds of simulated worlds,
    study cases, splits); ``domain`` what kind of scenes they show.
    """

    description: str
    licence: str
    limits: tuple[str, ...]
    data: Mapping[str, Any]
    orbit_states: tuple[OrbitState, ...] = ("ascending", "descending")
    domain: Domain | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A network as it is stored, its threshold, and its scores of each part in order."""

    packed: bytes
    network: Any
    fitted: Fitted
    threshold: float
    scores: Mapping[str, Scores]


def train_model(
    name: str,
    folder: Path,
    parts: Parts,
    statement: Statement,
    choices: Choices = Choices(),
    *,
    state: Path | None = None,
    tell: Tell = tell_nobody,
) -> ModelInfo:
    """Train a network, choose its threshold, measure it, and store it with its card.

    The same patches and choices give the same file on the same machine.

    Parameters
    ----------
    name, folder
        ``folder/name.keras`` and ``folder/name.json`` are written, the card last.
    parts
        Not changed.
    statement, choices
        For the card; for the training.
    state, tell
        As ``folder`` and ``tell`` of :func:`sarlra.models.fitting.fit`.

    Returns
    -------
    ModelInfo
        With ``card["metrics"]``: counts, precision, recall, F1 and accuracy on each part, and on
        the test part per event.

    Raises
    ------
    ModelError
        The patches do not fit one another, lack a class, the name is taken, or it did not learn.
    OutputError
        The folder cannot be written to.
    """
    check_name_is_free(name, folder)
    combination = check_parts(parts)
    trained = run_training(parts, choices, combination, state=state, tell=tell)
    card = Card(
        name=name,
        sha256=sha256(trained.packed),
        combination=combination,
        orbit_states=statement.orbit_states,
        architecture=choices.architecture,
        filters=choices.filters,
        radiometry="gamma0",
        threshold=trained.threshold,
        licence=statement.licence,
        description=statement.description,
        limits=statement.limits,
        parameters=int(trained.network.count_params()),
        training={
            "data": dict(statement.data),
            "choices": asdict(choices),
            "optimizer": "Adam; a hundredth of the rate for a third of an epoch, a tenth until 1.5",
            "epochs": trained.fitted.epochs,
            "validation_loss": round(trained.fitted.loss, 6),
            "weights": "rounded to half precision",
        },
        metrics=measure(trained, parts),
        calibration=_calibrate(trained, parts.natural, BANDS[combination], statement),
        domain=statement.domain,
    )
    return store_model(trained.packed, card, folder)


def run_training(
    parts: Parts,
    choices: Choices,
    combination: Combination,
    *,
    state: Path | None = None,
    tell: Tell = tell_nobody,
) -> Trained:
    """Train a network and choose its threshold: the best on the validation patches.

    Weights are rounded to half precision before anything is scored, so that all figures are of
    the file that is stored. The test patches decide nothing.

    Raises
    ------
    ModelError
        The network gives every validation patch the same score.
    """
    bands = BANDS[combination]
    filled = {
        name: Patches(filled_windows(p.windows, bands), p.labels.astype(bool), p.events)
        for name, p in parts.named().items()
    }
    fitted = fit(filled["training"], filled["validation"], choices, bands, folder=state, tell=tell)
    fitted.network.set_weights([round_to_half_precision(w) for w in fitted.network.get_weights()])
    packed = pack_network(fitted.network)
    network = load_network(packed, choices.architecture)
    scores = {name: predict(network, p.windows) for name, p in filled.items()}
    if np.ptp(scores["validation"]) == 0:
        raise ModelError(
            "the network did not learn: it gives every validation patch the same score",
            hint="train again with another seed or a lower learning rate",
        )
    threshold = best_threshold(scores["validation"], filled["validation"].labels)
    return Trained(packed, network, fitted, threshold, scores)


def measure(trained: Trained, parts: Parts) -> dict[str, Any]:
    """Counts and measures of each part at the model's threshold, and of the test part by event."""
    named = parts.named()
    metrics: dict[str, Any] = {
        name: count(trained.scores[name], p.labels, trained.threshold).as_json()
        for name, p in named.items()
    }
    test, scores = parts.test, trained.scores["test"]
    metrics["test_per_event"] = {
        str(event): count(
            scores[chosen := test.events == event], test.labels[chosen], trained.threshold
        ).as_json()
        for event in np.unique(test.events)
    }
    return metrics


def check_parts(parts: Parts) -> Combination:
    """The combination of bands that all parts have.

    Raises
    ------
    ModelError
        Shapes disagree, fit no combination, or a class is missing.
    """
    bands = parts.training.windows.shape[-1]
    for part, patches in parts.named().items():
        shape, n = patches.windows.shape, len(patches.windows)
        if len(shape) != 4 or shape[1:] != (64, 64, bands):
            raise ModelError(f"{part} patches are {shape}, not (n, 64, 64, {bands})")
        if patches.labels.shape != (n,) or patches.events.shape != (n,):
            raise ModelError(f"{part} patches, labels and events differ in number")
        labels = patches.labels.astype(bool)
        if part != "test" and (not labels.any() or labels.all()):
            raise ModelError(f"{part} patches need both landslide and background")
    by_number: dict[int, Combination] = {2: "VV", 4: "VV_VH"}
    if bands not in by_number:
        raise ModelError(f"patches of {bands} bands fit no combination", hint="2 (VV) or 4 (VV_VH)")
    return by_number[bands]


def predict(network: Any, windows: NDArray[np.float32]) -> Scores:
    """Scores of finite windows ``(n, 64, 64, bands)``, ``(n,)``, on whatever Keras runs on."""
    if not len(windows):
        return np.empty(0, dtype=np.float32)
    scores = network.predict(windows, batch_size=BATCH, verbose=0)
    return np.asarray(scores[:, 0], dtype=np.float32)


def filled_windows(windows: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
    """The windows without missing data; a copy only where there is some."""
    finite = all(np.isfinite(windows[i : i + BATCH]).all() for i in range(0, len(windows), BATCH))
    return windows if finite else fill_nodata(windows.copy(), bands)


def _calibrate(
    trained: Trained, natural: Patches | None, bands: tuple[str, ...], statement: Statement
) -> Any:
    if natural is None:
        return None
    scores = predict(trained.network, filled_windows(natural.windows, bands))
    kind = statement.data.get("kind", "patches")
    return fit_calibration(
        scores, natural.labels.astype(bool), f"validation patches with all background ({kind})"
    )
