"""Runs ways of doing one thing side by side: a fresh process each, taking turns.

A benchmark is a script that, started with ``--way NAME``, prepares that way and then serves turns
(:func:`serve`); without, it compares all ways (:func:`compare`). So each way has its own memory,
none warms a cache for another more than the others do for it, and what else the machine does in
the meantime falls on all alike.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]


def serve(run: Callable[[], Any]) -> None:
    """Run once for each line read, answering with figures as one line of JSON.

    What ``run`` returns is added to them, if it is a dict. Peak memory is that of the whole life
    of the process, preparation included.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    sys.stdout.flush()
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        more = run()
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = {"s": seconds, "cpu_s": cpu, "peak_mib": after.ru_maxrss / 1024}
        row |= more if isinstance(more, dict) else {}
        print(json.dumps(row), file=answers, flush=True)


def compare(script: str, ways: Sequence[str], rounds: int, more: Sequence[str]) -> dict[str, Any]:
    """Let ways take turns; medians of their seconds, and all figures of each turn."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}  # fmt: skip
    processes: dict[str, subprocess.Popen[str]] = {}
    turns: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    try:
        for way in ways:
            processes[way] = subprocess.Popen(
                [sys.executable, script, "--way", way, *more],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
            )  # fmt: skip
            _answer(processes[way], way)
        for turn in range(rounds):
            for way in ways:
                stream = processes[way].stdin
                assert stream is not None
                stream.write("go\n")
                stream.flush()
                turns[way].append(json.loads(_answer(processes[way], way)))
                sys.stderr.write(f"{turn + 1}/{rounds} {way}: {turns[way][-1]}\n")
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    return {way: _medians(rows) for way, rows in turns.items()}


def _answer(process: subprocess.Popen[str], way: str) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{way} ended: {process.wait()}")
    return line


def _medians(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    result: dict[str, Any] = {
        name: round(statistics.median(row[name] for row in rows), 4) for name in rows[0]
    }
    result["peak_mib"] = round(max(row["peak_mib"] for row in rows), 1)
    result["busy"] = round(result["cpu_s"] / result["s"] / (os.cpu_count() or 1), 3)
    result["turns_s"] = [round(row["s"], 4) for row in rows]
    return result


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in info.splitlines() if "model name" in line]
    flags = next((line for line in info.splitlines() if line.startswith("flags")), "")
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "vectors": next((v for v in ("avx512f", "avx2") if v in flags), "?"),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def finish(name: str, result: dict[str, Any], out: Path | None) -> None:
    """Print a result, and keep it in a folder if one is given."""
    text = json.dumps(result, indent=1) + "\n"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.json").write_text(text)
    sys.stdout.write(text)
