"""Slices, acquisitions and tracks: what a search for scenes gives."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shapely import Geometry

OrbitState = Literal["ascending", "descending"]


@dataclass(frozen=True, slots=True)
class Slice:
    """One scene file of one pass: a STAC item, brought to one form.

    Parameters
    ----------
    item_id, collection
        Of the STAC item.
    datetime
        Start of sensing, UTC.
    platform
        Lower case, such as ``sentinel-1a``.
    relative_orbit, orbit_state
        ``sat:relative_orbit`` and ``sat:orbit_state``, never computed.
    absolute_orbit, datatake
        ``sat:absolute_orbit`` and ``s1:datatake_id``; None where the item has none.
    assets
        (polarisation, href) pairs, polarisation in capitals, hrefs absolute and **unsigned**.
    epsg, transform, shape
        The grid that the item states: affine coefficients (a, b, c, d, e, f) of pixel to CRS and
        (rows, columns). None where it states none; the file's own grid always wins.
    geometry
        Footprint, EPSG:4326.
    processed
        When the product was made (newest wins among copies of a slice); None where unknown.
    href
        The item's own address (its ``self`` link), or None.
    grd_href
        Address of the GRD item it was made from (link ``derived_from``), or None.
    end
        End of sensing, UTC; None where the item states none.
    burst
        Burst id such as ``T137-292318-IW1`` of products made burst by burst; else None.
    """

    item_id: str
    collection: str | None
    datetime: _dt.datetime
    platform: str
    relative_orbit: int
    orbit_state: OrbitState
    absolute_orbit: int | None
    datatake: str | None
    assets: tuple[tuple[str, str], ...]
    epsg: int
    transform: tuple[float, float, float, float, float, float] | None
    shape: tuple[int, int] | None
    geometry: Geometry
    processed: _dt.datetime | None = None
    href: str | None = None
    grd_href: str | None = None
    end: _dt.datetime | None = None
    burst: str | None = None

    @property
    def polarisations(self) -> frozenset[str]:
        """The polarisations that the slice has."""
        return frozenset(name for name, _ in self.assets)

    def asset(self, polarisation: str) -> str:
        """The unsigned href of a polarisation; KeyError where the slice has none."""
        return dict(self.assets)[polarisation]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """All slices of one pass over the area, ascending in time; one date of a stack."""

    id: str
    datetime: _dt.datetime
    platform: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One relative orbit in one direction, with its acquisitions in the two windows of time.

    ``pre`` lie in [first origin - pre_days, first origin), ``post`` in
    (last origin, last origin + post_days]; both ascending in time, neither empty in a track that
    is composited.
    """

    relative_orbit: int
    orbit_state: OrbitState
    pre: tuple[Acquisition, ...]
    post: tuple[Acquisition, ...]

    @property
    def id(self) -> str:
        """Such as ``T137A`` or ``T037D``."""
        return f"T{self.relative_orbit:03d}{self.orbit_state[0].upper()}"

    @property
    def polarisations(self) -> frozenset[str]:
        """The polarisations that every slice of the track has."""
        slices = [s for a in (*self.pre, *self.post) for s in a.slices]
        return frozenset.intersection(*(s.polarisations for s in slices))


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was found and not used, and why.

    ``code`` is one of ``polarisation``, ``instrument-mode``, ``duplicate``, ``outside-windows``,
    ``no-grid``, ``no-pre``, ``no-post``, ``malformed``, ``outside-area``, ``orbit``,
    ``not-sentinel-1``. The subject is the id of an item, acquisition or track.
    """

    subject: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scenes:
    """What a search gave: usable tracks (by id), what was skipped, and the items as found.

    ``items`` are the STAC items (dicts, hrefs absolute and unsigned) of everything used, in order
    of time and id: with the event and the recipe they repeat the run. ``notes`` say in words what
    else is worth knowing: fallbacks, coverage of the area, acquisitions expected but missing.
    ``parameters`` are those of the search, as JSON values.
    """

    tracks: tuple[Track, ...]
    skipped: tuple[Skipped, ...]
    items: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
