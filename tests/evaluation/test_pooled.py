"""Several reports asked together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from sarlra.cli.app import app
from sarlra.errors import InputError
from sarlra.evaluation.analysis import FN, FP, TP
from sarlra.evaluation.pooled import findings, pool_reports


def _report(
    folder: Path, event: str, *, missed: float, steep: float, seed: int, state: str = "ascending"
) -> pd.DataFrame:
    """A table of 300 landslides, so many of them steep and facing, so many of all missed, and of
    one false alarm.
    """
    rng = np.random.default_rng(seed)
    inside = rng.uniform(size=300) < steep
    cases = pd.DataFrame({
        "kind": np.where(rng.uniform(size=300) < missed, FN, TP),
        "area_m2": rng.lognormal(8.5, 1.0, 300),
        "slope": np.where(inside, 40.0, 20.0), "facing": np.where(inside, 10.0, 120.0),
        "aspect": 90.0, "visible_share": 1.0, "score": np.nan,
    })  # fmt: skip
    alarm = cases.iloc[:1].assign(kind=FP, area_m2=np.nan, score=0.9)
    cases = pd.concat([cases, alarm], ignore_index=True)
    folder.mkdir(exist_ok=True)
    cases.assign(event=event, track="T001A", orbit_state=state).to_csv(
        folder / f"{event}-T001A-cases.csv", index=False
    )
    return cases


def test_runs_that_differ_do_not_make_steep_slopes_look_missed(tmp_path: Path) -> None:
    """One run misses much and is steep, the other little and is flat: within each it is chance."""
    first = _report(tmp_path / "a", "one", missed=0.6, steep=0.6, seed=1)
    second = _report(tmp_path / "b", "two", missed=0.1, steep=0.1, seed=2)
    both = findings(pool_reports([tmp_path / "a", tmp_path / "b"])["ascending"])
    assert both["runs"] == ["one T001A", "two T001A"]
    assert both["counts"]["false_positives"] == 2
    test = both["tests"][0]
    tables = [[[int(((c["slope"] > 30) == s) [c["kind"] == k].sum()) for k in (FN, TP)]
               for s in (True, False)] for c in (first, second)]  # fmt: skip
    pooled = np.sum(tables, axis=0)
    assert [test["missed"], test["of"]] == [pooled[0, 0], pooled[0].sum()]
    expected = stats.fisher_exact(pooled, alternative="greater").pvalue
    assert test["p"] == pytest.approx(expected)
    assert test["p"] < 0.001  # the plain table is misled
    assert test["p_by_size"] > 0.05
    assert not test["gathers"]
    assert "like size in the same run" in test["line"]
    assert sum(row["landslides"] for row in both["recall_by_size"]) == 600


def test_directions_stand_apart_and_a_run_counts_once(tmp_path: Path) -> None:
    _report(tmp_path / "a", "one", missed=0.3, steep=0.3, seed=1)
    _report(tmp_path / "a", "two", missed=0.3, steep=0.3, seed=2, state="descending")
    done = CliRunner().invoke(app, ["evaluate", "--reports", str(tmp_path / "a"), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(done.stdout)["directions"]
    assert [found[state]["runs"] for state in ("ascending", "descending")] == [
        ["one T001A"], ["two T001A"],
    ]  # fmt: skip
    assert len(found["descending"]["tests"]) == 4
    text = CliRunner().invoke(app, ["evaluate", "--reports", str(tmp_path / "a")])
    assert "slopes over 30 deg that face the radar" in text.stdout
    with pytest.raises(InputError, match="one T001A is given twice"):
        pool_reports([tmp_path / "a", tmp_path / "a"])


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no report"):
        pool_reports([tmp_path])
    _report(tmp_path, "one", missed=0.3, steep=0.3, seed=1)
    (path,) = tmp_path.glob("*.csv")
    good = path.read_text()
    for bad in (b"\xff\xfe\x00", b"kind,area_m2\nfound,1\n", good.replace(TP, "lost").encode(),
                good.replace("40.0", "steep").encode()):  # fmt: skip
        path.write_bytes(bad)
        with pytest.raises(InputError, match=r"is no table of a report|other kinds"):
            pool_reports([tmp_path])
