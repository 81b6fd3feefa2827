"""``sarlra models``: what models there are, and how to get more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sarlra.cli.console import err, print_json, progress
from sarlra.cli.console import out as console
from sarlra.cli.options import AsJson

models = typer.Typer(
    help="List, show, import and fetch models.", no_args_is_help=True, rich_markup_mode="markdown"
)


@models.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the models on this machine and those that can be pulled."""
    from sarlra.models.pull import list_registered
    from sarlra.models.registry import list_models

    here = list_models()
    names = {info.name for info in here}
    afar = [entry for entry in list_registered() if entry.name not in names]
    if as_json:
        print_json({"models": [dict(info.card) for info in here], "registered": afar})
        return
    from rich.table import Table

    table = Table("name", "bands", "passes", "architecture", "filters", "radiometry", "threshold")
    for info in here:
        table.add_row(
            info.name, info.combination, ", ".join(info.orbit_states), info.architecture,
            str(info.filters), info.radiometry,
            "" if info.threshold is None else f"{info.threshold:.3f}",
        )  # fmt: skip
    for entry in afar:
        table.add_row(entry.name, "VV_VH", entry.orbit_state, entry.architecture,
                      str(entry.filters), "sigma0e", "(to pull)", style="dim")  # fmt: skip
    console.print(table)


@models.command()
def show(
    name: Annotated[str, typer.Argument(help="Name or file of a model.")],
    stac: Annotated[
        bool, typer.Option("--stac", help="Print a STAC item with the MLM extension.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a model's card: what it was trained on, how well it did, what it is not for."""
    from sarlra.models.registry import find_model

    info = find_model(name)
    if stac:
        from sarlra.models.mlm import mlm_item

        print_json(mlm_item(info, info.path.as_uri()))
        return
    if as_json:
        print_json(dict(info.card))
        return
    from rich.pretty import Pretty
    from rich.table import Table

    table = Table(show_header=False, title=info.name)
    for key, value in sorted(info.card.items()):
        table.add_row(key, value if isinstance(value, str) else Pretty(value))
    console.print(table)


@models.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Weights as Keras 2 `save_weights` HDF5.")],
    name: Annotated[str, typer.Option(help="Name to give the model.")],
    filters: Annotated[int, typer.Option(help="Filters of each convolution.")],
    architecture: Annotated[
        Literal["sar-lra-v1"], typer.Option(help="What the weights belong to.")
    ] = "sar-lra-v1",
    orbit: Annotated[
        Literal["ascending", "descending", "both"],
        typer.Option(help="Passes that the model is for."),
    ] = "both",
) -> None:
    """Import weights of the public SAR-LRA tool.

    **Example**: sarlra models import ascending.hdf5 --filters 32 --name lra-asc --orbit ascending
    """
    from sarlra.models.import_hdf5 import import_weights

    info = import_weights(
        file,
        architecture=architecture,
        filters=filters,
        name=name,
        orbit_states=("ascending", "descending") if orbit == "both" else (orbit,),
    )
    console.print(f"imported {info.name}: {info.path}")


@models.command()
def pull(
    name: Annotated[str, typer.Argument(help="Name of registered weights.")],
    accept: Annotated[bool, typer.Option("--accept", help="Accept the licence unasked.")] = False,
) -> None:
    """Fetch registered weights from their publisher, verify and import them."""
    from sarlra.models.pull import find_registered
    from sarlra.models.pull import pull as fetch

    entry = find_registered(name)
    err.print(f"{entry.title}\n{entry.url} ({entry.size:,} bytes)\n\n{entry.licence}\n")
    if not accept:
        typer.confirm("Accept and fetch?", abort=True)
    with progress(quiet=False) as bars:
        bar = bars.add_task(name, total=entry.size)
        info = fetch(entry, accept=True, progress=lambda count: bars.advance(bar, count))
    console.print(f"pulled {info.name}: {info.path}")


@models.command()
def pack(
    name: Annotated[str, typer.Argument(help="Name or file of a model.")], as_json: AsJson = False
) -> None:
    """Write a model's file anew, as small as it goes; its weights stay as they are, bit by bit.

    Models that `sarlra train` makes are packed already. The card then names the new file; what
    was made with the model counts as made with another one.

    **Example**: sarlra models pack my-model.keras
    """
    from sarlra.models.packing import repack
    from sarlra.models.registry import find_model

    info = find_model(name)
    before = info.path.stat().st_size
    packed = repack(info)
    if as_json:
        print_json({"model": info.name, "file": info.path, "bytes": packed.path.stat().st_size,
                    "bytes_before": before, "sha256": packed.sha256})  # fmt: skip
        return
    console.print(f"{info.path}: {before:,} bytes before, {packed.path.stat().st_size:,} now")


@models.command()
def background(
    names: Annotated[
        list[str], typer.Argument(help="Names or files of models; several with --simulated.")
    ],
    composite: Annotated[
        Path | None, typer.Option(help="Take windows of a composite in which little changed.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Take background patches of a dataset of patches.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Take them from simulated worlds: some minutes.")
    ] = False,
    buffers: Annotated[str, typer.Option(help="PRE-POST of the dataset's patches.")] = "60-12",
    as_json: AsJson = False,
) -> None:
    """Store with a model the windows against which `sarlra explain` explains its scores.

    64 of them, from dark to bright, as NAME.background.npz (0.7 MB for four bands) beside the
    model; its card names the file. A model without any is explained against windows of the
    composite itself. Several models share the work of simulated worlds.

    **Example**: sarlra models background my-model --dataset patches
    """
    from sarlra.cli.console import stages
    from sarlra.errors import InputError
    from sarlra.models.background import store_background
    from sarlra.models.registry import find_model
    from sarlra.recipe import parse_buffers
    from sarlra.training.background import from_composite, from_dataset, from_simulation

    if (composite is not None) + (dataset is not None) + simulated != 1:
        raise InputError("give one of --composite, --dataset and --simulated")
    if len(names) > 1 and not simulated:
        raise InputError(f"a composite or a dataset is for one model, not for {len(names)}")
    infos = [find_model(name) for name in names]
    if composite is not None:
        found = [from_composite(composite, infos[0])]
    elif dataset is not None:
        found = [from_dataset(dataset, infos[0], parse_buffers(buffers))]
    else:
        with progress(quiet=as_json) as bars:
            found = from_simulation(infos, stages(bars))
    facts = []
    for info, windows in zip(infos, found, strict=True):
        file = store_background(info, windows)
        facts.append({"model": info.name, "windows": len(windows), "bytes": file.stat().st_size,
                      "file": file})  # fmt: skip
    if as_json:
        print_json(facts[0] if len(facts) == 1 else {"models": facts})
        return
    for one in facts:
        console.print(f"{one['windows']} windows, {one['bytes']:,} bytes: {one['file']}")
