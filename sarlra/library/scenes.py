"""Which scenes a run would take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sarlra.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd


def find_scenes(
    event: str | None,
    *,
    source: str = "planetary-computer",
    origin: Sequence[str] = (),
    aoi: str | None = None,
    orbit: Literal["ascending", "descending", "both"] = "both",
    buffers: str = "60-12",
) -> gpd.GeoDataFrame:
    """Scenes that a run would take for an event: those of tracks with passes on both sides of it.

    Parameters
    ----------
    event
        USGS id, event file or study case; None where ``origin`` and ``aoi`` are given.
    source
        Name of a source, address of a STAC API, or file of items.
    origin, aoi, orbit, buffers
        As the options of ``sarlra detect``.

    Returns
    -------
    geopandas.GeoDataFrame
        EPSG:4326, a row per scene, in order of track and time: ``track``, ``side`` (``pre`` or
        ``post``), ``datetime`` (UTC), ``platform``, ``polarisations``, ``item`` (id) and the
        footprint. ``attrs["notes"]`` says what else is to be known.

    Raises
    ------
    InputError
        One of its kinds: the event, area or source cannot be used.
    SearchError
        The search failed.
    """
    import geopandas as gpd

    from sarlra.events.area import parse_area
    from sarlra.events.resolve import resolve_event
    from sarlra.jobs.ask import parse_time
    from sarlra.recipe import make_recipe, parse_buffers
    from sarlra.scenes.find import BOTH
    from sarlra.scenes.find import find_scenes as search
    from sarlra.scenes.sources import open_source

    if orbit not in (*BOTH, "both"):
        raise InputError(f"orbit {orbit!r} is none of ascending, descending, both")
    pre, post = parse_buffers(buffers)
    found = search(
        resolve_event(
            event,
            origins=tuple(sorted(parse_time(text) for text in origin)),
            aoi=None if aoi is None else parse_area(aoi),
        ),
        open_source(source),
        make_recipe(pre_days=pre, post_days=post, polarisations=("VV",)),
        orbits=BOTH if orbit == "both" else frozenset({orbit}),
    )
    rows = [
        (track.id, side, part.datetime, part.platform,
         " ".join(sorted(part.polarisations)), part.item_id, part.geometry)
        for track in found.tracks
        for side, passes in (("pre", track.pre), ("post", track.post))
        for one in passes
        for part in one.slices
    ]  # fmt: skip
    names = ["track", "side", "datetime", "platform", "polarisations", "item", "geometry"]
    table = gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs=4326)
    table.attrs["notes"] = list(found.notes)
    return table
