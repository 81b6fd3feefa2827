"""``sarlra serve``: a catalogue for people and programs, from one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sarlra.cli.console import err


def serve(
    place: Annotated[str, typer.Argument(help="Folder or URL of a catalogue.")],
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine need another.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(help="Name by which the server is addressed; again for each. Any if not."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(help="Path of the server behind a proxy, such as /landslides.")
    ] = "",
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="Believe X-Forwarded-Prefix and X-Forwarded-Proto: where only a proxy reaches it.",
        ),
    ] = False,
    online: Annotated[
        str | None,
        typer.Option(
            help="Let the page show base maps and Sentinel-2 from other hosts: `default`, or a "
            "file that names them. Without it the page asks no other host."
        ),
    ] = None,
    reviews: Annotated[
        Path | None, typer.Option(help="Folder of reviews of detections, shown on the map.")
    ] = None,
    review_token: Annotated[
        str | None,
        typer.Option(
            envvar="SARLRA_REVIEW_TOKEN", show_default=False,
            help="Lets whoever has it write reviews there; without it they are only read.",
        ),
    ] = None,
    triage: Annotated[
        Path | None, typer.Option(help="File of `sarlra triage`, shown with the detections.")
    ] = None,
) -> None:  # fmt: skip
    """Serve a catalogue: map at `/`, list at `/list`, STAC API at `/stac`, files, tiles.

    What runs add to the catalogue is seen while it is served.

    **Example**: sarlra serve demo-output, then open http://127.0.0.1:8000
    """
    from sarlra.serving.run import run_server
    from sarlra.serving.viewer import HOW_TO_BUILD, is_built

    def ready(url: str, items: int, rejected: int) -> None:
        err.print(
            f"serving {items} items at {url} (STAC API: {url}/stac/)",
            highlight=False,
            soft_wrap=True,
        )
        if not is_built():
            err.print(f"[yellow]note[/] the map page is not built: {HOW_TO_BUILD}", highlight=False)
        if rejected:
            err.print(f"[yellow]note[/] {rejected} items or collections are left out: see above")

    run_server(
        place,
        host=host,
        port=port,
        names=tuple(name or ()),
        online=online,
        reviews=reviews,
        token=review_token,
        triage=triage,
        prefix=prefix,
        behind_proxy=behind_proxy,
        ready=ready,
    )
