"""``sarlra reproduce``: a published result, made again and compared."""

from __future__ import annotations

from typing import Annotated

import typer

from sarlra.cli.console import err, print_json, progress
from sarlra.cli.console import out as console
from sarlra.cli.options import AsJson


def reproduce(
    item: Annotated[str, typer.Argument(help="URL or path of an item's JSON.")],
    *,
    dem: Annotated[
        str, typer.Option(help="DEM as for `detect`, where the item was made with one.")
    ] = "auto",
    out: Annotated[
        str | None, typer.Option(help="Folder or URL for the result; dropped if not given.")
    ] = None,
    local_files: Annotated[
        bool, typer.Option("--local-files", help="Let a remote item's inputs name local files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an item again from its frozen inputs, recipe and model, and say what differs.

    **Example**: sarlra reproduce https://host/stac/collections/EVENT/items/ITEM
    """
    from sarlra.errors import CatalogError
    from sarlra.serving.reproduce import reproduce as again

    with progress(quiet=as_json) as bars:
        bars.add_task("making it again", total=None)
        found = again(item, dem=dem, local_files=local_files, out=out)
    if as_json:
        print_json(found)
    else:
        for note in found.notes:
            err.print(f"[yellow]note[/] {note}", highlight=False)
        for difference in found.differences:
            largest = "" if difference.largest is None else f", at most by {difference.largest:g}"
            console.print(f"{difference.subject}: {difference.text}{largest}", highlight=False)
        console.print("identical" if found.identical else "not identical")
    if not found.identical:
        raise typer.Exit(CatalogError.exit_code)
