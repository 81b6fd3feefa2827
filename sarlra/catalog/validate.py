"""Checks STAC documents against JSON schemas, never over the network.

The core schemas travel with pystac, the one of the fields ``sarlra:*`` with this package. Those
of extensions are read from a folder laid out as ``EXTENSION/vX.Y.Z/schema.json``, the path that
they have below https://stac-extensions.github.io/; without such a folder extensions are not
checked. The package's own schema is at no public address, so items do not list it among their
``stac_extensions``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pystac
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable

from sarlra.catalog.resources import catalogs_file
from sarlra.errors import CatalogError

EXTENSIONS_ROOT = "https://stac-extensions.github.io/"
_CORE = "https://schemas.stacspec.org/v{version}/{kind}-spec/json-schema/{kind}.json"
_KINDS = {"Feature": "item", "Collection": "collection", "Catalog": "catalog"}


def validate_item(item: pystac.Item | dict[str, Any], schema_dir: Path | None = None) -> None:
    """Check an item of this package: core, own fields and, with a folder of schemas, extensions.

    Raises
    ------
    CatalogError
        Names the item, the schema and the first fault; or an extension has no schema there.
    """
    document = item.to_dict(transform_hrefs=False) if isinstance(item, pystac.Item) else item
    validate_document(document, schema_dir)
    _check(document, own_schema("item"), "fields of sarlra", _core_registry())


def validate_fields(document: dict[str, Any], kind: str) -> None:
    """Check the fields of a document of a kind, as ``catalogs/schemas/sarlra-KIND.json`` has them.

    Raises
    ------
    CatalogError
        Names the document and the first fault.
    """
    _check(_as_json(document), own_schema(kind), f"fields of a {kind}", _core_registry())


def validate_document(document: dict[str, Any], schema_dir: Path | None = None) -> None:
    """Check an item, collection or catalogue against the core and its extensions.

    Raises
    ------
    CatalogError
        Names the document, the schema and the first fault; or an extension has no schema there.
    """
    document = _as_json(document)
    core = _core()
    uri = _CORE.format(
        version=document.get("stac_version"), kind=_KINDS.get(str(document.get("type")), "?")
    )
    if uri not in core:
        raise CatalogError(
            f"{_name(document)} is no STAC 1.1.0 document: type {document.get('type')!r}, "
            f"stac_version {document.get('stac_version')!r}"
        )
    _check(document, core[uri], uri, _core_registry())
    if schema_dir is None:
        return
    schemas = _extensions(schema_dir)
    registry = _core_registry().with_resources(
        [(key, Resource.from_contents(schema)) for key, schema in schemas.items()]
    )
    for extension in document.get("stac_extensions", []):
        if extension not in schemas:
            raise CatalogError(f"{_name(document)}: no schema for {extension} in {schema_dir}")
        _check(document, schemas[extension], extension, registry)


def _check(
    document: dict[str, Any], schema: Mapping[str, Any], label: str, registry: Registry[Any]
) -> None:
    validator = validator_for(schema, default=Draft7Validator)(schema, registry=registry)
    try:
        fault = best_match(validator.iter_errors(document))
    except Unresolvable as error:
        raise CatalogError(f"{_name(document)}: {label} needs {error}") from error
    if fault is not None:
        where = "/".join(str(part) for part in fault.absolute_path) or "the document"
        message = fault.message if len(fault.message) < 300 else f"{fault.message[:300]}..."
        raise CatalogError(f"{_name(document)} is not valid ({label}) at {where}: {message}")


def _name(document: Mapping[str, Any]) -> str:
    return f"{str(document.get('type', 'document')).lower()} {document.get('id')!r}"


def _as_json(document: dict[str, Any]) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(document, allow_nan=False))  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise CatalogError(f"{_name(document)} cannot be written as JSON: {error}") from error


@cache
def _core() -> dict[str, Any]:
    return get_local_schema_cache()


@cache
def _core_registry() -> Registry[Any]:
    resources = [(uri, Resource.from_contents(schema)) for uri, schema in _core().items()]
    return Registry().with_resources(resources)


@cache
def own_schema(kind: str) -> dict[str, Any]:
    """The schema of this package's fields for a kind of document."""
    text = catalogs_file("schemas", f"sarlra-{kind}.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


@cache
def _extensions(schema_dir: Path) -> dict[str, Any]:
    found = sorted(schema_dir.glob("*/v*/schema.json"))
    return {
        f"{EXTENSIONS_ROOT}{path.relative_to(schema_dir).as_posix()}": json.loads(
            path.read_text(encoding="utf-8")
        )
        for path in found
    }
