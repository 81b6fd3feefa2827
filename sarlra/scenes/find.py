"""From an event and a source to tracks with acquisitions before and after."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import shapely
from shapely import MultiPolygon
from shapely.geometry import mapping

from sarlra.events.event import Event
from sarlra.events.times import iso
from sarlra.recipe import Recipe
from sarlra.scenes.expected import track_notes
from sarlra.scenes.group import drop_copies, end_of, group_acquisitions, group_by, time_order
from sarlra.scenes.hrefs import absolute_href
from sarlra.scenes.items import FoundItem
from sarlra.scenes.model import Acquisition, OrbitState, Scenes, Skipped, Slice, Track
from sarlra.scenes.normalise import slice_from_item
from sarlra.scenes.polarisations import only_dual, sort_skipped
from sarlra.scenes.search import open_search
from sarlra.scenes.signing import unsign
from sarlra.scenes.sources import Source

BOTH: frozenset[OrbitState] = frozenset({"ascending", "descending"})
_MARGIN = timedelta(hours=1)
_MAX_AREA_VERTICES = 10_000
_KEPT_LINKS = ("self", "derived_from", "collection", "license", "via")


def find_scenes(
    event: Event,
    source: Source,
    recipe: Recipe,
    *,
    orbits: frozenset[OrbitState] = BOTH,
    partial: bool = False,
) -> Scenes:
    """Search the source around the event and sort what it gives.

    Parameters
    ----------
    recipe
        ``polarisations`` decides what every slice must have, ``pre_days`` and ``post_days`` the
        windows: pre is [first origin - pre_days, first origin), post (last origin, last origin +
        post_days], both by the start of the acquisition's first slice over the area; an
        acquisition during which a shock struck is in neither.
    orbits
        Directions of pass to use.
    partial
        Whether tracks that have only one side are given, too.

    Returns
    -------
    Scenes
        Tracks that have both pre and post acquisitions, by id. Without any, ``tracks`` is empty
        and ``skipped`` and ``notes`` say why.

    Raises
    ------
    SearchError
        The search failed or is not complete.
    SourceError
        The source's file cannot be read.
    """
    start = event.first_origin - timedelta(days=recipe.pre_days) - _MARGIN
    end = event.last_origin + timedelta(days=recipe.post_days) + _MARGIN
    found = open_search(source).find(event.area, start, end)
    return assemble(found, event, source, recipe, orbits=orbits, partial=partial)


def assemble(
    found: Iterable[FoundItem],
    event: Event,
    source: Source,
    recipe: Recipe,
    *,
    orbits: frozenset[OrbitState] = BOTH,
    partial: bool = False,
) -> Scenes:
    """What :func:`find_scenes` does once items are found; their order does not matter."""
    items: dict[int, FoundItem] = {}
    slices: list[Slice] = []
    skipped: list[Skipped] = []
    for candidate in in_order(found):
        slice_ = slice_from_item(candidate, source.signing)
        if isinstance(slice_, Skipped):
            skipped.append(slice_)
        elif not shapely.intersects(slice_.geometry, event.area):
            skipped.append(Skipped(slice_.item_id, "outside-area", "its footprint misses the area"))
        else:
            slices.append(slice_)
            items[id(slice_)] = candidate
    slices, copies = drop_copies(slices)
    tracks: list[Track] = []
    for (number, state), ours in group_by(
        slices, lambda s: (s.relative_orbit, s.orbit_state)
    ).items():
        track, reasons = _windows(number, state, ours, event, recipe)
        if state not in orbits:
            skipped.append(Skipped(track.id, "orbit", f"its {len(ours)} slices are {state}"))
            continue
        skipped += reasons
        if (track.pre and track.post) or (partial and (track.pre or track.post)):
            tracks.append(track)
    used = [s for track in tracks for a in (*track.pre, *track.post) for s in a.slices]
    scenes = Scenes(
        tracks=tuple(sorted(tracks, key=lambda track: track.id)),
        skipped=sort_skipped([*skipped, *copies]),
        items=tuple(_plain_item(items[id(s)], source) for s in sorted(used, key=time_order)),
        parameters=_parameters(event, source, recipe, orbits),
    )
    if len(recipe.polarisations) == 2:
        scenes = only_dual(scenes)
    notes = [note for track in scenes.tracks for note in track_notes(track, event, recipe)]
    return replace(scenes, notes=tuple(notes))


def _windows(
    number: int, state: OrbitState, slices: list[Slice], event: Event, recipe: Recipe
) -> tuple[Track, list[Skipped]]:
    pre: list[Acquisition] = []
    post: list[Acquisition] = []
    skipped: list[Skipped] = []
    opens = event.first_origin - timedelta(days=recipe.pre_days)
    closes = event.last_origin + timedelta(days=recipe.post_days)
    for acquisition in group_acquisitions(slices):
        start, end = acquisition.datetime, end_of(acquisition)
        if opens <= start and end < event.first_origin:
            pre.append(acquisition)
        elif event.last_origin < start <= closes:
            post.append(acquisition)
        else:
            reason = _outside(start, end, event)
            skipped.append(Skipped(acquisition.id, "outside-windows", reason))
    track = Track(number, state, tuple(pre), tuple(post))
    if not pre:
        reason = f"no acquisition from {iso(opens)} until the first shock"
        skipped.append(Skipped(track.id, "no-pre", reason))
    if not post:
        reason = f"no acquisition after the last shock until {iso(closes)}"
        skipped.append(Skipped(track.id, "no-post", reason))
    return track, skipped


def _outside(start: datetime, end: datetime, event: Event) -> str:
    if end < event.first_origin:
        return f"it starts at {iso(start)}, before the pre window"
    if start > event.last_origin:
        return f"it starts at {iso(start)}, after the post window"
    if any(start <= origin <= end for origin in event.origins):
        return f"a shock struck during it ({iso(start)} to {iso(end)})"
    return f"it was taken at {iso(start)}, between the shocks"


def in_order(found: Iterable[FoundItem]) -> Iterator[FoundItem]:
    """Items in an order of their own: by id, those of one id by all that they hold."""
    by_id: dict[str, list[FoundItem]] = defaultdict(list)
    for candidate in found:
        by_id[str(candidate.item.get("id"))].append(candidate)
    for _, ours in sorted(by_id.items()):
        yield from ours if len(ours) == 1 else sorted(ours, key=_canonical)


def _canonical(found: FoundItem) -> str:
    text = json.dumps(found.item, sort_keys=True, default=str)
    return f"{text} {found.base.folder} {found.base.url}"


def _plain_item(found: FoundItem, source: Source) -> dict[str, Any]:
    """The item with hrefs that are absolute and unsigned; others are left out.

    What has no href is shared with the item as it was found, and is not to be changed.
    """
    item = dict(found.item)
    assets = {}
    for key, asset in sorted(item["assets"].items()):
        href = _plain_href(asset, found, source)
        if href is not None:
            assets[key] = {**asset, "href": href}
    item["assets"] = assets
    links = item.get("links")
    item["links"] = []
    for link in links if isinstance(links, list) else []:
        href = _plain_href(link, found, source)
        if href is not None and link.get("rel") in _KEPT_LINKS:
            item["links"].append({**link, "href": href})
    return item


def _plain_href(holder: Any, found: FoundItem, source: Source) -> str | None:
    try:
        return unsign(absolute_href(holder["href"], found.base), source.signing)
    except (ValueError, KeyError, TypeError):
        return None


def _parameters(
    event: Event, source: Source, recipe: Recipe, orbits: frozenset[OrbitState]
) -> dict[str, Any]:
    area = event.area
    if shapely.get_num_coordinates(area) > _MAX_AREA_VERTICES:
        area = MultiPolygon([shapely.box(*part.bounds) for part in area.geoms])
    parameters = {
        "event": event.id,
        "origins": [iso(origin) for origin in event.origins],
        "area": mapping(area),
        "pre_days": recipe.pre_days,
        "post_days": recipe.post_days,
        "polarisations": recipe.polarisations,
        "orbits": sorted(orbits),
        "source": source.description(),
    }
    return dict(json.loads(json.dumps(parameters)))
