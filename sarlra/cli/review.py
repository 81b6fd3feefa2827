"""``sarlra review``: what analysts say of detections, kept, listed, and made an inventory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sarlra.cli.console import out as console
from sarlra.cli.console import print_json
from sarlra.cli.options import AsJson

if TYPE_CHECKING:
    from sarlra.serving.results import Results

review = typer.Typer(
    help="Confirm, reject or redraw detections; export what was reviewed.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Place = Annotated[str, typer.Argument(help="Folder or URL of a catalogue.")]
Event = Annotated[str, typer.Argument(help="Id of the event.")]
Reviews = Annotated[Path, typer.Option(help="Folder of the reviews, apart from the catalogue.")]


@review.command()
def add(
    place: Place,
    event: Event,
    detection: Annotated[str, typer.Argument(help="Id of the detection: TRACK.TILE.ROW.COL.")],
    *,
    verdict: Annotated[str, typer.Option(help="confirmed, rejected or redrawn.")],
    by: Annotated[str, typer.Option(help="Who has looked.")],
    why: Annotated[str, typer.Option(help="What was seen, and where.")],
    reviews: Reviews,
    outline: Annotated[
        Path | None, typer.Option(help="File with the polygon, where redrawn.")
    ] = None,
) -> None:
    """Keep one review.

    **Example**: sarlra review add out us2000h8ty T046D.32654E0013N0115.640.128
    --verdict rejected --by "A. Sato" --why "rice fields" --reviews reviews
    """
    from pydantic import ValidationError

    from sarlra.errors import InputError
    from sarlra.serving.reviews import Draft

    shape = None if outline is None else _polygon(outline)
    try:
        draft = Draft.model_validate(
            {"detection": detection, "verdict": verdict, "reviewer": by, "reason": why,
             "outline": shape}
        )  # fmt: skip
    except ValidationError as error:
        raise InputError(f"this is no review: {error.errors()[0]['msg']}") from error
    console.print(f"kept: {_keep(_read(place), event, [(draft, None)], reviews)[0]}")


@review.command("import")
def take(
    place: Place,
    event: Event,
    file: Annotated[Path, typer.Argument(help="Reviews that the map page has written.")],
    *,
    reviews: Reviews,
) -> None:
    """Keep the reviews of a file; those that are kept already are not kept twice."""
    import json

    from sarlra.errors import InputError
    from sarlra.serving.reviews import drafts_of

    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    drafts: list[tuple[Any, Any]] = list(drafts_of(document))
    kept = _keep(_read(place), event, drafts, reviews)
    console.print(f"{len(kept)} of {len(drafts)} reviews were new: {reviews}/{event}")


@review.command("list")
def show(event: Event, *, reviews: Reviews, as_json: AsJson = False) -> None:
    """List the reviews that stand, one per detection."""
    from sarlra.catalog.reviews import current_reviews, read_reviews

    found = current_reviews(read_reviews(reviews, event))
    if as_json:
        print_json({"reviews": [document["properties"] for document in found]})
        return
    for document in found:
        p = document["properties"]
        console.print(
            f"{p['sarlra:detection']}  {p['sarlra:verdict']}  {p['sarlra:reviewer']}: "
            f"{p['sarlra:reason']}",
            markup=False, highlight=False,
        )  # fmt: skip
    console.print(f"{len(found)} reviews")


@review.command()
def export(
    event: Event,
    *,
    reviews: Reviews,
    out: Annotated[Path, typer.Option(help="Inventory: .gpkg (keeps where was looked), ...")],
    drawn_only: Annotated[
        bool, typer.Option("--drawn-only", help="Without windows that were only confirmed.")
    ] = False,
) -> None:
    """Write an inventory of what was confirmed and drawn, for `evaluate` and `dataset build`.

    A confirmed window is a polygon of 640 m: it says that there is a landslide, not where it ends.
    """
    from sarlra.catalog.reviews import current_reviews, read_reviews
    from sarlra.inventories.reviewed import reviewed_inventory
    from sarlra.inventories.write import write_inventory

    found = current_reviews(read_reviews(reviews, event))
    inventory = reviewed_inventory(found, f"{reviews}/{event}", drawn_only=drawn_only)
    write_inventory(inventory, out)
    console.print(f"{len(inventory)} landslides: {out}")


def _keep(results: Results, event: str, drafts: list[tuple[Any, Any]], folder: Path) -> list[str]:
    from datetime import UTC, datetime

    from sarlra.catalog.provenance import utc_text
    from sarlra.catalog.reviews import add_review, read_reviews
    from sarlra.serving.reviews import make_review

    standing = {
        (d["properties"]["sarlra:detection"], d["properties"]["datetime"])
        for d in read_reviews(folder, event)
    }
    new = [
        make_review(results, event, draft, at or datetime.now(UTC))
        for draft, at in drafts
        if at is None or (draft.detection, utc_text(at)) not in standing
    ]
    for each in new:
        each.check()  # all or none
    return [str(add_review(folder, each)["id"]) for each in new]


def _polygon(file: Path) -> dict[str, Any]:
    from shapely.geometry import mapping

    from sarlra.inventories.read import read_inventory

    found = read_inventory(file)
    return dict(mapping(found.landslides.geometry.union_all()))


def _read(place: str) -> Results:
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    return read_results(open_place(place))
