"""``sarlra catalog``: publish, withdraw, export and verify what runs have written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sarlra.cli.console import err, print_json, progress
from sarlra.cli.console import out as console
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.serving.results import Results

catalog = typer.Typer(
    help="Publish, withdraw, export and verify catalogues.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Place = Annotated[str, typer.Argument(help="Folder or URL of a catalogue.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="SARLRA_API_TOKEN", help="Bearer token of the API.", show_default=False),
]
Assets = Annotated[
    str | None,
    typer.Option("--assets-url", help="Where the catalogue's folder is served for others."),
]


@catalog.command()
def publish(
    place: Place,
    *,
    to: Annotated[str, typer.Option(help="STAC API with the Transactions extension.")],
    assets_url: Assets = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Write collections and items to a STAC API; what is there already stays as it is.

    **Example**: sarlra catalog publish s3://bucket/out --to https://host/stac
    """
    from sarlra.serving.export import shared_root
    from sarlra.serving.transactions import Api
    from sarlra.serving.transactions import publish as write

    results = _read(place)
    root = shared_root(results, assets_url)
    api = Api(to, token)
    with progress(quiet=as_json) as bars:
        bar = bars.add_task("items", total=len(results.items))
        done = write(results, api, root, lambda _: bars.advance(bar))
    if as_json:
        print_json(done)
        return
    console.print(f"{len(done.added)} added, {len(done.changed)} changed, "
                  f"{len(done.unchanged)} as they were: {api.url}")  # fmt: skip


@catalog.command()
def withdraw(
    collection: Annotated[str, typer.Argument(help="Id of the event.")],
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    *,
    from_: Annotated[str, typer.Option("--from", help="STAC API to take it out of.")],
    token: Token = None,
) -> None:
    """Take an item out of a STAC API; the files stay, and publishing again adds it again."""
    from sarlra.errors import CatalogError
    from sarlra.serving.transactions import Api
    from sarlra.serving.transactions import withdraw as take

    if not take(Api(from_, token), collection, item):
        raise CatalogError(f"{from_} has no item {item} in {collection}")
    console.print(f"withdrawn: {item}")


@catalog.command()
def export(
    place: Place,
    *,
    stac_geoparquet: Annotated[
        Path, typer.Option("--stac-geoparquet", help="File to write, a row per item.")
    ],
    assets_url: Assets = None,
) -> None:
    """Write all items as one stac-geoparquet table.

    **Example**: sarlra catalog export demo-output --stac-geoparquet items.parquet
    """
    from sarlra.serving.export import documents, export_geoparquet

    results = _read(place)
    count = export_geoparquet(documents(results, assets_url), stac_geoparquet)
    console.print(f"{count} items: {stac_geoparquet}")


@catalog.command()
def composite(
    place: Place,
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    *,
    out: Annotated[Path, typer.Option(help="GeoTIFF to write, or plain Zarr: .zarr.")],
) -> None:
    """Write the composite of an item's tile as one COG or plain Zarr, for QGIS and GDAL.

    **Example**: sarlra catalog composite out ITEM --out composite.tif
    """
    from sarlra.serving.export_composite import export_composite

    bands = export_composite(_read(place), item, out)
    console.print(f"{', '.join(bands)}: {out}")


@catalog.command()
def qgis(
    place: Place,
    event: Annotated[str, typer.Argument(help="Id of the event.")],
    *,
    out: Annotated[Path, typer.Option(help="Project to write, ending in .qgs.")],
) -> None:
    """Write a QGIS project of an event, with its layers and their styles.

    **Example**: sarlra catalog qgis out us2000h8ty --out out/us2000h8ty.qgs
    """
    from sarlra.errors import InputError
    from sarlra.serving.qgis import write_project

    if out.suffix != ".qgs":
        raise InputError(f"{out} does not end in .qgs")
    count = write_project(_read(place), event, out)
    console.print(f"{count} layers: {out}")


@catalog.command()
def detections(
    place: Place,
    event: Annotated[str, typer.Argument(help="Id of the event.")],
    *,
    out: Annotated[Path, typer.Option(help="File: .geojson, .parquet, .kml or .csv.")],
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Only these scores.")] = 0.0,
    as_of: Annotated[str | None, typer.Option(help="As known at this moment (RFC 3339).")] = None,
) -> None:
    """Write the detections of an event in another format.

    **Example**: sarlra catalog detections out us2000h8ty --out found.kml
    """
    from sarlra.serving.downloads import Shown, write_detections

    count = write_detections(_read(place), event, Shown(as_of, min_score), out)
    console.print(f"{count} detections: {out}")


@catalog.command()
def verify(place: Place, as_json: AsJson = False) -> None:
    """Check every document, and every file against its checksum."""
    from sarlra.errors import CatalogError
    from sarlra.serving.verify import verify as check

    results = _read(place)
    total = len(results.items) + len(results.collections)
    with progress(quiet=as_json) as bars:
        bar = bars.add_task("items and collections", total=total)
        found = check(results, lambda number: bars.update(bar, completed=number))
    if as_json:
        print_json(found)
    else:
        for fault in found.faults:
            err.print(f"[red]fault[/] {fault.subject}: ", end="")
            err.print(fault.reason, markup=False, highlight=False)
        console.print(
            f"{found.items} items, {found.collections} collections, {found.files} files "
            f"({found.unchecked} without a checksum): {len(found.faults)} faults"
        )
    if found.faults:
        raise typer.Exit(CatalogError.exit_code)


def _read(place: str) -> Results:
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    return read_results(open_place(place))
