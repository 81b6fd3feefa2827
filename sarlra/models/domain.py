"""What a model has seen, and how much of a scene lies inside it.

A network answers for any input. Whether it has learnt anything of this kind of place is told by
plain facts: how many acquisitions the composite is made of, at which angle the radar looked, and
how bright the ground is and how much it changed on the scale of a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sarlra.errors import ModelError
from sarlra.models.card import Domain

#: Quantiles of the window means that bound the domain.
QUANTILES = (0.005, 0.995)
#: A scene lies inside where at least this share of its windows does, in every respect. Of the
#: training windows themselves 96 % or more do: each of up to four bands leaves out 1 %.
ENOUGH = 0.9
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Inside:
    """Shares in [0, 1] of a scene's windows that lie inside what a model has seen.

    Parameters
    ----------
    cover
        All bands' window means within their ranges.
    n_pre, n_post
        The number of acquisitions before and after within its range.
    incidence
        None where the scene's or the model's angles are not known.
    """

    cover: float
    n_pre: float
    n_post: float
    incidence: float | None

    @property
    def all(self) -> bool:
        """Whether every share that is known is at least :data:`ENOUGH`."""
        return all(share >= ENOUGH for share in asdict(self).values() if share is not None)


def make_domain(
    windows: NDArray[np.float32],
    bands: Sequence[str],
    *,
    n_pre: ArrayLike,
    n_post: ArrayLike,
    incidence: ArrayLike | None = None,
) -> Domain:
    """The domain of a training.

    Parameters
    ----------
    windows
        ``(n, rows, columns, bands)`` dB; NaN is no data.
    bands
        Names in the order of the last axis, such as ``post_vv``.
    n_pre, n_post
        Numbers of acquisitions that occurred, of any shape.
    incidence
        Angles on the ellipsoid that occurred, degrees; None where not known.

    Raises
    ------
    ModelError
        There are no windows with data, or the bands do not fit them.
    """
    if windows.ndim != 4 or windows.shape[-1] != len(bands):
        raise ModelError(f"windows {windows.shape} do not fit the bands {', '.join(bands)}")
    means = window_means(windows)
    means = means[np.isfinite(means).all(axis=1)]
    if not len(means):
        raise ModelError("a domain needs windows with data")
    low, high = np.quantile(means, QUANTILES, axis=0)
    return Domain(
        n_pre=_whole(n_pre),
        n_post=_whole(n_post),
        incidence=None if incidence is None else _extent(incidence),
        bands={
            name: (round(float(a), 3), round(float(b), 3))
            for name, a, b in zip(bands, low, high, strict=True)
        },
    )


def domain_of(card: Mapping[str, Any]) -> Domain | None:
    """The domain in a card's plain values; None where it has none."""
    found = card.get("domain")
    return None if found is None else Domain.model_validate(found)


def window_means(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of each band of each window over its pixels with data, ``(n, bands)`` dB; NaN where
    there are none. Summed in float64, some windows at a time to spare memory.
    """
    means = np.full((len(windows), windows.shape[-1]), np.nan)
    for start in range(0, len(windows), _AT_ONCE):
        part = windows[start : start + _AT_ONCE]
        known = np.isfinite(part)
        number = known.sum(axis=(1, 2))
        total = np.where(known, part, 0).sum(axis=(1, 2), dtype=np.float64)
        np.divide(total, number, out=means[start : start + len(part)], where=number > 0)
    return means


def inside(
    domain: Domain,
    means: Mapping[str, ArrayLike],
    n_pre: ArrayLike,
    n_post: ArrayLike,
    incidence: ArrayLike | None = None,
) -> Inside | None:
    """How much of a scene lies inside a domain.

    Parameters
    ----------
    means
        Per band the window means, dB, shape ``(windows,)``; windows with a NaN are left out.
    n_pre, n_post
        Acquisitions that counted, ``(windows,)`` or one number.
    incidence
        Degrees, of any number of places in the scene.

    Returns
    -------
    Inside or None
        None where no window has data.

    Raises
    ------
    ModelError
        A band of the domain is not among the means.
    """
    if missing := [name for name in domain.bands if name not in means]:
        raise ModelError(f"the scene has no {', '.join(missing)}, which the model takes")
    values = np.stack([np.asarray(means[name], dtype=np.float64) for name in domain.bands])
    known: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=0))
    if not known.any():
        return None
    ranges = np.array(list(domain.bands.values()))
    within = (values >= ranges[:, :1]) & (values <= ranges[:, 1:])
    return Inside(
        cover=float(np.mean(np.all(within, axis=0), where=known)),
        n_pre=_share(n_pre, domain.n_pre, known),
        n_post=_share(n_post, domain.n_post, known),
        incidence=_angles(domain, incidence),
    )


def _share(values: ArrayLike, limits: tuple[float, float], known: NDArray[np.bool_]) -> float:
    each = np.broadcast_to(np.asarray(values, dtype=np.float64), known.shape)[known]
    return float(((each >= limits[0]) & (each <= limits[1])).mean())


def _angles(domain: Domain, incidence: ArrayLike | None) -> float | None:
    if domain.incidence is None or incidence is None:
        return None
    angles = np.asarray(incidence, dtype=np.float64).ravel()
    angles = angles[np.isfinite(angles)]
    low, high = domain.incidence
    return float(((angles >= low) & (angles <= high)).mean()) if len(angles) else None


def _extent(values: ArrayLike) -> tuple[float, float]:
    known = np.asarray(values, dtype=np.float64).ravel()
    known = known[np.isfinite(known)]
    if not len(known):
        raise ModelError("a domain needs at least one value of each kind")
    return float(known.min()), float(known.max())


def _whole(values: ArrayLike) -> tuple[int, int]:
    low, high = _extent(values)
    return int(low), int(high)
