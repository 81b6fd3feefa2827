"""What a model says where something is taken away: no gradients, a check of the contributions.

What is taken away is filled as no data is: change becomes 0, an image after the event the window's
median. Occlusion (Zeiler & Fergus 2014) takes away a square of all bands at a time, the
counterfactual whole bands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Score = Callable[[F32], F32]
Bands = tuple[str, ...]

#: Edge of the square that is taken away, and how far it moves, pixels.
SQUARE_PX, STEP_PX = 8, 4


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Scores of one window without some of its bands.

    Parameters
    ----------
    bands
        Of the window, in its order.
    scores
        Set of bands, in the window's order -> score without them; every set but the empty one.
    """

    bands: Bands
    scores: dict[Bands, float]

    def disappears(self, threshold: float) -> tuple[Bands, ...]:
        """The smallest sets without which the score is not over a threshold: all of one size."""
        found = [chosen for chosen, score in self.scores.items() if score <= threshold]
        least = min((len(chosen) for chosen in found), default=0)
        return tuple(chosen for chosen in found if len(chosen) == least)

    def line(self, threshold: float) -> str:
        """In words, such as ``disappears if diffVV is set to 0``."""
        found = self.disappears(threshold)
        if not found:
            return "stays whatever is taken away"
        return "disappears if " + ", or if ".join(_taken(chosen) for chosen in found)


def sets_of(bands: Bands) -> list[Bands]:
    """Every set of bands but the empty one, small ones first."""
    return [c for size in range(1, len(bands) + 1) for c in combinations(bands, size)]


def occlusion(score: Score, window: F32, bands: Bands) -> F32:
    """How much the score falls where a square is taken away, mean over the squares on a pixel.

    Parameters
    ----------
    score
        ``(n, rows, columns, bands)`` to ``(n,)``.
    window
        (rows, columns, bands) float32 dB, finite.

    Returns
    -------
    (rows, columns) float32: over 0 where the pixel holds the score up.
    """
    rows, cols = window.shape[:2]
    corners = [
        (r, c)
        for r in range(0, rows - SQUARE_PX + 1, STEP_PX)
        for c in range(0, cols - SQUARE_PX + 1, STEP_PX)
    ]
    filling = _filling(window, bands)
    changed = np.repeat(window[None], len(corners) + 1, axis=0)
    for number, (r, c) in enumerate(corners, start=1):
        changed[number, r : r + SQUARE_PX, c : c + SQUARE_PX] = filling
    scores = score(changed).astype(np.float64)
    total, count = np.zeros((rows, cols)), np.zeros((rows, cols))
    for (r, c), drop in zip(corners, scores[0] - scores[1:], strict=True):
        place = (slice(r, r + SQUARE_PX), slice(c, c + SQUARE_PX))
        total[place] += drop
        count[place] += 1
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0).astype(np.float32)


def counterfactual(score: Score, window: F32, bands: Bands) -> Counterfactual:
    """Score a window without each set of its bands; shapes as in :func:`occlusion`."""
    filling = _filling(window, bands)
    sets = sets_of(bands)
    changed = np.repeat(window[None], len(sets), axis=0)
    for number, chosen in enumerate(sets):
        places = [bands.index(name) for name in chosen]
        changed[number][..., places] = filling[places]
    scores = score(changed)
    return Counterfactual(bands, {s: float(v) for s, v in zip(sets, scores, strict=True)})


def _filling(window: F32, bands: Bands) -> F32:
    """What stands for each band: 0 for a change, the median for an image."""
    levels = np.median(window, axis=(0, 1)).astype(np.float32)
    levels[[name.startswith("diff_") for name in bands]] = 0.0
    return levels


def short(band: str) -> str:
    """A band as people write it: ``diff_vv`` is diffVV."""
    kind, _, polarisation = band.partition("_")
    return f"{kind}{polarisation.upper()}"


def _taken(chosen: Bands) -> str:
    names = " and ".join(short(name) for name in chosen)
    verb = "is" if len(chosen) == 1 else "are"
    if all(name.startswith("diff_") for name in chosen):
        return f"{names} {verb} set to 0"
    if all(name.startswith("post_") for name in chosen):
        return f"{names} {verb} levelled"
    return f"{names} {verb} taken away"
