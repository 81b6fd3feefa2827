"""Every field of every document, from the schemas that they are checked with; told once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sarlra.catalog.assets import SUM, TEMPLATES, composite_asset
from sarlra.catalog.looks import LOOKS, meanings
from sarlra.catalog.validate import own_schema
from sarlra.catalog.vector import COLUMNS
from sarlra.composites.layout import variable_attributes
from sarlra.recipe import Recipe

_HEAD = """# The catalogue's fields

Made from `catalogs/schemas`, with which every document is checked before it is written, and from
the code that writes rasters and tables: `python -m sarlra.serving.fields`.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a document: name, JSON type, unit (empty: none) and meaning."""

    name: str
    kind: str
    unit: str
    meaning: str
    required: bool


#: Kinds of documents, and how the page calls their fields.
KINDS = {
    "item": "Properties of items",
    "version": "Properties of versions of a watched event",
    "review": "Properties of reviews",
    "study-case": "Properties of study cases",
    "model": "Properties of models",
    "source": "Fields of sources",
}


def fields(kind: str = "item") -> tuple[Field, ...]:
    """All fields of a kind of document, in the schema's order, with those inside of objects."""
    schema = own_schema(kind)
    return tuple(_fields(schema if kind == "source" else schema["properties"]["properties"], ""))


def _fields(schema: Mapping[str, Any], prefix: str) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, about in schema["properties"].items():
        yield Field(
            f"{prefix}{name}",
            _kind(about),
            about.get("x-unit", ""),
            about.get("description", ""),
            name in required,
        )
        if "properties" in about:
            yield from _fields(about, f"{prefix}{name}.")
        if "properties" in about.get("items", {}):
            yield from _fields(about["items"], f"{prefix}{name}[].")


def _kind(about: Mapping[str, Any]) -> str:
    if "$ref" in about:
        return "array of objects"
    if "enum" in about:
        return " or ".join(json.dumps(value) for value in about["enum"])
    kind = about.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    of = about.get("items", {}).get("type")
    return f"{text} of {of}s" if of else text


def queryables(url: str) -> dict[str, Any]:
    """JSON schema of what filters can name: scalars of the properties, and the core's own."""
    plain: dict[str, Any] = {
        "id": {"description": "Id of the item", "type": "string"},
        "collection": {"description": "Id of the event", "type": "string"},
        "geometry": {"$ref": "https://geojson.org/schema/Geometry.json"},
    }
    for field in fields():
        if (kind := _scalar(field)) is not None:
            plain[field.name] = {"description": field.meaning, "type": kind}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": url,
        "type": "object",
        "title": "Queryables",
        "properties": plain,
        "additionalProperties": True,
    }


def _scalar(field: Field) -> str | None:
    kind = field.kind.removesuffix(" or null")
    if kind.startswith('"'):
        return "string"
    return kind if kind in ("string", "number", "integer", "boolean") else None


def document() -> str:
    """The page of documentation, as Markdown."""
    parts = [_HEAD]
    for kind, title in KINDS.items():
        about = "" if kind == "item" else f"{own_schema(kind)['description']}\n\n"
        parts += [f"\n## {title}\n\n{about}", _table(
            ("name", "type", "unit", "required", "meaning"),
            [(f"`{f.name}`", f.kind, f.unit, "yes" if f.required else "", f.meaning)
             for f in fields(kind)],
        )]  # fmt: skip
    parts += ["\n## Assets of items\n\n", _table(
        ("key", "type", "meaning"),
        [(f"`{key}`", f"`{about['type']}`",
          ": ".join(about[n] for n in ("title", "description") if n in about))
         for key, about in TEMPLATES.items()],
    )]  # fmt: skip
    parts += ["\n## Bands of composites\n\n", _table(
        ("name", "type", "unit", "no data", "meaning"), list(_composite_bands()),
    )]  # fmt: skip
    parts += ["\n## Bands of the other rasters\n\n", _table(
        ("name", "unit", "meaning", "values"), list(_other_bands()),
    )]  # fmt: skip
    parts += ["\n## Columns of detections and outlines\n\n", _table(
        ("name", "type", "meaning"),
        [(f"`{name}`", kind, meaning) for name, (kind, meaning) in COLUMNS.items()],
    )]  # fmt: skip
    return "".join(parts)


def _composite_bands() -> Iterator[tuple[str, ...]]:
    asset = composite_asset("group", "item/item.json", Recipe(), 0, {})
    for band in asset["bands"]:
        about = variable_attributes(band["name"])
        yield (f"`{band['name']}`", band["data_type"], about.get("units", "").replace("1", ""),
               str(band.get("nodata", "")), about["long_name"])  # fmt: skip
    yield (f"`{SUM}`", "of each band", "", "", "SHA-256 of the band's values on the item's tile: "
           "row by row from the north, little-endian, one NaN; "
           "[decision 6](decisions/0006-sums-of-values.md)")  # fmt: skip


def _other_bands() -> Iterator[tuple[str, ...]]:
    for name, look in LOOKS.items():
        values = meanings(name) if look.classes else ""
        yield f"`{name}`", look.unit, look.title, values


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(c.replace('|', '/') for c in line)} |\n" for line in lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
