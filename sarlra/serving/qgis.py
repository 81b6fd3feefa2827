"""A QGIS project of an event: its layers by relative paths, in the colours of the map page."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as Xml

from sarlra.catalog.looks import Look, look_of
from sarlra.catalog.names import resolved
from sarlra.catalog.text import without_controls
from sarlra.errors import InputError, OutputError
from sarlra.serving.chosen import chosen
from sarlra.serving.looks import legend
from sarlra.serving.place import FolderPlace
from sarlra.serving.raster import drawable_bands
from sarlra.serving.results import Entry, Results

#: Rasters of an item, uppermost first, and whether they are shown at first.
_RASTERS = (("visibility", True), ("scores", False), ("change", True), ("hillshade", True))
#: Lower bound of a score, and its colour.
_CLASSES = ((0.9, "122,0,25"), (0.7, "227,26,28"), (0.5, "253,141,60"), (0.0, "254,217,118"))


def write_project(results: Results, event: str, out: Path) -> int:
    """Write a ``.qgs`` over the current items of an event; returns the number of layers.

    Files of a catalogue in a folder are named relative to the project, those of one on the web
    through GDAL's ``/vsicurl/``.

    Raises
    ------
    InputError
        There is no such event.
    OutputError
        The file cannot be written.
    """
    entries = chosen(results, event)
    collection = results.collections[event]
    title = str(collection.document.get("title") or event)
    root = Xml.Element("qgis", projectname=title, version="3.22.0")
    _text(root, "title", title)
    first = entries[0].document["properties"]["proj:code"] if entries else "EPSG:4326"
    _crs(Xml.SubElement(root, "projectCrs"), str(first))
    tree, layers = Xml.SubElement(root, "layer-tree-group"), Xml.SubElement(root, "projectlayers")
    count = 0
    if (source := _source(results, collection, "detections-geojson", out)) is not None:
        name = f"detections_{event}"  # QGIS takes no shorter names than eleven characters
        _list(tree, name, "Detections by score", source, "ogr", shown=True)
        layers.append(_detections(name, source))
        count += 1
    by_track: dict[str, list[Entry]] = {}
    for entry in entries:
        by_track.setdefault(str(entry.document["properties"]["sarlra:track"]), []).append(entry)
    for track, members in sorted(by_track.items()):
        group = Xml.SubElement(tree, "layer-tree-group", name=track, checked="Qt::Checked")
        for key, shown in _RASTERS:
            for entry in members:
                if (source := _source(results, entry, key, out)) is None:
                    continue
                name = f"{key}_{entry.document['id']}"
                label = f"{key}, {entry.document['properties']['sarlra:tile']}"
                _list(group, name, label, source, "gdal", shown=shown)
                layers.append(_raster(name, label, source, entry, key))
                count += 1
    properties = Xml.SubElement(root, "properties")
    for group_name, key, kind, value in (
        ("Paths", "Absolute", "bool", "false"),
        ("SpatialRefSys", "ProjectionsEnabled", "int", "1"),
    ):
        part = Xml.SubElement(properties, group_name)
        Xml.SubElement(part, key, type=kind).text = value
    _put(out, root)
    return count


def _source(results: Results, entry: Entry, key: str, out: Path) -> str | None:
    asset = entry.document.get("assets", {}).get(key)
    path = resolved(asset["href"], entry.path) if asset else None
    if path is None or not results.is_served(path):
        return None
    place = results.place
    if isinstance(place, FolderPlace):
        inside = os.path.relpath(place.folder / path, out.resolve().parent)
        return inside if inside.startswith("..") else f"./{inside}"
    if place.root.startswith("http"):
        return f"/vsicurl/{place.root}/{path}"
    raise InputError(
        f"QGIS cannot be told of files in {place.root}", hint="copy the catalogue to a folder"
    )


def _list(
    group: Xml.Element, name: str, label: str, source: str, provider: str, *, shown: bool
) -> None:
    checked = "Qt::Checked" if shown else "Qt::Unchecked"
    Xml.SubElement(
        group, "layer-tree-layer", id=name, name=label, source=source, providerKey=provider,
        checked=checked, expanded="0",
    )  # fmt: skip


def _layer(kind: str, name: str, label: str, source: str, crs: str) -> Xml.Element:
    layer = Xml.Element("maplayer", type=kind)
    _text(layer, "id", name)
    _text(layer, "datasource", source)
    _text(layer, "layername", label)
    _crs(Xml.SubElement(layer, "srs"), crs)
    return layer


def _detections(name: str, source: str) -> Xml.Element:
    layer = _layer("vector", name, "Detections by score", source, "EPSG:4326")
    layer.set("geometry", "Polygon")
    _text(layer, "provider", "ogr").set("encoding", "UTF-8")
    renderer = Xml.SubElement(
        layer, "renderer-v2", type="graduatedSymbol", attr="score",
        graduatedMethod="GraduatedColor", enableorderby="0", forceraster="0", symbollevels="0",
    )  # fmt: skip
    ranges, symbols = Xml.SubElement(renderer, "ranges"), Xml.SubElement(renderer, "symbols")
    upper = 1.0
    for number, (lower, colour) in enumerate(_CLASSES):
        Xml.SubElement(
            ranges, "range", symbol=str(number), lower=str(lower), upper=str(upper),
            label=f"{lower:g} to {upper:g}", render="true",
        )  # fmt: skip
        symbol = Xml.SubElement(
            symbols, "symbol", type="fill", name=str(number), alpha="1", clip_to_extent="1"
        )
        simple = Xml.SubElement(symbol, "layer", {"class": "SimpleFill"}, enabled="1", locked="0")
        for key, value in (("color", f"{colour},90"), ("style", "solid"),
                           ("outline_color", f"{colour},255"), ("outline_style", "solid"),
                           ("outline_width", "0.5"), ("outline_width_unit", "MM")):  # fmt: skip
            Xml.SubElement(simple, "prop", k=key, v=value)
        upper = lower
    return layer


def _raster(name: str, label: str, source: str, entry: Entry, key: str) -> Xml.Element:
    document = entry.document
    layer = _layer("raster", name, label, source, str(document["properties"]["proj:code"]))
    _text(layer, "provider", "gdal")
    pipe = Xml.SubElement(layer, "pipe")
    look = look_of(drawable_bands(document["assets"][key])[0])
    opacity = {"hillshade": "0.6", "change": "0.7"}.get(key, "1")
    pipe.append(_palette(look, opacity) if look.classes else _ramp(look, opacity))
    _text(layer, "blendMode", "0")
    return layer


def _ramp(look: Look, opacity: str) -> Xml.Element:
    renderer = Xml.Element(
        "rasterrenderer", type="singlebandpseudocolor", band="1", opacity=opacity,
        alphaBand="-1", classificationMin=str(look.low), classificationMax=str(look.high),
    )  # fmt: skip
    shader = Xml.SubElement(
        Xml.SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="INTERPOLATED",
        classificationMode="1", clip="0", minimumValue=str(look.low),
        maximumValue=str(look.high),
    )  # fmt: skip
    colours = legend(look)["colours"]
    for number, colour in enumerate(colours):
        value = look.low + (look.high - look.low) * number / (len(colours) - 1)
        Xml.SubElement(
            shader, "item", value=f"{value:g}", color=colour, alpha="255",
            label=f"{value:g} {look.unit}".strip(),
        )  # fmt: skip
    return renderer


def _palette(look: Look, opacity: str) -> Xml.Element:
    renderer = Xml.Element(
        "rasterrenderer", type="paletted", band="1", opacity=opacity, alphaBand="-1"
    )
    palette = Xml.SubElement(renderer, "colorPalette")
    for code, (meaning, (red, green, blue, alpha)) in look.classes.items():
        Xml.SubElement(
            palette, "paletteEntry", value=str(code), alpha=str(alpha), label=meaning,
            color=f"#{red:02x}{green:02x}{blue:02x}",
        )  # fmt: skip
    return renderer


def _crs(parent: Xml.Element, code: str) -> None:
    reference = Xml.SubElement(parent, "spatialrefsys")
    # QGIS goes by the authority's code, but looks at it only where there is a number of its own.
    _text(reference, "srsid", "1")
    _text(reference, "authid", code)


def _text(parent: Xml.Element, tag: str, text: str) -> Xml.Element:
    made = Xml.SubElement(parent, tag)
    made.text = without_controls(text)
    return made


def _put(out: Path, root: Xml.Element) -> None:
    Xml.indent(root)
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"<!DOCTYPE qgis>\n" + Xml.tostring(root, encoding="utf-8") + b"\n")
        part.replace(out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from error
