"""Levels, speckle and weather of a series of images, by cover of the ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

F64 = npt.NDArray[np.float64]
COVERS = ("sea", "sparse", "grass", "shrub")
_LEAST_DB = -36.0
_NEAR_PX = 4.0
"""Width of the Gaussian that parts speckle (finer) from weather (coarser), pixels of 30 m."""


@dataclass(frozen=True, slots=True)
class CoverStatistics:
    """Statistics of one cover; dB unless said otherwise.

    Parameters
    ----------
    pixels
        Pixels of 30 m in it.
    vv, vh, ratio
        5th, 50th and 95th percentile over space of the median over time of VV, VH and VV - VH.
    temporal_vv, temporal_vh
        Mean over the pixels of the standard deviation over time.
    speckle_vv, speckle_vh
        Standard deviation of the difference between consecutive dates, less what is smooth over
        120 m, over the root of 2.
    neighbour
        Correlation of that difference in VV between neighbours 30 m apart (mean of both axes).
    weather_vv, weather_vh
        Standard deviation over time of the mean over the cover.
    drift_vv, drift_vh
        Difference between the mean levels of the second and the first half of the series' dates by
        day of year, dry dates only (under the median wetness).
    """

    pixels: int
    vv: tuple[float, float, float]
    vh: tuple[float, float, float]
    ratio: tuple[float, float, float]
    temporal_vv: float
    temporal_vh: float
    speckle_vv: float
    speckle_vh: float
    neighbour: float
    weather_vv: float
    weather_vh: float
    drift_vv: float
    drift_vh: float


Statistics = Mapping[str, CoverStatistics]


def classify(series: F64) -> npt.NDArray[np.str_]:
    """Cover of each pixel, (bursts, rows, columns), from the median over time, smoothed over 5
    pixels: sea where VH is under -25.5 dB, sparse under -18.5, grass under -16, shrub from there
    on; ``other`` where VV is over -7.2 (slopes towards the sensor, buildings).
    """
    still = 10 * np.log10(np.maximum(np.median(series, axis=1), 10 ** (_LEAST_DB / 10)))
    smooth = ndimage.uniform_filter(still, (1, 1, 5, 5))
    vv, vh = smooth[:, 0], smooth[:, 1]
    rules = [vh < -25.5, vv > -7.2, vh < -18.5, vh < -16.0]
    return np.asarray(np.select(rules, ["sea", "other", "sparse", "grass"], default="shrub"))


def statistics(series: F64, days_of_year: F64) -> dict[str, CoverStatistics]:
    """Statistics by cover of a series in linear power, (bursts, dates, 2, rows, columns)."""
    decibel = 10 * np.log10(np.maximum(series, 10 ** (_LEAST_DB / 10)))
    cover = classify(series)
    smooth = ndimage.gaussian_filter(decibel, (0, 0, 0, _NEAR_PX, _NEAR_PX))
    change = np.diff(decibel - smooth, axis=1)
    return {
        name: _of_cover(decibel, change, cover == name, days_of_year)
        for name in COVERS
        if (cover == name).sum() > 300
    }


def _of_cover(
    decibel: F64, change: F64, where: npt.NDArray[np.bool_], days_of_year: F64
) -> CoverStatistics:
    inside = decibel.transpose(1, 2, 0, 3, 4)[:, :, where]  # dates, polarisations, pixels
    still = np.median(inside, axis=0)
    level = inside.mean(axis=2)
    temporal = inside.std(axis=0).mean(axis=1)
    grain = change.transpose(1, 2, 0, 3, 4)[:, :, where].std(axis=(0, 2)) / np.sqrt(2)
    weather = level.std(axis=0)
    dry = level[:, 0] <= np.median(level[:, 0])
    # Winter's middle (day 1) parts the series: autumn before, winter after.
    late = (days_of_year < 180) | (days_of_year > 335)
    halves = [level[dry & late], level[dry & ~late]]
    drift = (
        halves[0].mean(axis=0) - halves[1].mean(axis=0) if min(map(len, halves)) else np.zeros(2)
    )
    return CoverStatistics(
        pixels=int(where.sum()),
        vv=_percentiles(still[0]),
        vh=_percentiles(still[1]),
        ratio=_percentiles(still[0] - still[1]),
        temporal_vv=float(temporal[0]),
        temporal_vh=float(temporal[1]),
        speckle_vv=float(grain[0]),
        speckle_vh=float(grain[1]),
        neighbour=_neighbour(change[:, :, 0], where),
        weather_vv=float(weather[0]),
        weather_vh=float(weather[1]),
        drift_vv=float(drift[0]),
        drift_vh=float(drift[1]),
    )


def _neighbour(change: F64, where: npt.NDArray[np.bool_]) -> float:
    """Mean over both axes of the correlation at a distance of one pixel; (bursts, dates, y, x)."""
    found = []
    for axis in (2, 3):
        first = np.moveaxis(change, axis, -1)[..., :-1]
        second = np.moveaxis(change, axis, -1)[..., 1:]
        mask = np.moveaxis(where, axis - 1, -1)
        both = np.broadcast_to((mask[..., :-1] & mask[..., 1:])[:, None], first.shape)
        found.append(float(np.corrcoef(first[both], second[both])[0, 1]))
    return float(np.mean(found))


def _percentiles(values: F64) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return float(low), float(middle), float(high)


def mean_statistics(parts: Sequence[Statistics]) -> dict[str, CoverStatistics]:
    """The mean of each statistic over the parts that have the cover; pixels are summed."""
    found: dict[str, CoverStatistics] = {}
    for name in COVERS:
        held = [asdict(part[name]) for part in parts if name in part]
        if held:
            found[name] = CoverStatistics(**{key: _mean([o[key] for o in held]) for key in held[0]})
    return found


def _mean(values: list[Any]) -> Any:
    """Of numbers or of tuples of numbers; the sum of whole numbers."""
    if isinstance(values[0], int):
        return sum(values)
    mean = np.mean(values, axis=0)
    return tuple(float(v) for v in mean) if mean.ndim else float(mean)
