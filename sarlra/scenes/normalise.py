"""From a STAC item that nobody vouches for to a :class:`~sarlra.scenes.model.Slice`.

Reads STAC 1.0 and 1.1: ``proj:epsg`` or ``proj:code``, on the asset or on the item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from shapely.errors import ShapelyError

from sarlra.scenes.hrefs import absolute_href
from sarlra.scenes.items import FoundItem
from sarlra.scenes.model import OrbitState, Skipped, Slice
from sarlra.scenes.signing import SigningPolicy, unsign
from sarlra.scenes.values import (
    finite_numbers,
    integer,
    mapping,
    optional_integer,
    optional_text,
    text,
    time_of,
)
from sarlra.scenes.where_when import item_geometry, item_interval

_PLATFORM = re.compile(r"sentinel-?1([a-z])", re.IGNORECASE)
_BURST_ID = re.compile(r"[Tt]\d{3}[-_]\d{6}[-_][Ii][Ww]\d")
_OPERA_TIMES = re.compile(r"_(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)_")
_MAX_PARTS = 1000


class _RejectedError(Exception):
    """Internal: (code, reason) of a :class:`Skipped`."""


def slice_from_item(found: FoundItem, policy: SigningPolicy | None) -> Slice | Skipped:
    """Bring an item to one form, or say why it cannot be used.

    Items that are no Sentinel-1 IW product with a VV asset on a projected grid are skipped, as are
    items with a part that is missing or makes no sense. Nothing is raised.
    """
    item = found.item
    name = item.get("id")
    subject = name if isinstance(name, str) and 0 < len(name) <= 512 else "item without id"
    try:
        return _slice(found, policy)
    except _RejectedError as rejected:
        code, reason = rejected.args
        return Skipped(subject, code, reason)
    except (ValueError, TypeError, KeyError, OverflowError, ShapelyError) as cause:
        return Skipped(subject, "malformed", f"{cause}" or type(cause).__name__)


def _slice(found: FoundItem, policy: SigningPolicy | None) -> Slice:
    item = found.item
    properties = mapping(item.get("properties"), "properties")
    item_id = text(item.get("id"), "id")
    platform = _platform(properties)
    _check_mode(properties)
    _check_product(item)
    assets = _assets(item)
    epsg, transform, size = _grid(properties, assets["VV"])
    start, end = item_interval(item)
    return Slice(
        item_id=item_id,
        collection=optional_text(item.get("collection")),
        datetime=start,
        platform=platform,
        relative_orbit=integer(properties.get("sat:relative_orbit"), 1, 175, "relative orbit"),
        orbit_state=_orbit_state(properties.get("sat:orbit_state")),
        absolute_orbit=optional_integer(properties.get("sat:absolute_orbit")),
        datatake=_datatake(properties.get("s1:datatake_id")),
        assets=tuple(
            (name, unsign(absolute_href(asset.get("href"), found.base), policy))
            for name, asset in sorted(assets.items(), reverse=True)
        ),
        epsg=epsg,
        transform=transform,
        shape=size,
        geometry=item_geometry(item),
        processed=_processed(item_id, properties),
        href=_link(found, "self"),
        grd_href=_link(found, "derived_from"),
        end=end,
        burst=_burst(item_id, properties),
    )


def _platform(properties: Mapping[str, Any]) -> str:
    stated = properties.get("platform")
    match = _PLATFORM.fullmatch(stated.strip()) if isinstance(stated, str) else None
    if match is None:
        raise _RejectedError("not-sentinel-1", f"its platform is {stated!r:.80}")
    return f"sentinel-1{match.group(1).lower()}"


def _check_mode(properties: Mapping[str, Any]) -> None:
    mode = properties.get("sar:instrument_mode")
    if mode != "IW":
        raise _RejectedError("instrument-mode", f"its instrument mode is {mode!r:.80}, not IW")


def _check_product(item: Mapping[str, Any]) -> None:
    # sar:product_type does not tell: the Planetary Computer's RTC items say GRD.
    collection = optional_text(item.get("collection")) or ""
    if collection.lower().endswith(("-grd", "-slc", "-ocn")):
        raise _RejectedError("no-grid", f"it is of {collection}, not terrain corrected")


def _assets(item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    stated = mapping(item.get("assets"), "assets")
    if len(stated) > _MAX_PARTS:
        raise ValueError("it has too many assets")
    wanted = {
        str(key).upper(): mapping(asset, f"asset {key}")
        for key, asset in sorted(stated.items(), key=lambda pair: str(pair[0]))
        if str(key).upper() in ("VV", "VH")
    }
    if "VV" not in wanted:
        keys = ", ".join(sorted(map(str, stated))[:12])
        raise _RejectedError("polarisation", f"it has no asset vv (assets: {keys})")
    return wanted


def _grid(
    properties: Mapping[str, Any], asset: Mapping[str, Any]
) -> tuple[int, tuple[float, float, float, float, float, float] | None, tuple[int, int] | None]:
    def stated(name: str) -> Any:
        value = asset.get(name)
        return properties.get(name) if value is None else value

    epsg = _epsg(stated("proj:code"), stated("proj:epsg"))
    numbers = finite_numbers(stated("proj:transform"))
    size = finite_numbers(stated("proj:shape"))
    transform = None
    if numbers is not None and len(numbers) in (6, 9):
        a, b, c, d, e, f = numbers[:6]
        transform = (a, b, c, d, e, f) if a * e - b * d != 0 else None
    shaped = None
    if size is not None and len(size) == 2 and all(1 <= n <= 10**6 and n % 1 == 0 for n in size):
        shaped = (int(size[0]), int(size[1]))
    return epsg, transform, shaped


def _epsg(code: Any, epsg: Any) -> int:
    if isinstance(code, str) and code.upper().startswith("EPSG:") and code[5:].isdecimal():
        return int(code[5:][:9])
    if isinstance(epsg, int | float) and not isinstance(epsg, bool) and epsg > 0 and epsg % 1 == 0:
        return int(epsg)
    raise _RejectedError(
        "no-grid", "it states no EPSG code of a grid: GRD, or not terrain corrected"
    )


def _orbit_state(value: Any) -> OrbitState:
    state = value.strip().lower() if isinstance(value, str) else value
    if state not in ("ascending", "descending"):
        raise ValueError(f"its orbit state is {value!r:.80}")
    return cast(OrbitState, state)


def _datatake(value: Any) -> str | None:
    return str(value)[:64] if isinstance(value, str | int) and str(value).strip() else None


def _processed(item_id: str, properties: Mapping[str, Any]) -> datetime | None:
    for name in ("s1:processing_datetime", "processing:datetime", "created", "updated"):
        try:
            moment = time_of(properties.get(name))
        except ValueError:
            continue
        if moment is not None:
            return moment
    times = _OPERA_TIMES.search(item_id)
    return time_of(times.group(2)) if times else None


def _burst(item_id: str, properties: Mapping[str, Any]) -> str | None:
    stated = properties.get("opera:burst_id")
    match = _BURST_ID.search(stated if isinstance(stated, str) else item_id)
    return match.group(0).upper().replace("_", "-") if match else None


def _link(found: FoundItem, rel: str) -> str | None:
    links = found.item.get("links")
    for link in links[:_MAX_PARTS] if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == rel:
            try:
                return absolute_href(link.get("href"), found.base)
            except ValueError:
                return None
    return None
