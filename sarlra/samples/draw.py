"""How much background there is for each landslide patch.

Natural ratios run from 8 to 120; the paper tests with at most 10 background patches per landslide
patch and trains with 4, 5 or 6. Background is put into an order once, and each patch gets the
ratio at which it enters: a training with ratio 4 takes those up to 4, one with ratio 5 these and
more, so that sets of one dataset are nested and need no drawing of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarlra.samples.split import SPLITS

#: At most so many background patches per landslide patch in test (and in unseen cases).
TEST_RATIO = 10.0
#: Those of training and validation, of which a training takes one.
TRAINING_RATIOS = (4.0, 5.0, 6.0)


def limit_of(side: str) -> float:
    """The largest ratio that a side of the split is drawn with."""
    return max(TRAINING_RATIOS) if side in SPLITS[:2] else TEST_RATIO


def ratios(
    sides: NDArray[np.str_], landslide: NDArray[np.bool_], drawn: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """The ratio at which each patch enters, within the patches of one area and direction.

    Parameters
    ----------
    sides, landslide, drawn
        ``(n,)``: side of the split, class, and the number by which background is ordered (then by
        position).

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float64: 0 for landslide; k / m for the k-th background patch of a side with m
        landslide patches; infinite where it has none. The patches of a ratio r are those with at
        most r; their background is at most r times their landslides.
    """
    entered = np.zeros(len(sides), dtype=np.float64)
    for side in np.unique(sides):
        own = sides == side
        rest = np.flatnonzero(own & ~landslide)
        rest = rest[np.argsort(drawn[rest], kind="stable")]
        slides = int((own & landslide).sum())
        entered[rest] = np.arange(1, len(rest) + 1) / slides if slides else np.inf
    return entered


def wanted(
    sides: NDArray[np.str_], landslide: NDArray[np.bool_], drawn: NDArray[np.uint64], slack: float
) -> NDArray[np.bool_]:
    """Which cells can come into a dataset at all, before it is known which are valid.

    All landslide cells, and of each side so much background as the largest ratio takes, times
    ``slack``: where more than 1 - 1 / slack of it turns out not to be valid while the landslides
    are, the ratio stays below its limit.
    """
    entered = ratios(sides, landslide, drawn)
    limits = np.array([limit_of(str(side)) for side in sides])
    return np.asarray(entered <= slack * limits, dtype=bool)
