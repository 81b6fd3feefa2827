"""``sarlra quality``: what the control says of an event's acquisitions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sarlra.cli import options
from sarlra.cli.console import out, print_json, progress

if TYPE_CHECKING:
    from sarlra.composites.quality import Quality


def quality(
    event: options.Event = None,
    *,
    source: options.Source = "planetary-computer",
    origin: options.Origin = None,
    aoi: options.Aoi = None,
    buffers: options.Buffers = "60-12",
    as_json: options.AsJson = False,
) -> None:
    """Hold each acquisition against its stack: place, level, data, snow, floods, stripes, fringes.

    `detect` and `watch` do this by themselves and write the verdicts into their items;
    docs/quality.md has what it catches. **Example**: sarlra quality us2000h8ty
    """  # fmt: skip
    from sarlra.jobs.ask import make_request
    from sarlra.jobs.plan import search
    from sarlra.jobs.quality import assess_track

    request = make_request(
        event,
        out="nowhere",
        source=source,
        origin=origin or (),
        aoi=aoi,
        buffers=buffers,
        dem="none",
    )
    found: dict[str, tuple[Quality, ...]] = {}
    with progress(quiet=as_json) as bars:
        task = bars.add_task(f"searching {request.source.name}", total=None)
        chosen = search(request)
        bars.update(task, description="tracks", total=len(chosen.scenes.tracks))
        for track, polarisations in zip(chosen.scenes.tracks, chosen.polarisations, strict=True):
            recipe = request.recipe.model_copy(update={"polarisations": polarisations})
            found[track.id] = assess_track(
                track, request.event.area, recipe, request.source.signing, threads=8
            )
            bars.advance(task)
    if as_json:
        print_json({name: [asdict(q) for q in verdicts] for name, verdicts in found.items()})
        return
    out.print(_table(found))


def _table(found: dict[str, tuple[Quality, ...]]) -> Any:
    from rich.table import Table

    table = Table(title="Acquisitions against their stacks")
    for name in ("track", "acquisition", "side", "verdict", "shift px", "offset dB", "reasons"):
        table.add_column(name)
    for track, verdicts in found.items():
        for q in verdicts:
            place = q.measures.shift_px
            table.add_row(
                track,
                q.acquisition,
                "post" if q.post else "pre",
                q.verdict,
                "" if place is None else f"{place[0]:+.2f} {place[1]:+.2f}",
                " ".join(f"{pol} {db:+.2f}" for pol, db in q.measures.offset_db),
                "; ".join(q.reasons),
            )
    return table
