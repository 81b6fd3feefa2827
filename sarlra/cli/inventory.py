"""``sarlra inventory``: what an inventory holds, and what of it a track can see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli.console import err, print_json
from sarlra.cli.console import out as console
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.inventories.inventory import Inventory

inventory = typer.Typer(
    help="Look at inventories of landslides and clean them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
File = Annotated[
    str,
    typer.Argument(help="Polygons: shapefile, GeoPackage, GeoJSON, GeoParquet; FILE#LAYER."),
]


@inventory.command()
def show(file: File, as_json: AsJson = False) -> None:
    """Show how many landslides there are, how large, and what was mapped.

    **Example**: sarlra inventory show noto2024.gpkg
    """
    from sarlra.inventories.read import read_inventory

    _print(_facts(read_inventory(file)), as_json=as_json)


@inventory.command()
def clean(
    file: File,
    visibility: Annotated[
        Path, typer.Option(help="Layer of a track's visibility, as sarlra terrain writes it.")
    ],
    out: Annotated[Path, typer.Option(help="File to write: .gpkg, .geojson or .parquet.")],
    as_json: AsJson = False,
) -> None:
    """Subtract the layover and shadow of a track, and say what share of each landslide stays.

    **Example**: sarlra inventory clean noto2024.gpkg --visibility visibility.tif --out clean.gpkg
    """
    from sarlra.inventories.clean import SHARE, subtract_visibility
    from sarlra.inventories.inventory import areas_m2
    from sarlra.inventories.read import read_inventory
    from sarlra.inventories.write import write_inventory

    before = read_inventory(file)
    after = subtract_visibility(before, visibility)
    write_inventory(after, out)
    facts = _facts(after)
    facts["before"] = {
        "landslides": len(before),
        "area_km2": float(areas_m2(before.landslides.geometry).sum()) / 1e6,
    }
    facts["whole"] = int((after.landslides[SHARE] == 1).sum())
    facts["out"] = out
    _print(facts, as_json=as_json)


def _facts(found: Inventory) -> dict[str, Any]:
    import numpy as np
    import shapely

    from sarlra.inventories.inventory import areas_m2, zone_km2

    areas = areas_m2(found.landslides.geometry)
    centres = shapely.centroid(np.asarray(found.landslides.geometry))
    hidden = None if found.unmapped is None else int(
        shapely.intersects(found.unmapped, centres).sum()
    )  # fmt: skip
    return {
        "source": found.source,
        "landslides": len(found),
        "area_km2": float(areas.sum()) / 1e6,
        "largest_m2": float(areas.max()),
        "median_m2": float(np.median(areas)),
        "bounds": [round(float(edge), 5) for edge in found.landslides.total_bounds],
        "attributes": [str(name) for name in found.landslides.columns if name != "geometry"],
        "mapped_km2": zone_km2(found.mapped),
        "unmapped_km2": zone_km2(found.unmapped),
        "landslides_in_unmapped": hidden,
        "notes": list(found.notes),
    }


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    from rich.table import Table

    table = Table(show_header=False, title=str(facts["source"]))
    for name, value in facts.items():
        if name in ("source", "notes", "before") or value is None:
            continue
        text = f"{value:,.2f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), text)
    console.print(table)
    if "before" in facts:
        before = facts["before"]
        console.print(f"of {before['landslides']} landslides of {before['area_km2']:,.2f} km2")
    for note in facts["notes"]:
        err.print(f"[yellow]note[/] {note}", highlight=False)
