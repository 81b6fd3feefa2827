"""Every field of an item, from the schema that items are checked with; nothing is told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sarlra.catalog.assets import TEMPLATES
from sarlra.catalog.resources import catalogs_file
from sarlra.catalog.vector import COLUMNS

_HEAD = """# The catalogue's fields

Made from `catalogs/schemas/sarlra-item.json`, with which every item is checked before it is
written, and from the code that writes assets and tables: `python -m sarlra.serving.fields`.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """A property of items: name, JSON type, unit (empty: none) and meaning."""

    name: str
    kind: str
    unit: str
    meaning: str
    required: bool


def fields() -> tuple[Field, ...]:
    """All properties of an item, in the schema's order; those of ``sarlra:statistics`` too."""
    properties = _schema()["properties"]["properties"]
    return tuple(_fields(properties, ""))


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
    parts = [_HEAD, "\n## Properties of items\n\n", _table(
        ("name", "type", "unit", "required", "meaning"),
        [(f"`{f.name}`", f.kind, f.unit, "yes" if f.required else "", f.meaning) for f in fields()],
    )]  # fmt: skip
    parts += ["\n## Assets of items\n\n", _table(
        ("key", "type", "meaning"),
        [(f"`{key}`", f"`{about['type']}`",
          ": ".join(about[n] for n in ("title", "description") if n in about))
         for key, about in TEMPLATES.items()],
    )]  # fmt: skip
    parts += ["\n## Columns of detections\n\n", _table(
        ("name", "type", "meaning"),
        [(f"`{name}`", kind, meaning) for name, (kind, meaning) in COLUMNS.items()],
    )]  # fmt: skip
    return "".join(parts)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(c.replace('|', '/') for c in line)} |\n" for line in lines)


@cache
def _schema() -> dict[str, Any]:
    text = catalogs_file("schemas", "sarlra-item.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
