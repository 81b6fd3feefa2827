"""Core seconds of real jobs on a simulated world: the constants of sarlra/scan/cost.py.

    python benchmarks/job_cost.py

One world is scanned with small and large tiles in this process; the core seconds of each job are
fitted by least squares to the number of jobs and of windows. All jobs of a world have about the
same number of acquisitions, so that what a window costs includes its part of the composite.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from sarlra.jobs.run_job import run_job
from sarlra.scan.ask import scan_requests
from sarlra.scan.plan import plan_scan
from sarlra.scan.run import run_cells
from sarlra.scenes.search import open_search
from sarlra.simulation.world import simulate


def main() -> None:
    """Run, fit, and print the constants as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048)
    given = parser.parse_args()
    rows: list[list[float]] = []
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        simulate(11, folder / "w", size_px=given.size)
        for tile in (256, 4096):
            requests = scan_requests(out=str(folder / str(tile)), tile=tile, dem="none",
                                     source=str(folder / "w/items.json"),
                                     event=str(folder / "w/event.geojson"))  # fmt: skip
            with plan_scan(requests, open_search(requests[0].source)) as plan:
                for index, job in enumerate(run_cells(plan, plan.cells)):
                    started = time.process_time()
                    outcome = run_job(job)
                    if outcome.status == "failed":
                        raise SystemExit(f"{outcome.item_id}: {outcome.reason}")
                    if rows or index:  # the first job loads the network
                        seconds.append(time.process_time() - started)
                        rows.append([1.0, outcome.scored / 1e3])
    fitted, residual = nnls(np.array(rows), np.array(seconds))
    figures = dict(zip(("job_s", "kilowindow_s"), fitted.round(4), strict=True))
    figures |= {"jobs": len(rows), "rms_s": round(float(residual / len(rows) ** 0.5), 3)}
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
