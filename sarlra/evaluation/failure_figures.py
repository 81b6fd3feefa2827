"""Figures of where a run fails, as SVG: densities, aspects, recall by class; numbers as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarlra.errors import OutputError
from sarlra.evaluation.analysis import FN, FP, TP, TrackAnalysis
from sarlra.evaluation.failure_tests import SECTOR_DEG, landslides, recall_by
from sarlra.evaluation.figures import new_figure

#: Told apart by colour, by dash, and in grey.
_LINES: Mapping[str, dict[str, Any]] = {
    TP: {"color": "#1b6ca8", "ls": "-", "lw": 2.2},
    FN: {"color": "#c1121f", "ls": "--", "lw": 2.2},
    FP: {"color": "#6b705c", "ls": ":", "lw": 2.2},
}
#: Pixels that a density is made of: taken evenly, more change nothing that can be seen.
_SAMPLE = 20_000
#: Inches: on a phone of 360 px, letters of 8 points are then as large as those of a newspaper.
_WIDTH, _HEIGHT = 4.4, 3.6
_TITLES = {
    "area_m2": ("Recall by landslide size", "area, m2"),
    "slope": ("Recall by slope", "mean slope, degrees"),
    "facing": ("Recall by direction", "from the direction to the radar, degrees (0 faces it)"),
    "incidence": ("Recall by local incidence", "local incidence, degrees"),
    "cover": ("Recall by land cover", "most frequent class"),
    "river_m": ("Recall by distance to a river", "metres"),
    "n_pre": ("Recall by images before", "acquisitions"),
    "n_post": ("Recall by images after", "acquisitions"),
    "visible_share": ("Recall by what the radar could see", "share of the landslide that is seen"),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure: its title, what it shows in a sentence, the picture as SVG, the numbers."""

    name: str
    title: str
    says: str
    svg: str
    table: pd.DataFrame


def draw_track(name: str, analysis: TrackAnalysis) -> list[Drawn]:
    """All figures of a track; those without any data are left out."""
    drawn = [
        _density(name, analysis, "slope", "Slopes", "slope, degrees", (0.0, 70.0)),
        _aspects(name, analysis),
        _density(name, analysis, "incidence", "Local incidence", "local incidence, degrees",
                 (0.0, 120.0)),
    ]  # fmt: skip
    drawn += [_recall(name, analysis, measure) for measure in _TITLES]
    return [one for one in drawn if one is not None]


def write_figures(drawn: list[Drawn], folder: Path) -> None:
    """Write each figure's SVG and CSV.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in drawn:
            (folder / f"{one.name}.svg").write_text(one.svg, encoding="utf-8")
            one.table.to_csv(folder / f"{one.name}.csv", index=False, float_format="%.6g")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error}") from error


def _density(
    name: str, analysis: TrackAnalysis, measure: str, title: str, label: str,
    span: tuple[float, float],
) -> Drawn | None:  # fmt: skip
    from scipy.stats import gaussian_kde

    at = np.linspace(*span, 141)
    columns = {}
    for kind in (TP, FN, FP):
        values = _sample(analysis, kind, measure)
        if values.size > 10 and np.ptp(values) > 0:
            columns[kind] = gaussian_kde(values)(at)
    return _lines(name, measure, title, label, at, columns, analysis, ())


def _aspects(name: str, analysis: TrackAnalysis) -> Drawn | None:
    from scipy.stats import gaussian_kde

    at = np.linspace(0, 360, 181)
    columns = {}
    for kind in (TP, FN, FP):
        values = _sample(analysis, kind, "aspect")
        if values.size > 10:
            # A direction has no edge: the sample is laid out three times round. The width of
            # the kernel is that of one round.
            round_ = np.concatenate([values - 360, values, values + 360])
            width = values.std() * values.size ** (-1 / 5) / round_.std()
            columns[kind] = 3 * gaussian_kde(round_, bw_method=max(width, 0.01))(at)
    marks: list[tuple[float, float, str]] = []
    if np.isfinite(analysis.sensor_azimuth):
        azimuth = analysis.sensor_azimuth
        marks.append((azimuth, azimuth, f"faces the radar ({azimuth:.0f} deg)"))
    if analysis.orbit_state == "descending":
        marks.append((*SECTOR_DEG, "100 to 200 deg: the paper's false negatives"))
    label = "direction that the slope faces, degrees from north"
    return _lines(name, "aspect", "Aspects", label, at, columns, analysis, tuple(marks))


def _lines(
    name: str, measure: str, title: str, label: str, at: NDArray[np.float64],
    columns: Mapping[str, NDArray[np.float64]], analysis: TrackAnalysis,
    marks: tuple[tuple[float, float, str], ...],
) -> Drawn | None:  # fmt: skip
    if not columns:
        return None
    figure, panel = new_figure(f"{title}, {name}", label, "density of pixels")
    figure.set_size_inches(_WIDTH, _HEIGHT)
    for kind, density in columns.items():
        number = int((analysis.cases["kind"] == kind).sum())
        panel.plot(at, density, label=f"{kind} ({number:,})", **_LINES[kind])
    for low, high, text in marks:
        if low == high:
            panel.axvline(low, color="#333333", lw=1, label=text)
        else:
            panel.axvspan(low, high, color="#c1121f", alpha=0.08, label=text)
    panel.set(xlim=(at[0], at[-1]), ylim=(0, None))
    panel.legend(fontsize=8)
    says = (
        f"{title} of the pixels of landslides found and missed and of false alarms; kernel "
        f"density, in brackets the number of landslides and alarms."
    )
    table = pd.DataFrame({measure: at, **columns})
    return Drawn(f"{name}-{measure}", f"{title}, {name}", says, _svg(figure, name, measure), table)


def _recall(name: str, analysis: TrackAnalysis, measure: str) -> Drawn | None:
    table = recall_by(landslides(analysis), measure)
    known = table[table["class"] != "not known"]
    if known.empty:
        return None
    title, label = _TITLES[measure]
    figure, panel = new_figure(f"{title}, {name}", "recall, with 95 % interval", label)
    figure.set_size_inches(_WIDTH, max(2.2, 0.42 * len(table) + 1.3))
    place = np.arange(len(table))[::-1]
    share = table["recall"].to_numpy(dtype=float)
    spread = [
        share - table["low"].to_numpy(dtype=float),
        table["high"].to_numpy(dtype=float) - share,
    ]
    panel.barh(place, share, color="#9ecae1", edgecolor="#1b6ca8", height=0.66)
    panel.errorbar(
        share, place, xerr=np.maximum(spread, 0), fmt="o", ms=4, color="#222222", capsize=3
    )
    texts = [f"{r['class']} ({r['landslides']:,})" for r in table.to_dict("records")]
    panel.set_yticks(place, texts, fontsize=8)
    panel.set(xlim=(0, 1))
    says = f"{title}: share of the observed landslides that a detection touches; in brackets how many; Wilson's interval."  # noqa: E501  # fmt: skip
    return Drawn(
        f"{name}-recall-{measure}", f"{title}, {name}", says, _svg(figure, name, measure), table
    )


def _sample(analysis: TrackAnalysis, kind: str, measure: str) -> NDArray[np.float64]:
    values = analysis.pixels.loc[analysis.pixels["kind"] == kind, measure].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    if values.size <= _SAMPLE:
        return np.asarray(values)
    places = np.linspace(0, values.size - 1, _SAMPLE).round().astype(int)
    return np.asarray(values[places])


def _svg(figure: Any, name: str, measure: str) -> str:
    """As SVG without dates or random ids; equal input, equal text."""
    import io

    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"{name} {measure}", "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
