"""From an RTC scene to the annotation of the GRD product that it was made from.

The RTC item's ``derived_from`` link names the GRD item, whose asset ``schema-product-vv`` should be
the product annotation. On the Planetary Computer its address can be that of the RFI annotation
beside it (``annotation/rfi/rfi-iw-vv.xml``, since IPF 3.40): then the product annotation's address,
``annotation/iw-vv.xml``, is made from it. Whatever is read is checked for being one.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from sarlra.errors import SarlraError, TerrainError
from sarlra.events.files import read_file
from sarlra.events.web import fetch
from sarlra.scenes.hrefs import Base, absolute_href
from sarlra.scenes.model import Slice
from sarlra.scenes.signing import SigningPolicy, sign
from sarlra.terrain.annotation import MAX_BYTES, Annotation, parse_annotation

log = logging.getLogger(__name__)

ASSETS = ("schema-product-vv", "schema-product-vh")
_MAX_ITEM_BYTES = 4 * 2**20
_BESIDE = re.compile(r"/annotation/(?:rfi|calibration)/(?:rfi|noise|calibration)-([\w-]+\.xml)")


def annotation_of(scene: Slice, signing: SigningPolicy | None, deadline: float) -> Annotation:
    """Fetch and read the product annotation of a slice.

    Parameters
    ----------
    signing
        How addresses are signed when they are opened.
    deadline
        Of ``time.monotonic()``: no request is begun after it.

    Raises
    ------
    TerrainError
        The slice names no GRD item, or no annotation can be had from it.
    """
    if scene.grd_href is None:
        raise TerrainError(f"item {scene.item_id} does not say which GRD it was made from")
    item, base = _item(scene.grd_href, deadline)
    failures = []
    for href in _addresses(item, base):
        try:
            return parse_annotation(_read(href, signing, MAX_BYTES, deadline), href)
        except SarlraError as error:
            failures.append(error.message)
    raise TerrainError(
        f"no product annotation for {scene.item_id}: "
        + ("; ".join(failures) or f"the GRD item {scene.grd_href} has no asset {ASSETS[0]}")
    )


def product_address(href: str) -> str | None:
    """The address of the product annotation beside an RFI, noise or calibration annotation; None
    where the address is none of these.
    """
    path, mark, query = href.partition("?")
    made, count = _BESIDE.subn(r"/annotation/\1", path)
    return f"{made}{mark}{query}" if count else None


def _item(href: str, deadline: float) -> tuple[dict[str, Any], Base]:
    data = _read(href, None, _MAX_ITEM_BYTES, deadline)
    try:
        item = json.loads(data)
    except (ValueError, RecursionError) as cause:
        raise TerrainError(f"the GRD item {href:.300} is no JSON") from cause
    if not isinstance(item, dict):
        raise TerrainError(f"the GRD item {href:.300} is no item")
    if href.startswith("/"):
        return item, Base(folder=str(Path(href).parent))
    return item, Base(url=href)


def _addresses(item: dict[str, Any], base: Base) -> Iterator[str]:
    """Where the annotation can be, the likeliest first."""
    assets = item.get("assets")
    for name in ASSETS:
        asset = assets.get(name) if isinstance(assets, dict) else None
        try:
            href = absolute_href(asset.get("href") if isinstance(asset, dict) else None, base)
        except ValueError:
            continue
        made = product_address(href)
        if made is not None:
            log.info("asset %s is no product annotation: %s is read instead", href, made)
            yield made
        yield href


def _read(href: str, signing: SigningPolicy | None, max_bytes: int, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TerrainError(f"{href:.300} was not read: the time for it was up")
    if href.startswith("/"):
        return read_file(Path(href), TerrainError, max_bytes)
    if not href.startswith(("http://", "https://")):
        raise TerrainError(f"{href:.300} is not read: only files and http(s) are")
    try:
        answer = fetch(sign(href, signing), max_bytes=max_bytes, budget_s=left)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        # The cause can name the signed address.
        raise TerrainError(f"{href:.300} cannot be read: {type(cause).__name__}") from None
    if answer.status != 200:
        raise TerrainError(f"{href:.300} answers with HTTP {answer.status}")
    return answer.body
