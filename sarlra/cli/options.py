"""The options of commands and of the flows that do the same: one kind, one help text for each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]

# What is asked for: of detect, scan, watch, quality and dataset build.

Event = Annotated[
    str | None,
    typer.Argument(help="USGS event id, USGS event detail GeoJSON file, or name of a study case."),
]
Out = Annotated[
    str, typer.Option("--out", help="Folder or URL (s3://...) of the catalogue to write.")
]
Source = Annotated[
    str,
    typer.Option(
        help="Name in catalogs/sources, URL of a STAC API, or path of an ItemCollection, static "
        "catalogue or stac-geoparquet file."
    ),
]
Origin = Annotated[
    list[str] | None,
    typer.Option(help="Origin time, UTC, instead of an event; again for each shock of a sequence."),
]
Aoi = Annotated[
    str | None,
    typer.Option(
        help="west,south,east,north in degrees (west > east crosses 180), or a vector file of "
        "polygons; else the event's."
    ),
]
Orbit = Annotated[
    Literal["ascending", "descending", "both"], typer.Option(help="Directions of flight.")
]
Buffers = Annotated[str, typer.Option(help="Days before and after, PRE-POST.")]
Pol = Annotated[
    Literal["auto", "VV", "VV_VH"],
    typer.Option(
        help="Polarisations; auto falls back to VV where VH is missing, in a scan by cells of "
        "16384 pixels."
    ),
]
Model = Annotated[str | None, typer.Option(help="Name or file of a model; else the one that fits.")]
Threshold = Annotated[
    float | None, typer.Option(help="Score over which a window is kept; else the model's.")
]
Resolution = Annotated[float, typer.Option(help="Pixel of the grid in metres.")]
Loader = Annotated[Literal["stackstac", "odc"], typer.Option(help="What builds the stacks.")]
Dem = Annotated[
    str,
    typer.Option(
        help="Heights for layover and shadow: a raster file, a source of cop-dem-glo-30, auto "
        "(the source's own, else the Planetary Computer's) or none."
    ),
]
Incidence = Annotated[
    float | None,
    typer.Option(help="Degrees, instead of the scenes' annotation; with --heading and --orbit."),
]
Heading = Annotated[
    float | None, typer.Option(help="Degrees from north of the footprint; with --incidence.")
]
Radiometry = Annotated[
    Literal["auto", "gamma0", "sigma0e"],
    typer.Option(
        help="Of the post bands: gamma0, or sigma0 on the ellipsoid; auto: as the model wants."
    ),
]
VisibilityBuffer = Annotated[
    float, typer.Option(help="Metres around layover and shadow that count as distorted.")
]
MinSlope = Annotated[
    float, typer.Option(help="Slope mask: degrees under which ground is level; 0 masks nothing.")
]
Quality = Annotated[
    bool, typer.Option(help="Hold each acquisition against its stack; correct it or leave it out.")
]
Cluster = Annotated[
    str,
    typer.Option(
        help="local, none (this process), kubernetes, gateway, gateway:NAME, or a dask "
        "scheduler's address."
    ),
]

# Of a scan.

ScanEvent = Annotated[
    str | None, typer.Option("--event", help="USGS event id, event file or study case.")
]
Period = Annotated[str | None, typer.Option(help="START/END, with --step.")]
Step = Annotated[float | None, typer.Option(help="Days from one pair to the next.")]
Tile = Annotated[int, typer.Option(help="Edge of a tile in pixels, a multiple of 256.")]
SkipSea = Annotated[
    bool, typer.Option("--skip-sea", help="Leave out tiles that the DEM has as open sea.")
]
MinRelief = Annotated[
    float, typer.Option(help="Leave out tiles with less relief than this, in metres.")
]
Fold = Annotated[bool, typer.Option("--fold", help="Run no job; only merge what stands, again.")]

# Of a watch.

Feed = Annotated[
    str, typer.Option(help="fdsn (the USGS event service), URL or file of a GeoJSON summary feed.")
]
Rule = Annotated[
    Path | None, typer.Option(help="Which earthquakes matter; else catalogs/watch/rule.json.")
]
Now = Annotated[str | None, typer.Option(help="Look as if it were this time, ISO 8601; to replay.")]

# Of a dataset.

Cases = Annotated[
    list[str], typer.Argument(help="Folders of simulated worlds, study cases, or one event.")
]
Inventory = Annotated[str | None, typer.Option(help="Polygons of the one case; FILE#LAYER.")]
Mapped = Annotated[str | None, typer.Option(help="What was looked at, of the one case.")]
Unmapped = Annotated[str | None, typer.Option(help="What could not be seen, of the one case.")]
Inventories = Annotated[Path | None, typer.Option(help="Folder of the inventories of study cases.")]
Combinations = Annotated[
    Literal["VV", "VV_VH", "both"], typer.Option(help="Combinations of polarisations.")
]
SeveralBuffers = Annotated[
    list[str] | None,
    typer.Option(help="Days before and after, PRE-POST; again for more; paper for its ten."),
]
Unseen = Annotated[
    list[str] | None, typer.Option(help="A case to keep out of training; again for more.")
]
DrawSeed = Annotated[int, typer.Option(help="Draws splits and background.")]
