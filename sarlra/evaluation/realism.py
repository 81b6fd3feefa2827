"""Is the simulation like the real thing? Statistics of both, by cover, side by side.

Real: a series of OPERA RTC-S1 (30 m, VV and VH, track 137 over California). Simulated: a world of
the profile ``dry-coast``, imaged at as many dates and brought from 10 m to 30 m by averaging 3 x 3
pixels of linear power. Both are classed by the same rules from their medians over time, so that an
error of the rules is made on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from sarlra.evaluation.cover_statistics import (
    COVERS,
    CoverStatistics,
    Statistics,
    mean_statistics,
    statistics,
)
from sarlra.evaluation.realism_series import read_series, simulate_series

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
