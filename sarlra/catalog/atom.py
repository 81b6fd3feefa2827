"""An Atom feed (RFC 4287) with GeoRSS over the versions of watched events.

Links are relative to the feed, so that it moves with the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from shapely.geometry import shape

from sarlra.catalog.footprint import bbox

#: Where it lies in a catalogue.
FEED = "collections/watch.atom.xml"
_ATOM, _GEORSS = "http://www.w3.org/2005/Atom", "http://www.georss.org/georss"
#: Readers ask often: the newest are enough.
_MOST = 200

Entry = tuple[dict[str, Any], str, str]
"""(version item, its path from the root, text)"""


def atom_bytes(entries: Sequence[Entry]) -> bytes:
    """The feed, the newest version first; equal versions, equal bytes."""
    ET.register_namespace("", _ATOM)
    ET.register_namespace("georss", _GEORSS)
    ordered = sorted(entries, key=lambda e: (_updated(e[0]), str(e[0]["id"])), reverse=True)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    _text(feed, "id", "urn:sarlra:watch")
    _text(feed, "title", "Possible landslides after earthquakes, from Sentinel-1")
    _text(feed, "updated", _updated(ordered[0][0]))
    author = ET.SubElement(feed, f"{{{_ATOM}}}author")
    _text(author, "name", "sarlra")
    ET.SubElement(feed, f"{{{_ATOM}}}link", {"rel": "self", "href": "watch.atom.xml"})
    for document, path, body in ordered[:_MOST]:
        feed.append(_entry(document, path, body))
    ET.indent(feed)
    text: bytes = ET.tostring(feed, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text + b"\n"


def _entry(document: dict[str, Any], path: str, body: str) -> ET.Element:
    entry = ET.Element(f"{{{_ATOM}}}entry")
    _text(entry, "id", f"urn:sarlra:{document['id']}")
    _text(entry, "title", document["properties"]["title"])
    _text(entry, "updated", _updated(document))
    href = path.removeprefix("collections/")
    folder = href.rpartition("/")[0]
    links = (
        ("alternate", href, "application/geo+json"),
        ("enclosure", f"{folder}/detections.geojson", "application/geo+json"),
        ("enclosure", f"{folder}/overview.png", "image/png"),
    )
    for rel, target, kind in links:
        ET.SubElement(entry, f"{{{_ATOM}}}link", {"rel": rel, "href": target, "type": kind})
    _text(entry, "summary", body)
    area: Any = shape(document["geometry"])
    west, south, east, north = bbox(area)
    # A box of GeoRSS goes from its lower to its upper corner: across 180 degrees east passes 180.
    east += 360 * (east < west)
    box = ET.SubElement(entry, f"{{{_GEORSS}}}box")
    box.text = f"{south:.5f} {west:.5f} {north:.5f} {east:.5f}"
    return entry


def _updated(document: dict[str, Any]) -> str:
    return str(document["properties"]["created"])


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = text
