"""``sarlra triage``: which detections to look at first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json
from sarlra.cli.options import AsJson
from sarlra.errors import InputError

if TYPE_CHECKING:
    from sarlra.evaluation.triage import Exposure

_ROADS = "Roads, as lines."
_RIVERS = "Rivers that a landslide may dam, as lines."
_PEOPLE = "People: a GeoTIFF of counts per pixel, or points with FILE:COLUMN."


def triage(
    place: Annotated[str, typer.Argument(help="Folder or URL of a catalogue.")],
    event: Annotated[str, typer.Argument(help="Id of the event.")],
    *,
    out: Annotated[Path, typer.Option(help="File: .geojson, .parquet, .kml or .csv.")],
    roads: Annotated[str | None, typer.Option(help=_ROADS)] = None,
    rivers: Annotated[str | None, typer.Option(help=_RIVERS)] = None,
    people: Annotated[str | None, typer.Option(help=_PEOPLE)] = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Another layer as NAME=FILE[:COLUMN]; again for each.")
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="How much a layer counts, as NAME=NUMBER; else 1.")
    ] = None,
    reach: Annotated[
        float, typer.Option(min=0, max=10_000, help="How far around a window counts, m.")
    ] = 200.0,
    as_json: AsJson = False,
) -> None:
    """Rank detections by what they may have hit, from layers of yours.

    Files are GeoParquet, GeoPackage or anything else GDAL reads as vectors, and GeoTIFF. Show the
    result with `sarlra serve PLACE --triage OUT`.

    **Example**: sarlra triage out us2000h8ty --roads roads.gpkg --people people.tif
    --weight people=3 --out triage.geojson
    """
    from sarlra.evaluation.triage import triage as rank
    from sarlra.serving.downloads import Shown, detections_of, write_table
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    layers = _layers(
        {"roads": roads, "rivers": rivers, "people": people}, layer or [], weight or []
    )
    results = read_results(open_place(place))
    table = rank(detections_of(results, event, Shown()), layers, reach)
    write_table(table, event, out)
    hit = int((table["priority"] > 0).sum())
    if as_json:
        print_json({"out": str(out), "detections": len(table), "hit": hit})
        return
    for row in table.head(10).itertuples():
        console.print(
            f"{row.priority_rank:3d}  {row.priority:.3f}  {row.id}  {row.priority_why}",
            markup=False, highlight=False,
        )  # fmt: skip
    console.print(f"{hit} of {len(table)} detections may have hit something: {out}")


def _layers(
    named: dict[str, str | None], others: list[str], weights: list[str]
) -> tuple[Exposure, ...]:
    from sarlra.evaluation.triage import Exposure

    files = {name: file for name, file in named.items() if file is not None}
    for text in others:
        name, mark, file = text.partition("=")
        if not mark or not name.isidentifier():
            raise InputError(f"--layer {text!r} is not NAME=FILE")
        files[name] = file
    counts: dict[str, float] = {}
    for text in weights:
        name, _, number = text.partition("=")
        try:
            counts[name] = float(number)
        except ValueError as error:
            raise InputError(f"--weight {text!r} is not NAME=NUMBER") from error
        if name not in files or not 0 < counts[name] <= 1000:
            raise InputError(f"--weight {text!r}: there is no such layer, or the number is odd")
    found = []
    for name, file in files.items():
        path, mark, column = file.rpartition(":") if not Path(file).exists() else (file, "", "")
        path = path if mark else file
        if not Path(path).is_file():
            raise InputError(f"layer {name}: there is no file {path}")
        found.append(Exposure(name, Path(path), column or None, counts.get(name, 1.0)))
    return tuple(found)
