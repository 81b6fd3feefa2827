"""One explained window: what is computed, what is kept of it in a file, what is said of it."""

from __future__ import annotations

import hashlib
import io
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarlra.evaluation.ablation import Counterfactual, counterfactual, occlusion, sets_of
from sarlra.evaluation.contributions import Explainer
from sarlra.evaluation.pointing import auc_inside, points_inside

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Changes with what is computed, so that files of another way are made again.
_METHOD = "2"
_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Explained:
    """What explains the score of a window.

    Parameters
    ----------
    values
        ``(64, 64, bands)`` float32: contributions, over 0 raises the score.
    score, base
        Of the network, and the mean of the background's.
    gradients
        How many are behind the contributions.
    occlusion
        ``(64, 64)`` float32 (:func:`sarlra.evaluation.ablation.occlusion`).
    without
        Scores without some of the bands.
    seconds
        Wall time of all of it.
    """

    values: F32
    score: float
    base: float
    gradients: int
    occlusion: F32
    without: Counterfactual
    seconds: float

    @property
    def error(self) -> float:
        """Sum of the contributions minus (score - base)."""
        return float(self.values.sum(dtype=np.float64)) - (self.score - self.base)

    @property
    def shares(self) -> dict[str, float]:
        """Each band's share of the sum of absolute contributions."""
        sizes = np.abs(self.values).sum(axis=(0, 1), dtype=np.float64)
        total = float(sizes.sum())
        return {
            name: float(size) / total if total > 0 else 0.0
            for name, size in zip(self.without.bands, sizes, strict=True)
        }

    @property
    def change_share(self) -> float:
        """The share of the change bands together."""
        return sum(share for name, share in self.shares.items() if name.startswith("diff_"))

    @property
    def agreement(self) -> float:
        """Correlation of contributions and occlusion over blocks of 8 x 8 pixels; NaN where one of
        them is the same everywhere.
        """
        first, second = (_blocks(a) for a in (self.values.sum(axis=-1), self.occlusion))
        if first.std() == 0 or second.std() == 0:
            return float("nan")
        return float(np.corrcoef(first, second)[0, 1])


def explain_window(explainer: Explainer, window: F32, bands: tuple[str, ...]) -> Explained:
    """Everything of one window: (64, 64, bands) float32 dB, finite."""
    started = time.perf_counter()
    found = explainer.explain(window[None])
    return Explained(
        values=found.values[0],
        score=float(found.score[0]),
        base=found.base,
        gradients=int(found.gradients[0]),
        occlusion=occlusion(explainer.scores, window, bands),
        without=counterfactual(explainer.scores, window, bands),
        seconds=time.perf_counter() - started,
    )


def facts_of(explained: Explained, threshold: float, truth: Mask | None) -> dict[str, Any]:
    """Plain values for a table: the same for the same window.

    Parameters
    ----------
    truth
        ``(64, 64)``: landslide; None where not known. Two figures say whether what raises the
        score lies there.
    """
    facts: dict[str, Any] = {
        "score": explained.score,
        "base": explained.base,
        "sum": float(explained.values.sum(dtype=np.float64)),
        "additivity_error": explained.error,
        "gradients": explained.gradients,
        **{f"share_{name}": share for name, share in explained.shares.items()},
        "change_share": explained.change_share,
        "occlusion_agreement": explained.agreement,
        **{
            f"score_without_{'+'.join(names)}": score
            for names, score in explained.without.scores.items()
        },
        "counterfactual": (
            explained.without.line(threshold)
            if explained.score > threshold
            else "is not over the threshold"
        ),
    }
    if truth is not None:
        mean = explained.values.mean(axis=-1)
        known = bool(truth.any() and not truth.all())
        facts |= {
            "truth_share": float(truth.mean()),
            "auc_inside": auc_inside(mean, truth) if known else float("nan"),
            "points_inside": points_inside(mean, truth) if known else None,
        }
    return facts


def key_of(window: F32, model_sha256: str, background: F32) -> str:
    """Names everything that a window's explanation depends on."""
    digest = hashlib.sha256(f"{_METHOD} {model_sha256} {window.shape}".encode())
    digest.update(np.ascontiguousarray(background).tobytes())
    digest.update(np.ascontiguousarray(window).tobytes())
    return digest.hexdigest()


def pack(explained: Explained, key: str) -> bytes:
    """An explanation as a file; equal explanations, equal bytes (the time is left out)."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        key=np.array(key),
        values=explained.values,
        occlusion=explained.occlusion,
        numbers=np.array([explained.score, explained.base, explained.gradients], np.float64),
        without=np.array(list(explained.without.scores.values()), np.float64),
    )
    return stream.getvalue()


def unpack(data: bytes, key: str, bands: tuple[str, ...], seconds: float) -> Explained | None:
    """What :func:`pack` wrote; None where it is of something else, or damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            if str(held["key"]) != key:
                return None
            values, covered = held["values"], held["occlusion"]
            score, base, gradients = held["numbers"].tolist()
            scores = dict(zip(sets_of(bands), held["without"].tolist(), strict=True))
    except Exception:  # NumPy and zipfile raise what they like for what is damaged
        return None
    if values.shape[-1] != len(bands) or covered.shape != values.shape[:2]:
        return None
    return Explained(
        values, score, base, int(gradients), covered, Counterfactual(bands, scores), seconds
    )


def _blocks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    rows, cols = (edge // _BLOCK for edge in values.shape)
    cells = values[: rows * _BLOCK, : cols * _BLOCK].reshape(rows, _BLOCK, cols, _BLOCK)
    return np.asarray(cells.sum(axis=(1, 3), dtype=np.float64)).ravel()
