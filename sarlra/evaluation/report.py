"""An evaluation as one HTML page: self-contained, for a phone and for paper."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from sarlra.errors import OutputError
from sarlra.evaluation.analysis import FN, FP, TP, TrackAnalysis
from sarlra.evaluation.failure_figures import Drawn, draw_track, write_figures
from sarlra.evaluation.failure_tests import facing_tests
from sarlra.evaluation.outline_scores import OutlineScore
from sarlra.evaluation.run import Evaluation

PAGE, CASES = "report.html", "cases"
_STYLE = """
:root { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { margin-top: 2.5rem; border-top: 2px solid; padding-top: .5rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr));
  gap: 1rem; }
figure { margin: 0; border: 1px solid #ccc; padding: .5rem; break-inside: avoid; }
figure img { width: 100%; height: auto; } figcaption { font-size: .85rem; }
.table { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #ddd;
  overflow-wrap: normal; }
details table { margin: .5rem 0; }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; }
  h2 { break-before: page; } h2:first-of-type { break-before: auto; }
  .figures { grid-template-columns: 1fr 1fr; } details { display: none; } a { color: inherit; } }
"""


def write_analysis(
    evaluation: Evaluation,
    tracks: Mapping[str, TrackAnalysis],
    outlines: Mapping[str, OutlineScore],
    folder: Path,
) -> dict[str, Any]:
    """Write the page, every figure as SVG and CSV beside it, and a table of cases per track.

    Returns
    -------
    The findings as JSON values: by track ``counts``, ``geometry``, ``tests`` and ``outlines``.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    drawn = {name: draw_track(name, one) for name, one in tracks.items()}
    found = {name: _findings(one, outlines.get(name)) for name, one in tracks.items()}
    for figures in drawn.values():
        write_figures(figures, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, one in tracks.items():
            own = one.cases.assign(event=evaluation.event, track=name, orbit_state=one.orbit_state)
            own.to_csv(folder / f"{name}-{CASES}.csv", index=False, float_format="%.6g")
        page = _page(evaluation, tracks, found, drawn)
        (folder / PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error}") from error
    return found


def _findings(one: TrackAnalysis, outlines: OutlineScore | None) -> dict[str, Any]:
    kinds = one.cases["kind"]
    return {
        "counts": {name: int((kinds == kind).sum()) for name, kind in
                   (("true_positives", TP), ("false_negatives", FN), ("false_positives", FP))},
        "geometry": one.look,
        "sensor_azimuth": one.sensor_azimuth,
        "tests": [test.as_json() | {"gathers": test.gathers, "line": test.line()}
                  for test in facing_tests(one)],
        "outlines": None if outlines is None else outlines.as_json(),
    }  # fmt: skip


def _page(
    evaluation: Evaluation, tracks: Mapping[str, TrackAnalysis],
    found: Mapping[str, dict[str, Any]], drawn: Mapping[str, Sequence[Drawn]],
) -> str:  # fmt: skip
    truth = evaluation.truth
    notes = "".join(f"<li>{escape(note)}</li>" for note in evaluation.notes)
    sections = "".join(
        _section(name, evaluation.tracks[name].as_json(), found[name], drawn[name])
        for name in tracks
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation of {escape(evaluation.event)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>Evaluation of {escape(evaluation.event)}</h1>"
        f"<p>{len(truth):,} landslides of {escape(truth.source)}. Found: a detection touches the "
        "landslide. Missed: it was observed and none does. False alarm: a detection that touches "
        "no landslide where somebody looked. Intervals are 95 %, Wilson's for shares.</p>"
        f"{f'<ul>{notes}</ul>' if notes else ''}{sections}"
        "<p>A detection is a square of 640 m: touching is easy where landslides are dense. Each "
        "figure's numbers are in the CSV of its name beside this page.</p></body></html>\n"
    )


def _section(
    name: str, scores: Mapping[str, Any], found: Mapping[str, Any], drawn: Sequence[Drawn]
) -> str:
    counts, detections, natural = found["counts"], scores["detections"], scores["patch_natural"]
    facts = pd.DataFrame(
        [
            ("direction", scores["orbit_state"]),
            ("model", scores["model"]),
            ("landslides found, missed", f"{counts['true_positives']:,}, "
                                         f"{counts['false_negatives']:,}"),
            ("recall of landslides", _share(detections, "recall")),
            ("recall of those of 1 ha or more", _share(detections, "recall_large")),
            ("detections, false alarms", f"{detections['detections']:,}, "
                                         f"{counts['false_positives']:,}"),
            ("precision of detections", _share(detections, "precision")),
            ("windows: precision, recall, F1", ", ".join(
                f"{natural[key]:.2f}" for key in ("precision", "recall", "f1"))),
            ("geometry of the radar", found["geometry"]),
        ],
        columns=["", "value"],
    )  # fmt: skip
    tests = "".join(f"<li>{escape(test['line'])}</li>" for test in found["tests"])
    asked = (
        f"<h3>Are slopes missed that face the radar steeply?</h3><ul>{tests}</ul>"
        "<p>Odds ratios over 1: missed more often. p is one-sided (Fisher; by size: Mantel and "
        "Haenszel).</p>"
        if tests
        else "<p>Slopes or the direction of the radar are not known: nothing is tested.</p>"
    )
    figures = "".join(_figure(one) for one in drawn)
    return (
        f"<h2>{escape(name)}</h2>{_table(facts)}{asked}{_outlines(found['outlines'])}"
        f'<div class="figures">{figures}</div>'
    )


def _outlines(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = [
        (label, f"{one['iou']:.2f}", f"{one['iou_median']:.2f}", f"{one['area_bias']:+.0%}",
         "" if one["centroid_m"] is None else f"{one['centroid_m']:.0f} m")
        for label, one in (
            ("outlines", found["outlines"]),
            (f"|change of VV| over {found['plain_threshold']['threshold_db']:g} dB",
             found["plain_threshold"]),
        )
    ]  # fmt: skip
    head = ["", "IoU", "IoU, median window", "area", "distance of centroids"]
    return (
        f"<h3>Outlines</h3>{_table(pd.DataFrame(rows, columns=head))}"
        f"<p>Over {found['outlines']['windows']:,} detected windows that hold a landslide. The "
        "plain threshold is the one that is best on these very windows.</p>"
    )


def _figure(one: Drawn) -> str:
    image = base64.b64encode(one.svg.encode()).decode()
    return (
        f'<figure><img alt="{escape(one.title, quote=True)}" '
        f'src="data:image/svg+xml;base64,{image}"><figcaption>{escape(one.says)} '
        f'<a href="{escape(one.name, quote=True)}.csv">CSV</a></figcaption>'
        f"<details><summary>Numbers</summary>{_table(_short(one.table))}</details></figure>"
    )


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """A table that can be read: of curves every tenth row."""
    return table.iloc[::10] if len(table) > 40 else table


def _table(table: pd.DataFrame) -> str:
    head = "".join(f"<th>{escape(str(column))}</th>" for column in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(value))}</td>" for value in row) + "</tr>"
        for row in table.itertuples(index=False)
    )
    return f'<div class="table"><table><tr>{head}</tr>{rows}</table></div>'


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _share(detections: Mapping[str, Any], name: str) -> str:
    share, interval = detections[name], detections[f"{name}_interval"]
    if share is None:
        return "none"
    hit, of = detections[f"{name}_counts"]
    return f"{share:.2f} [{interval[0]:.2f}, {interval[1]:.2f}], {hit:,} of {of:,}"
