"""What a job costs, estimated from its windows; constants are measured, see docs/scaling.md."""

from __future__ import annotations

from sarlra.scan.planned import Planned

#: Core seconds of any job, and of a thousand windows with the composite below them; with the
#: buffers 60-12 and both polarisations (benchmarks/job_cost.py).
JOB_S, KILOWINDOW_S = 0.58, 2.36


def core_seconds(entry: Planned) -> float:
    """Estimated core seconds of a row of a plan; 0 for one that is skipped."""
    if entry.job is None:
        return 0.0
    return JOB_S + int(entry.tile.active.sum()) / 1e3 * KILOWINDOW_S
