"""What the control of acquisitions catches, what it loses, and what it is worth.

    python benchmarks/quality.py caught --items ../shared/data/opera-rtc-s1/items.json
    python benchmarks/quality.py caught --worlds 2
    python benchmarks/quality.py worth --worlds 2

``caught`` spoils one acquisition at a time, in every way, and asks for verdicts, on crops of the
real OPERA series or on simulated worlds; a good acquisition is one that nobody touched. ``worth``
detects on simulated worlds with one acquisition spoilt, with the control and without, and counts
windows against the truth. Both print a table in Markdown.

Worlds and results are kept in ``--keep``: a run that is cut goes on where it was, and ``--most``
ends one after so many new results. Remove the folder after a change of the control.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from quality_caught import Place, caught
from quality_worth import SIDES, worth
from records import Records

from sarlra.events.area import parse_area
from sarlra.events.resolve import resolve_event
from sarlra.simulation.world import simulate

FIRST_SEED = 301
#: Origins that put the dates of the real series before and after.
ORIGINS = ("2021-12-12T00:00:00Z", "2022-12-25T00:00:00Z", "2023-12-20T00:00:00Z")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("caught", "worth"))
    parser.add_argument("--items", type=Path, help="items.json of the real series")
    parser.add_argument("--worlds", type=int, default=2)
    parser.add_argument("--size", type=int, help="pixels; else 1024 for caught, 2048 for worth")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="for worth")
    parser.add_argument("--keep", type=Path, default=Path("/tmp/sarlra-quality"))
    parser.add_argument("--most", type=int, help="new results of this run; else all")
    asked = parser.parse_args()
    records = Records(asked.keep / asked.what, asked.most)
    if asked.what == "worth":
        worth(_worlds(asked, asked.size or 2048), records, asked.sides)
    else:
        caught(
            _crops(asked.items) if asked.items else _places(_worlds(asked, asked.size or 1024)),
            records,
        )


def _worlds(asked: argparse.Namespace, size: int) -> list[Path]:
    roots = []
    for seed in range(FIRST_SEED, FIRST_SEED + asked.worlds):
        root = asked.keep / "worlds" / f"{seed}-{size}"
        if not (root / "done").exists():
            simulate(seed, root, size_px=size, post_days=24)
            (root / "done").touch()
        roots.append(root)
    return roots


def _places(worlds: list[Path]) -> Iterator[Place]:
    for root in worlds:
        yield Place(root.name, resolve_event(str(root / "event.geojson")), root / "items.json")


def _crops(items: Path) -> Iterator[Place]:
    """Each crop of the real series, with each origin."""
    boxes = {
        f["properties"]["opera:burst_id"]: f["bbox"]
        for f in json.loads(items.read_text())["features"]
    }
    for origin in ORIGINS:
        moment = datetime.fromisoformat(origin)
        for burst, (west, south, east, north) in boxes.items():
            area = parse_area(f"{west + 0.003},{south + 0.003},{east - 0.003},{north - 0.003}")
            event = resolve_event(None, origins=(moment,), aoi=area)
            yield Place(f"{origin[:10]}-{burst}", event, items)


if __name__ == "__main__":
    main()
