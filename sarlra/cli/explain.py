"""``sarlra explain``: why a model scored a window as it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json, progress
from sarlra.cli.options import AsJson
from sarlra.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd

    from sarlra.serving.explain import Subject

EXAMPLES = """
**Examples**

The ten detections of an item with the highest scores, and their map for `sarlra serve`:

    sarlra explain out/items/ITEM/ITEM.json --attach

One window around a place, with the landslides that are known there:

    sarlra explain out/items/ITEM --window 142.03 42.76 --truth inventory.gpkg

A map over an area (west, south, east, north) of somebody's own composite:

    sarlra explain composite.tif --model sim-cnn32-vv-vh-ascending --area 142.0,42.7,142.1,42.8
"""


def explain(
    subject: Annotated[
        str,
        typer.Argument(help="An item (its JSON or folder, or a URL), or a composite as for score."),
    ],
    model: Annotated[
        str | None, typer.Option(help="Name or file of a model; else the item's own.")
    ] = None,
    detections: Annotated[
        int | None, typer.Option(min=1, help="So many detections, the highest scores first; 10.")
    ] = None,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(help="X Y: the window around a point; degrees, or the composite's metres."),
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="WEST,SOUTH,EAST,NORTH: every window in it, for a map.")
    ] = None,
    fine: Annotated[
        bool, typer.Option("--fine", help="Windows of --area overlap by half: four times as many.")
    ] = False,
    truth: Annotated[
        str | None, typer.Option(help="Landslide polygons, outlined in the pictures; FILE#LAYER.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("explained"),
    attach: Annotated[
        bool, typer.Option("--attach", help="Add the map to the item: serve shows it as a layer.")
    ] = False,
    cluster: Annotated[str, typer.Option(help="local, none, or an address.")] = "local",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be explained; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what each pixel and band adds to a score (SHAP values by expected gradients).

    Writes a picture per detection (bands, contributions on one scale, what happens where parts
    are covered), a map (`contributions.tif`, mean over the bands and each band), `windows.csv`
    with every number, `explain.json` with those over all windows. Red raises the score, blue
    lowers it. For each detection it is tried whether it disappears without a band.

    A window takes about half a second. Running again goes on where it was cut off.
    """
    from sarlra.serving.explain import open_subject

    if sum(given is not None for given in (detections, window, area)) > 1:
        raise InputError("give one of --detections, --window and --area")
    with open_subject(subject, model) as opened:
        found = _explain(
            opened, subject, detections, window, _area(area), 32 if fine else 64,
            _truth(truth, opened), out, attach, cluster, dry_run, quiet=as_json,
        )  # fmt: skip
    if as_json:
        print_json(found)
    elif dry_run:
        console.print(
            f"{found['windows']} windows of {found['subject']} with {found['model']}, "
            f"{found['done']} done already; background: {found['background']}"
        )
    else:
        _show(found)


def _explain(
    subject: Subject, given: str, detections: int | None, window: tuple[float, float] | None,
    area: tuple[float, float, float, float] | None, step: int, truth: gpd.GeoDataFrame | None,
    out: Path, attach: bool, cluster: str, dry_run: bool, *, quiet: bool,
) -> dict[str, Any]:  # fmt: skip
    from sarlra.jobs.explain import cut, look_up
    from sarlra.jobs.explain import explain as run
    from sarlra.jobs.explain_report import About, write_report
    from sarlra.serving.explain import attach as put
    from sarlra.serving.explain_windows import background_of, detections_of, spot_at, spots_in

    if attach and subject.document is None:
        raise InputError(f"{subject.name} is no item: there is nothing to --attach a map to")
    if window is not None:
        spots = [spot_at(subject, *window)]
    elif area is not None:
        spots = spots_in(subject, area, step)
    else:
        table = detections_of(subject, given, out).head(detections or 10)
        spots = [(int(row), int(col)) for row, col in zip(table["row"], table["col"], strict=True)]
    background, said = background_of(subject)
    facts: dict[str, Any] = {
        "subject": subject.name, "model": subject.model.name, "background": said,
        "windows": len(spots),
    }  # fmt: skip
    if not spots:
        return facts | {"done": 0, "note": "there is no detection to explain"}
    wanted = cut(subject.composite, spots, subject.model.bands)
    if dry_run:
        done = look_up(wanted, subject.model, background, out).found
        return facts | {"done": len(done)}
    with progress(quiet=quiet) as bars:
        bar = bars.add_task("windows", total=len(spots))
        explained = run(
            wanted, subject.model, background, out, cluster,
            lambda number: bars.update(bar, completed=number),
        )  # fmt: skip
    about = About(subject.name, subject.model, subject.threshold, said)
    drawn = range(len(spots)) if area is None else ()
    written = write_report(about, subject.composite, wanted, explained, drawn, truth, out)
    if attach and written.map is not None:
        put(subject, written.map)
    seconds = sorted(one.seconds for one in explained if one.seconds == one.seconds)
    return {
        **written.summary,
        "seconds_per_window": seconds[len(seconds) // 2] if seconds else None,
        "out": out,
        "attached": attach and written.map is not None,
        "table": written.table.to_dict("records"),
    }


def _area(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{text!r} is no area", hint="WEST,SOUTH,EAST,NORTH in degrees") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise InputError(f"{text!r} is no area: west to east, south to north, in degrees")
    return west, south, east, north


def _truth(text: str | None, subject: Subject) -> gpd.GeoDataFrame | None:
    if text is None:
        return None
    from sarlra.inventories.read import read_inventory

    if subject.composite.crs is None:
        raise InputError(f"{subject.name} has no coordinate reference system: --truth needs one")
    return read_inventory(text).landslides.to_crs(subject.composite.crs)


def _show(found: dict[str, Any]) -> None:
    if "note" in found:
        console.print(found["note"])
        return
    from rich.table import Table

    bands = list(found["share_by_band"])
    table = Table("row", "col", "score", "base", *bands, "sum - (score - base)")
    for row in found["table"][:20]:
        table.add_row(
            str(row["row"]), str(row["col"]), f"{row['score']:.3f}", f"{row['base']:.3f}",
            *(f"{row[f'share_{name}']:.0%}" for name in bands), f"{row['additivity_error']:+.3f}",
        )  # fmt: skip
    console.print(table)
    for row in found["table"][:20]:
        console.print(f"{row['row']}, {row['col']}: {row['counterfactual']}", highlight=False)
    sums, seconds = found["additivity"], found["seconds_per_window"]
    console.print(
        f"{found['windows']} windows; change bands carry {found['change_share']:.0%} of all "
        f"contributions; sums miss the scores by {sums['median']:.3f} in the median, "
        f"{sums['largest']:.3f} at most (tolerance {sums['tolerance']:g})"
    )
    if seconds is not None:
        console.print(f"{seconds:.1f} s a window; background: {found['background']}")
    if "truth" in found:
        console.print(f"inside true landslides against outside: {found['truth']}", markup=False)
    console.print(f"pictures, map and table: {found['out']}")
