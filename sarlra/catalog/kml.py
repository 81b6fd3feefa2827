"""Detections as KML, coloured by score, for Google Earth and phones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as Xml

import geopandas as gpd
import pandas as pd
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from sarlra.catalog.text import without_controls

_SPACE = "http://www.opengis.net/kml/2.2"
#: Lower bound of a score and its colour, as KML has it: alpha, blue, green, red.
CLASSES = ((0.9, "ff2600a5"), (0.7, "ff4d6ef4"), (0.0, "ff61c0fd"))


def to_kml(table: gpd.GeoDataFrame, title: str) -> bytes:
    """A document with a placemark for each row; every column is in its extended data.

    Parameters
    ----------
    table
        Detections, EPSG:4326, with ``score`` and ``orbit_state``.
    """
    root = Xml.Element("kml", xmlns=_SPACE)
    document = Xml.SubElement(root, "Document")
    _text(document, "name", title)
    _text(
        document, "description",
        "Windows whose radar change resembles landslides. Scores rank windows; they are no "
        "probabilities. Nothing was checked on the ground.",
    )  # fmt: skip
    for number, (_, colour) in enumerate(CLASSES):
        style = Xml.SubElement(document, "Style", id=f"score{number}")
        line = Xml.SubElement(style, "LineStyle")
        _text(line, "color", colour)
        _text(line, "width", "2")
        _text(Xml.SubElement(style, "PolyStyle"), "color", f"40{colour[2:]}")
    # By place, not by name: a column may be called anything.
    rows = pd.DataFrame(table.drop(columns=table.geometry.name)).itertuples(index=False, name=None)
    names = [str(name) for name in table.columns if name != table.geometry.name]
    for values, shape in zip(rows, table.geometry, strict=True):
        _placemark(document, dict(zip(names, values, strict=True)), shape)
    Xml.indent(root)
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _placemark(document: Xml.Element, row: Mapping[str, Any], geometry: BaseGeometry) -> None:
    mark = Xml.SubElement(document, "Placemark")
    _text(mark, "name", f"{row['score']:.2f} {row['orbit_state']}")
    number = next(n for n, (low, _) in enumerate(CLASSES) if row["score"] >= low)
    _text(mark, "styleUrl", f"#score{number}")
    data = Xml.SubElement(mark, "ExtendedData")
    for name, value in row.items():
        if not (pd.api.types.is_scalar(value) and pd.isna(value)):
            _text(Xml.SubElement(data, "Data", name=_shown(name)), "value", _plain(value))
    shape = Xml.SubElement(mark, "MultiGeometry")
    for polygon in _polygons(geometry):
        part = Xml.SubElement(shape, "Polygon")
        _ring(part, "outerBoundaryIs", polygon.exterior.coords)
        for hole in polygon.interiors:
            _ring(part, "innerBoundaryIs", hole.coords)


def _polygons(shape: BaseGeometry) -> Iterator[Polygon]:
    for part in getattr(shape, "geoms", (shape,)):
        if isinstance(part, Polygon):
            yield part


def _ring(polygon: Xml.Element, kind: str, points: Iterable[Any]) -> None:
    ring = Xml.SubElement(Xml.SubElement(polygon, kind), "LinearRing")
    _text(ring, "coordinates", " ".join(f"{p[0]:.7f},{p[1]:.7f}" for p in points))


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _text(parent: Xml.Element, tag: str, text: str) -> None:
    Xml.SubElement(parent, tag).text = _shown(text)


def _shown(text: str) -> str:
    # Escaped for XML they would still be tags in the balloons of Google Earth, which shows HTML.
    return without_controls(text).replace("<", "‹").replace(">", "›")
