"""Both directions together: one score per window from the tracks that saw it.

A landslide on a slope that faces one of the two passes can be hidden from it or foreshortened to
nothing, and speckle fools one track where it does not fool another. A track's score counts by how
far its log-odds lie over those of its threshold, so that models with different thresholds can be
put together. Tracks of one direction see the same side of a slope and differ by noise alone: their
mean counts. The two directions see different sides: where both saw, the mean of the two counts,
lifted by :data:`LIFT`, as noise that agrees is rarer than noise. The fused score is a logistic of
that: 0.5 is the threshold. ``benchmarks/fusion.py`` holds the rule against each direction alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarlra.scenes.model import OrbitState

F32 = NDArray[np.float32]

#: Scores over this are detections.
FUSED_THRESHOLD = 0.5
#: Log-odds added where both directions saw a window: see docs/watch.md for how it was chosen.
LIFT = 0.25
_LEAST = 1e-6
ASCENDING, DESCENDING = 1, 2
#: What the codes of ``seen_by`` mean.
SEEN_BY = {0: "none", ASCENDING: "ascending", DESCENDING: "descending", 3: "both"}


@dataclass(frozen=True, slots=True)
class TrackScores:
    """The scores of one track on the lattice of a zone: (rows, columns) float32, NaN = not seen."""

    track: str
    orbit_state: OrbitState
    score: F32
    threshold: float


@dataclass(frozen=True, slots=True)
class Fused:
    """Scores of both directions together, on the lattice of the tracks.

    Parameters
    ----------
    score
        (rows, columns) float32, NaN where no track saw the window; over 0.5 is a detection.
    seen_by
        (rows, columns) uint8: 1 ascending, 2 descending, 3 both, 0 none.
    ascending, descending
        What each direction alone says, on the same scale.
    """

    score: F32
    seen_by: NDArray[np.uint8]
    ascending: F32
    descending: F32


def fuse(tracks: Sequence[TrackScores]) -> Fused:
    """Fuse the tracks of one lattice; all arrays have one shape."""
    shape = tracks[0].score.shape
    margins = {state: _mean([_margin(t) for t in tracks if t.orbit_state == state], shape)
               for state in ("ascending", "descending")}  # fmt: skip
    up, down = margins["ascending"], margins["descending"]
    seen = (np.isfinite(up) * ASCENDING + np.isfinite(down) * DESCENDING).astype(np.uint8)
    both = (up + down) / 2 + LIFT
    fused = np.where(seen == 3, both, np.where(seen == ASCENDING, up, down))
    return Fused(_logistic(fused), seen, _logistic(up), _logistic(down))


def _margin(track: TrackScores) -> NDArray[np.float64]:
    return _log_odds(track.score.astype(np.float64)) - _log_odds(np.float64(track.threshold))


def _log_odds(p: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    held = np.clip(p, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(held) - np.log1p(-held))


def _logistic(margin: NDArray[np.float64]) -> F32:
    return np.asarray(1.0 / (1.0 + np.exp(-margin)), np.float32)


def _mean(parts: Sequence[NDArray[np.float64]], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Of those that saw a window; NaN where none did."""
    total, count = np.zeros(shape), np.zeros(shape)
    for part in parts:
        total += np.nan_to_num(part)
        count += np.isfinite(part)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
