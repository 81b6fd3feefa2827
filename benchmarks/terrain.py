"""How long layover and shadow of a tile take.

    python benchmarks/terrain.py [--size 4096] [--threads 2] [--repeat 3]

Prints one line of JSON: seconds of the fastest of the repeated runs (after one that compiles) for
the look of the track, for the whole classification, and for the tracing in it.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable

import numpy as np
from affine import Affine

from sarlra.simulation.noise import fractal_noise, stream
from sarlra.terrain.footprint import MIDDLE_INCIDENCE_DEG
from sarlra.terrain.geometry import FootprintGeometry
from sarlra.terrain.ground import GroundGrid
from sarlra.terrain.look import look_at
from sarlra.terrain.passive import trace
from sarlra.terrain.visibility import see, shares


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=4096, help="edge of the tile in pixels")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    grid = GroundGrid(
        "EPSG:32654", Affine(10, 0, 532_480, 0, -10, 4_751_360), (asked.size, asked.size)
    )
    relief = fractal_noise(stream(1, "benchmark"), grid.shape, 4.0, 800.0)
    heights = (1500.0 + 700.0 * relief).astype(np.float32)
    geometry = FootprintGeometry((141.5, 42.8), 191.0, MIDDLE_INCIDENCE_DEG)
    look = look_at(geometry, grid, heights)
    angles = (look.incidence, look.look_azimuth)
    seen = see(heights, *angles, 10.0, threads=asked.threads)
    figures = {
        "size_px": asked.size,
        "threads": asked.threads,
        "look_s": fastest(asked.repeat, lambda: look_at(geometry, grid, heights)),
        "see_s": fastest(asked.repeat, lambda: see(heights, *angles, 10.0, threads=asked.threads)),
        "trace_s": fastest(
            asked.repeat, lambda: trace(heights, *angles, 10.0, threads=asked.threads)
        ),
        "shares": {name: round(share, 4) for name, share in shares(seen).items()},
        "machine": platform.processor() or platform.machine(),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def fastest(repeat: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest run."""
    found = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return round(min(found), 3)


if __name__ == "__main__":
    main()
