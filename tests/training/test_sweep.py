"""Sweeps: which runs, each once, failures recorded; worlds drawn alike for all that is compared."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sarlra.errors import InputError
from sarlra.evaluation.baseline import change_scores
from sarlra.models.choices import Choices
from sarlra.recipe import PAPER_BUFFERS
from sarlra.training.sweep import best_settings, run_sweep
from sarlra.training.sweep_ask import make_grid, parse_worlds
from sarlra.training.sweep_baseline import baseline_runs, run_baselines
from sarlra.training.sweep_folder import Sweep, adopt, fold, missing, write_row
from sarlra.training.sweep_runs import Grid, Run, buffers_runs, settings_runs
from sarlra.training.sweep_stages import DEFAULT_BUFFERS
from sarlra.training.worlds import Split, Store, Wanted, World, load_patches, make_split
from tests.training.world_patches import put_patches

BASE = Choices(filters=4, epochs=1, batch_size=32, seed=1)
BUFFERS = ((60, 12), (12, 12))
SPLIT = Split((World("default", 1),), (World("default", 101),), (World("caldera-slopes", 201),))


def test_the_grid_is_the_paper_s() -> None:
    split = make_split(4, 2, 3)
    runs = settings_runs(Grid(BASE), split, ("cnn",), "settings")
    assert len(runs) == 96
    assert len({run.id for run in runs}) == 96
    assert runs == settings_runs(Grid(BASE), split, ("cnn",), "settings")
    facts = pd.DataFrame([run.facts for run in runs])
    assert facts.groupby(["combination", "orbit_state"]).size().tolist() == [24] * 4
    others = settings_runs(Grid(BASE), split, ("cbam", "resnet"), "architectures")
    assert {(r.task.choices.architecture, r.task.choices.loss) for r in others} == {
        ("cbam", "focal"), ("resnet", "binary"),
    }  # fmt: skip
    best = {("VV", "ascending"): runs[0].task, ("VV_VH", "ascending"): runs[50].task}
    three = buffers_runs(best, split)
    assert len(three) == 2 * 10 * 3
    assert {run.task.buffers for run in three} == set(PAPER_BUFFERS)
    with pytest.raises(InputError, match="no setting was tried"):
        buffers_runs({}, split)


def test_no_world_stands_in_two_parts() -> None:
    split = make_split(8, 2, 3)
    assert len(set(split.worlds)) == len(split.worlds)
    unseen = {"limestone-peninsula", "caldera-slopes"}
    assert not unseen & {w.profile for w in split.training + split.validation}
    assert unseen < {w.profile for w in split.test}
    assert sum(w.product == "30m" for w in split.training) == len(split.training) // 4
    with pytest.raises(InputError, match="two of training, validation and test"):
        Split(split.training, split.training[:1], split.test)


def test_all_that_is_compared_has_the_same_patches(tmp_path: Path) -> None:
    store = Store(tmp_path, BUFFERS)
    put_patches(SPLIT.training[0], store)
    sizes = []
    for ratio in (4.0, 5.0, 10.0):
        both = load_patches(SPLIT.training, store, Wanted("VV_VH", "ascending", (60, 12), ratio))
        one = load_patches(SPLIT.training, store, Wanted("VV", "ascending", (60, 12), ratio))
        assert int((~both.labels).sum()) == ratio * 12
        np.testing.assert_array_equal(one.windows, both.windows[..., [0, 2]])
        np.testing.assert_array_equal(one.labels, both.labels)
        sizes.append(len(both))
    assert sizes == sorted(sizes)
    monsoon = World("monsoon-terraces", 1)  # VV alone: left out where VH is wanted
    wanted = Wanted("VV_VH", "ascending", (60, 12), 4.0)
    assert len(load_patches((*SPLIT.training, monsoon), store, wanted)) == sizes[0]


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["none", "local"])
def test_a_sweep_runs_each_run_once_and_records_failures(tmp_path: Path, cluster: str) -> None:
    sweep = Sweep(tmp_path / "out", tmp_path / "cache")
    for world in SPLIT.worlds:
        put_patches(world, sweep.store(BUFFERS))
    all_runs = settings_runs(Grid(BASE), SPLIT, ("cnn",), "settings")
    good = [r for r in all_runs if r.task.choices.filters == 32][:2]
    absent = Split((World("default", 9),), SPLIT.validation, SPLIT.test)
    bad = Run("settings", good[0].task, absent)
    done: list[int] = []
    table = run_sweep(
        sweep, [*good, bad], BUFFERS, workers=1, cluster=cluster,
        show=lambda _stage, number, _total: done.append(number),
    )  # fmt: skip
    assert done == [0, 1, 2, 3]
    status = table.set_index("run")["status"].to_dict()
    assert [status[run.id] for run in (*good, bad)] == ["done", "done", "failed"]
    assert "No such file" in table.set_index("run").loc[bad.id, "error"]
    row = json.loads(sweep.result(good[0].id).read_text())
    assert row["test_f1"] == row["caldera-slopes-10m_f1"]
    assert sweep.result(good[0].id).with_suffix(".keras").stat().st_size > 10_000

    before = {path: path.stat().st_mtime_ns for path in sweep.folder.glob("runs/*.json")}
    assert missing(sweep, [*good, bad]) == []
    assert missing(sweep, [*good, bad], again=True) == [bad]
    pd.testing.assert_frame_equal(run_sweep(sweep, good, BUFFERS, workers=1), table)
    assert before == {path: path.stat().st_mtime_ns for path in sweep.folder.glob("runs/*.json")}
    stored = (sweep.folder / "sweep.parquet").read_bytes()
    fold(sweep)
    assert (sweep.folder / "sweep.parquet").read_bytes() == stored
    best = best_settings(all_runs, table)
    assert best[good[0].task.combination, "ascending"] in [run.task for run in good]


@pytest.mark.slow
def test_a_killed_process_loses_no_run(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "out", tmp_path / "cache")
    for world in SPLIT.worlds:
        put_patches(world, sweep.store(BUFFERS))
    runs = settings_runs(Grid(BASE), SPLIT, ("cnn",), "settings")[:4]
    killed: list[int] = []

    def kill_one(_stage: str, done: int, _total: int) -> None:
        if done == 1 and not killed:
            child = multiprocessing.active_children()[0]
            killed.append(child.pid or 0)
            child.kill()

    table = run_sweep(sweep, runs, BUFFERS, workers=2, show=kill_one)
    assert killed
    assert sorted(table["run"]) == sorted(run.id for run in runs)
    assert set(table["status"]) == {"done"}


def test_results_made_elsewhere_count(tmp_path: Path) -> None:
    runs = settings_runs(Grid(BASE), SPLIT, ("cnn",), "settings")[:3]
    there, here = (Sweep(tmp_path / name, tmp_path / "cache") for name in ("there", "here"))
    for run in runs[:2]:
        write_row(there.result(run.id), {**run.facts, "status": "done", "validation_f1": 0.5})
    rows = fold(there)
    rows.to_csv(tmp_path / "sweep.csv", index=False)
    for path in (tmp_path / "sweep.csv", there.folder / "sweep.parquet"):
        assert adopt(Sweep(tmp_path / path.suffix, tmp_path / "cache"), path) == 2
    write_row(here.result(runs[0].id), {**runs[0].facts, "status": "failed"})
    assert adopt(here, tmp_path / "sweep.csv") == 1
    assert missing(here, runs) == [runs[2]]
    assert missing(here, runs, again=True) == [runs[0], runs[2]]
    for text in ("a,b\n1,2\n", "", "run,status\n../../x,done\n"):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(InputError, match="no table of a sweep"):
            adopt(here, tmp_path / "bad.csv")
    with pytest.raises(InputError, match="no table of a sweep"):
        adopt(here, tmp_path / "absent.parquet")


@pytest.mark.slow
def test_the_baseline_is_a_row_beside_the_networks(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "out", tmp_path / "cache")
    for world in SPLIT.worlds:
        put_patches(world, sweep.store(DEFAULT_BUFFERS))
    runs = baseline_runs(SPLIT)
    assert len({run.id for run in runs}) == 4
    run_baselines(sweep, runs, DEFAULT_BUFFERS, workers=2)
    table = fold(sweep).set_index("run")
    for run in runs:
        row = table.loc[run.id]
        patches = load_patches(
            SPLIT.test, sweep.store(DEFAULT_BUFFERS),
            Wanted(run.combination, run.orbit_state, (60, 12), 10.0),
        )  # fmt: skip
        change = patches.windows[..., patches.windows.shape[-1] // 2]
        order, sigma = row["smoothing"].split(", sigma ")
        scores = change_scores(change, order, float(sigma.removesuffix(" px")))
        found = scores >= row["threshold"]
        assert row["test_true_positives"] == int((found & patches.labels).sum())
        assert row["test_false_positives"] == int((found & ~patches.labels).sum())
    before = (sweep.folder / "sweep.parquet").read_bytes()
    run_baselines(sweep, runs, DEFAULT_BUFFERS, workers=2)  # nothing is left to do
    fold(sweep)
    assert (sweep.folder / "sweep.parquet").read_bytes() == before


def test_what_is_asked_for_wrongly_is_refused() -> None:
    assert make_grid(rates="3e-3,1e-3").rates == (3e-3, 1e-3)
    for text in ("", "1e-3,fast"):
        with pytest.raises(InputError, match="are not numbers"):
            make_grid(rates=text)
    with pytest.raises(InputError, match="epochs"):
        make_grid(rates="1e-3", epochs=0)
    assert parse_worlds("6,2,3") == (6, 2, 3)
    for text in ("6,2", "6,2,0", "6,2,x", ""):
        with pytest.raises(InputError, match="not three numbers"):
            parse_worlds(text)


@pytest.mark.slow
def test_the_flow_does_what_the_command_does(tmp_path: Path) -> None:
    """Both find their runs in one folder, where all is done already: nothing is trained."""
    split = make_split(1, 1, 1)
    sweep = Sweep(tmp_path / "out", tmp_path / "cache")
    for world in split.worlds:
        sweep.store(((60, 12),)).path(world).parent.mkdir(parents=True, exist_ok=True)
        sweep.store(((60, 12),)).path(world).touch()
    runs = settings_runs(make_grid(rates="1e-3,1e-4"), split, ("cnn",), "settings")
    for number, run in enumerate(runs):
        row = {**run.facts, "status": "failed" if number == 5 else "done", "validation_f1": 0.5}
        sweep.result(run.id).parent.mkdir(parents=True, exist_ok=True)
        sweep.result(run.id).write_text(json.dumps(row))
    options = ["--out", str(sweep.folder), "--cache", str(sweep.cache), "--stage", "settings",
               "--worlds", "1,1,1"]  # fmt: skip
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root), "PREFECT_HOME": str(tmp_path / "prefect")}
    flow = subprocess.run(
        [sys.executable, "flows/train.py", *options], cwd=root, env=env, capture_output=True,
        text=True, check=False, timeout=500,
    )  # fmt: skip
    assert flow.returncode == 0, flow.stderr
    assert "Completed" in flow.stderr
    command = subprocess.run(
        [sys.executable, "-c", "from sarlra.cli import main; main()", "sweep", *options, "--json"],
        cwd=root, env=env, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert json.loads(command.stdout) == {"settings": {"done": 95, "failed": 1}}
    assert command.returncode == 1
    dry = subprocess.run(
        [sys.executable, "-c", "from sarlra.cli import main; main()", "sweep", *options, "--json",
         "--dry-run"],
        cwd=root, env=env, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert json.loads(dry.stdout) == {"settings": {"runs": 96, "missing": 0}}
