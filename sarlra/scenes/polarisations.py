"""Which polarisations a track is composited from: asked for, or the most that it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from sarlra.errors import RecipeError
from sarlra.recipe import Polarisations
from sarlra.scenes.model import Acquisition, Scenes, Skipped, Slice, Track

Request = Literal["auto", "VV", "VV_VH"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Tracks with the polarisations that each is composited from.

    ``polarisations`` goes with ``scenes.tracks``, in the same order.
    """

    scenes: Scenes
    polarisations: tuple[Polarisations, ...]


def choose_polarisations(found: Scenes, requested: Request) -> Chosen:
    """Choose per track, from scenes that were found with a recipe for VV alone.

    ``VV`` takes every track as it is. ``VV_VH`` leaves out slices without VH, and tracks that then
    lack pre or post acquisitions. ``auto`` does the same, but falls back to VV for such tracks and
    says so in ``notes``: VV_VH models are far better than VV models (F1 of 80 against 60 in Nava
    et al. 2026, table 4), so that fewer acquisitions with both are preferred to more with VV.

    Raises
    ------
    RecipeError
        The request is none of the three.
    """
    if requested == "VV":
        return Chosen(found, (("VV",),) * len(found.tracks))
    if requested not in ("auto", "VV_VH"):
        raise RecipeError(
            f"the polarisations {requested!r} are unknown", hint="choose auto, VV or VV_VH"
        )
    dual = only_dual(found)
    if requested == "VV_VH":
        return Chosen(dual, (("VV", "VH"),) * len(dual.tracks))
    kept = {track.id: track for track in dual.tracks}
    fallen = {track.id for track in found.tracks} - kept.keys()
    tracks = tuple(kept.get(track.id, track) for track in found.tracks)
    used = {
        slice_.item_id
        for track in found.tracks
        if track.id in fallen
        for slice_ in slices_of(track)
    }
    extra = [s for s in set(dual.skipped) - set(found.skipped) if s.subject not in {*fallen, *used}]
    notes = [
        f"{name}: falls back to VV, as no VH is there both before and after"
        for name in sorted(fallen)
    ]
    scenes = replace(
        found,
        tracks=tracks,
        skipped=sort_skipped([*found.skipped, *extra]),
        items=_items_of(found, tracks),
        notes=(*found.notes, *notes),
    )
    pairs: tuple[Polarisations, ...] = tuple(
        ("VV",) if track.id in fallen else ("VV", "VH") for track in tracks
    )
    return Chosen(scenes, pairs)


def only_dual(found: Scenes) -> Scenes:
    """The scenes without slices that lack VH, and without tracks that then lack pre or post."""
    tracks: list[Track] = []
    skipped = list(found.skipped)
    for track in found.tracks:
        pre, post = _dual(track.pre), _dual(track.post)
        skipped += [
            Skipped(slice_.item_id, "polarisation", "it has no asset vh")
            for slice_ in slices_of(track)
            if "VH" not in slice_.polarisations
        ]
        if not pre:
            skipped.append(Skipped(track.id, "no-pre", "no acquisition with VV and VH before"))
        if not post:
            skipped.append(Skipped(track.id, "no-post", "no acquisition with VV and VH after"))
        if pre and post:
            tracks.append(replace(track, pre=pre, post=post))
    kept = tuple(tracks)
    return replace(found, tracks=kept, skipped=sort_skipped(skipped), items=_items_of(found, kept))


def slices_of(track: Track) -> list[Slice]:
    """All slices of a track, ascending in time."""
    return [slice_ for a in (*track.pre, *track.post) for slice_ in a.slices]


def sort_skipped(skipped: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """By subject, code and reason."""
    return tuple(sorted(skipped, key=lambda s: (s.subject, s.code, s.reason)))


def _dual(acquisitions: tuple[Acquisition, ...]) -> tuple[Acquisition, ...]:
    reduced = [
        replace(a, slices=tuple(s for s in a.slices if "VH" in s.polarisations))
        for a in acquisitions
    ]
    return tuple(a for a in reduced if a.slices)


def _items_of(found: Scenes, tracks: tuple[Track, ...]) -> tuple[dict[str, object], ...]:
    wanted = {(s.collection, s.item_id) for track in tracks for s in slices_of(track)}
    return tuple(i for i in found.items if (i.get("collection"), i.get("id")) in wanted)
