"""Is the simulation like the real thing? Statistics of both, by cover, side by side.

Real: a series of OPERA RTC-S1 (30 m, VV and VH, track 137 over California). Simulated: a world of
the profile ``dry-coast``, imaged at as many dates and brought from 10 m to 30 m by averaging 3 x 3
pixels of linear power. Both are classed by the same rules from their medians over time, so that an
error of the rules is made on both sides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from scipy import ndimage

from sarlra.errors import InputError
from sarlra.simulation.backscatter import make_backdrop
from sarlra.simulation.events_table import CALIFORNIA
from sarlra.simulation.ground import make_ground
from sarlra.simulation.layout import make_layout
from sarlra.simulation.render import Moment, render
from sarlra.simulation.views import make_views

F64 = npt.NDArray[np.float64]
COVERS = ("sea", "sparse", "grass", "shrub")
_TOWN = "T137-292319-IW2"
"""A burst over a town: left out, its levels cannot be told from those of shrub."""
_LEAST_DB = -36.0
_NEAR_PX = 4.0
"""Width of the Gaussian that parts speckle (finer) from weather (coarser), pixels of 30 m."""
_SIM_PX = 576


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
Table = dict[str, dict[str, list[float | tuple[float, float, float]]]]

#: How far the simulation may be from the real series, dB except for the correlation; for
#: percentiles the first holds for the median, the second for the 5th and 95th. Real covers differ
#: from burst to burst by about as much.
TOLERANCES: dict[str, float] = {
    "median": 1.2,
    "tail": 3.2,
    "temporal_vv": 1.1,
    "temporal_vh": 0.8,
    "speckle_vv": 0.35,
    "speckle_vh": 0.25,
    "neighbour": 0.15,
    "weather_vv": 0.7,
    "weather_vh": 1.0,
    "drift_vv": 1.0,
    "drift_vh": 0.6,
}


def read_series(items: Path) -> tuple[F64, F64]:
    """Read a series of bursts that share their dates.

    Parameters
    ----------
    items
        ItemCollection with ``opera:burst_id``, assets ``vv`` and ``vh`` and relative hrefs.

    Returns
    -------
    gamma0 in linear power, float64, (bursts, dates, 2, rows, columns), and the day of the year of
    the dates.

    Raises
    ------
    InputError
        The file is no such collection, or the bursts differ in dates or shape.
    """
    try:
        found: dict[str, dict[str, F64]] = {}
        for feature in json.loads(items.read_text(encoding="utf-8"))["features"]:
            name, date = feature["properties"]["opera:burst_id"], feature["properties"]["datetime"]
            paths = [items.parent / feature["assets"][p]["href"] for p in ("vv", "vh")]
            if name != _TOWN:
                found.setdefault(name, {})[date[:10]] = np.stack([_read(p) for p in paths])
    except (OSError, ValueError, KeyError, TypeError, rasterio.errors.RasterioError) as error:
        raise InputError(
            f"{items} is no readable series of bursts: {error}", hint="give its items.json"
        ) from error
    dates = [sorted(series) for series in found.values()]
    shapes = {image.shape for series in found.values() for image in series.values()}
    if len({tuple(d) for d in dates}) != 1 or len(shapes) != 1 or len(dates[0]) < 4:
        raise InputError(f"the bursts of {items} differ in dates or shape, or have under 4 dates")
    series = np.stack([np.stack([found[b][d] for d in dates[0]]) for b in sorted(found)])
    days = np.array(dates[0], dtype="datetime64[D]")
    return series, (days - days.astype("datetime64[Y]")).astype(np.float64) + 1.0


def simulate_series(seed: int, days_of_year: F64, size_px: int = _SIM_PX) -> F64:
    """A simulated series at 30 m in the form of :func:`read_series`, one burst, no earthquake."""
    layout = make_layout(size_px, CALIFORNIA.epsg, CALIFORNIA.centre)
    ground = make_ground(seed, layout, CALIFORNIA)
    view = make_views(ground)["descending"]
    backdrop = make_backdrop(ground, view)
    images = []
    for number, day in enumerate(days_of_year):
        power = render(ground, view, Moment(-1.0, float(day), number), backdrop=backdrop)
        images.append(multilook(power, 3))
    return np.stack(images)[None]


def multilook(power: npt.NDArray[np.floating], factor: int) -> F64:
    """Mean of linear power over blocks of ``factor`` x ``factor`` pixels of the last two axes."""
    rows, cols = (n // factor for n in power.shape[-2:])
    whole = power[..., : rows * factor, : cols * factor].astype(np.float64)
    blocks = whole.reshape(*power.shape[:-2], rows, factor, cols, factor)
    return np.asarray(blocks.mean(axis=(-3, -1)))


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


def compare(real: Statistics, simulated: Statistics) -> Table:
    """Both side by side, ``{cover: {statistic: [real, simulated]}}``, for covers in both."""
    table: Table = {}
    for name in (n for n in COVERS if n in real and n in simulated):
        left, right = asdict(real[name]), asdict(simulated[name])
        table[name] = {f.name: [left[f.name], right[f.name]] for f in fields(CoverStatistics)}
    return table


def beyond(table: Table) -> list[str]:
    """What lies beyond :data:`TOLERANCES`, such as ``"sea vv 50 %: real -16.3, simulated -19.0"``;
    empty where the simulation holds.
    """
    found: list[str] = []
    for cover, rows in table.items():
        for name, pair in rows.items():
            for label, real, simulated, limit in _pairs(name, pair):
                if not abs(real - simulated) <= limit:
                    found.append(f"{cover} {label}: real {real:.2f}, simulated {simulated:.2f}")
    return found


def _pairs(
    name: str, pair: list[float | tuple[float, float, float]]
) -> list[tuple[str, float, float, float]]:
    real, simulated = pair
    if name == "pixels":
        return []
    if isinstance(real, tuple) and isinstance(simulated, tuple):
        limits = (TOLERANCES["tail"], TOLERANCES["median"], TOLERANCES["tail"])
        rows = zip(("5 %", "50 %", "95 %"), real, simulated, limits, strict=True)
        return [(f"{name} {part}", a, b, limit) for part, a, b, limit in rows]
    assert isinstance(real, float)
    assert isinstance(simulated, float)
    return [(name, real, simulated, TOLERANCES[name])]


def evaluate_realism(items: Path, seeds: Sequence[int] = (1, 2, 3)) -> Table:
    """Compare the real series behind ``items`` with simulated ones; see :func:`compare`.

    The simulated statistics are means over the seeds: the rain of one series of 21 dates differs
    much from that of the next.

    Raises
    ------
    InputError
        The series cannot be read.
    """
    real, days = read_series(items)
    simulated = [statistics(simulate_series(seed, days), days) for seed in seeds]
    return compare(statistics(real, days), mean_statistics(simulated))


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


def _read(path: Path) -> F64:
    with rasterio.open(path) as raster:
        image = raster.read(1).astype(np.float64)
    return np.asarray(np.where(np.isfinite(image), image, 0.0))
