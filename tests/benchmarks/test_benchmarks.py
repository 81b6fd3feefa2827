"""The benchmarks run, small: what they print has the figures that the documents quote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT


def _run(script: str, *words: str, files: Path, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), "--quick", *words],
        capture_output=True, text=True, check=False, timeout=400,
        env=os.environ | {"SARLRA_BENCHMARK_FILES": str(files)} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmark-files")


def test_all_ways_to_a_composite_agree(files: Path) -> None:
    found = _run("composite.py", "--beside", "60", files=files)
    others = {"stackstac", "odc", "rasterio", "sarlra-odc"}
    assert set(found["ways"]) == {*others, "sarlra", "decode"}
    for way in others:
        assert found["largest_difference_db"][way] < 1e-5
    assert all(way["peak_mib"] > 0 and way["s"] > 0 for way in found["ways"].values())


def test_a_composite_fetches_what_it_needs_over_http(files: Path) -> None:
    found = _run("composite.py", "--http", "--ways", "sarlra", "decode", files=files)
    assert found["source"] == "http"
    assert 0.99 < found["fetched_of_needed"] < 1.1
    assert found["ways"]["sarlra"]["requests"] >= 12


def test_all_ways_to_scores_agree(files: Path) -> None:
    found = _run("scores.py", files=files)
    assert found["windows"] == 81
    assert found["largest_difference"] < 1e-4
    assert found["scores_from_to"][1] - found["scores_from_to"][0] > 0.01
    # Less arithmetic than window by window, and less by less than a factor of 4.
    assert 0.25 < found["limit_shared_s"] / found["limit_s"] < 0.6


def test_a_whole_job_is_profiled_by_stage(files: Path) -> None:
    found = _run("whole_job.py", "--what", "profile", files=files)["profile"]
    stages = {row["stage"] for row in found["stages"]}
    assert {"import", "plan", "compute", "score_lattice", "write_region", "publish_job"} <= stages
    assert found["failed"] == 0
    assert found["windows"] > 100


def test_windows_per_second_of_a_device(files: Path) -> None:
    found = _run("gpu_windows.py", files=files, KERAS_BACKEND="tensorflow")
    rows = found["rows"]
    assert {(r["network"], r["dtype"]) for r in rows} == {
        (n, d) for n in ("cnn32", "cnn64") for d in ("float32", "tf32", "bfloat16")
    }
    assert all(r["windows_per_s"] > 0 and r["of_matmul"] > 0 for r in rows)
