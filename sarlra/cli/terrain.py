"""``sarlra terrain``: what a track would see of a place."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.jobs.look import Sight
    from sarlra.jobs.look_slope import Slope


def terrain(
    dem: Annotated[Path, typer.Argument(help="Raster of heights in metres.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for slope, aspect, incidence, visibility.")],
    annotation: Annotated[
        Path | None, typer.Option(help="Annotation XML of a Sentinel-1 product of the track.")
    ] = None,
    heading: Annotated[
        float | None,
        typer.Option(help="Degrees of the footprint: about 347 ascending, 193 descending."),
    ] = None,
    incidence: Annotated[
        float | None, typer.Option(help="Degrees: 29 in near to 46 in far range.")
    ] = None,
    buffer: Annotated[
        float, typer.Option(min=0, max=500, help="Metres around layover and shadow.")
    ] = 0.0,
    at: Annotated[
        str | None,
        typer.Option(help="LONGITUDE,LATITUDE of a slope: tell which direction sees it better."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Map layover and shadow of a place, and tell which direction sees it better.

    Writes `slope.tif`, `aspect.tif` (degrees, the direction that the slope faces), `incidence.tif`
    and `visibility.tif` (0 visible, 1 active layover, 2 passive layover, 3 active shadow, 4 passive
    shadow, 255 outside) on the DEM's own grid where that is projected, else in UTM. Without
    `--annotation` or `--heading`, ascending and descending passes at 38.9 degrees are compared and
    the better one is written. `better.tif` tells which direction sees a pixel, `visibility.png`
    shows both.

    **Example**: sarlra terrain dem.tif --heading 193 --incidence 36 --out terrain
    """
    from sarlra.jobs.look import look_at_place

    sight = look_at_place(
        dem,
        out,
        annotation=annotation,
        heading=heading,
        incidence=incidence,
        buffer_m=buffer,
        at=None if at is None else _place(at),
    )
    if as_json:
        print_json(_facts(sight))
    else:
        _show(sight)


def _facts(sight: Sight) -> dict[str, Any]:
    return {
        "dem": sight.dem,
        "written": sight.written,
        "better": sight.better,
        "directions": {
            one.name: {"heading": one.heading, "incidence": one.incidence, "shares": one.shares,
                       "land": one.land, "slopes": one.slopes, "layover_facing": one.facing}
            for one in sight.directions
        },
        "slope": None if sight.slope is None else asdict(sight.slope),
        "files": sight.files,
    }  # fmt: skip


def _place(text: str) -> tuple[float, float]:
    from sarlra.errors import TerrainError

    try:
        longitude, latitude = (float(part) for part in text.split(","))
        if -180 <= longitude <= 180 and -90 <= latitude <= 90:
            return longitude, latitude
    except ValueError:
        pass
    raise TerrainError(f"--at {text!r} is no place", hint="write LONGITUDE,LATITUDE in degrees")


def _show(sight: Sight) -> None:
    from rich.table import Table

    table = Table("share of", *(one.name for one in sight.directions), title=sight.dem)
    names = list(sight.directions[0].shares)
    for name in names:
        table.add_row(name, *(f"{one.shares[name]:.2%}" for one in sight.directions))
    if any(one.land and one.land != one.shares for one in sight.directions):
        table.add_section()
        for name in names:
            table.add_row(
                f"land, {name}", *(_percent(one.land[name] if one.land else None, "no land")
                                   for one in sight.directions),
            )  # fmt: skip
    table.add_section()
    table.add_row(
        "active layover, facing the radar",
        *(_percent(one.facing, "none") for one in sight.directions),
    )
    table.add_row(
        "slopes over 20 deg, visible", *(_percent(one.slopes) for one in sight.directions)
    )
    console.print(table)
    for one in sight.directions:
        console.print(
            f"{one.name}: heading {one.heading:.1f}, incidence {one.incidence[0]:.1f} to "
            f"{one.incidence[1]:.1f} deg, geometry {one.origin}"
        )
    if sight.better is None:
        console.print("Both directions see the slopes over 20 degrees equally well.")
    else:
        console.print(f"[bold]{sight.better}[/] passes see the slopes over 20 degrees better.")
    if sight.slope is not None:
        _show_slope(sight.slope)
    console.print(f"written ({sight.written}): {', '.join(str(path) for path in sight.files)}")


def _show_slope(slope: Slope) -> None:
    faces = "" if slope.aspect is None else f", facing {slope.aspect:.0f} deg"
    console.print(
        f"At {slope.longitude:g}, {slope.latitude:g}: a slope of {slope.slope:.0f} deg{faces}"
    )
    for view in slope.views:
        console.print(
            f"  {view.name}: {view.visibility}, local incidence {view.local_incidence:.0f} deg"
        )
    if slope.better is not None:
        console.print(f"  [bold]{slope.better}[/] passes see it better.")
    elif any(view.visibility == "visible" for view in slope.views):
        console.print("  Both directions see it equally well.")
    else:
        console.print("  Neither direction sees it.")


def _percent(value: float | None, otherwise: str = "no slopes") -> str:
    return otherwise if value is None else f"{value:.2%}"
