"""The comparison of the simulation with a real series as the table of ``docs/simulation.md``."""

from __future__ import annotations

from collections.abc import Mapping

from sarlra.evaluation.realism import Table

#: Heading -> statistic, in the order of the table; of percentiles the median.
_COLUMNS: Mapping[str, str] = {
    "VV": "vv",
    "VH": "vh",
    "VV-VH": "ratio",
    "std over time VV": "temporal_vv",
    "std over time VH": "temporal_vh",
    "speckle VV": "speckle_vv",
    "speckle VH": "speckle_vh",
    "correlation": "neighbour",
    "weather VV": "weather_vv",
    "weather VH": "weather_vh",
    "winter - autumn VV": "drift_vv",
    "winter - autumn VH": "drift_vh",
}


def realism_markdown(table: Table) -> str:
    """Real / simulated by cover, two decimals (one for the levels), as Markdown."""
    lines = ["| cover | " + " | ".join(_COLUMNS) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for cover, rows in table.items():
        cells = [_cell(name, rows[name]) for name in _COLUMNS.values()]
        lines.append(f"| {cover} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(name: str, pair: list[float | tuple[float, float, float]]) -> str:
    digits = 1 if name in ("vv", "vh", "ratio") else 2
    middle = [part[1] if isinstance(part, tuple) else part for part in pair]
    return " / ".join(f"{value:.{digits}f}" for value in middle)
