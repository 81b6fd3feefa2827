"""The table of fields, the export, and what verification looks at."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow.parquet as pq
import pytest
import shapely
from serving_world import EVENT, world
from stac_geoparquet.arrow import stac_table_to_items

from sarlra.catalog.items import item_document
from sarlra.catalog.review import Review, review_item
from sarlra.catalog.validate import validate_fields, validate_item
from sarlra.composites.measures import Measures
from sarlra.composites.quality import Quality
from sarlra.errors import CatalogError, InputError
from sarlra.models.domain import Inside
from sarlra.serving.export import documents, export_geoparquet, shared_root
from sarlra.serving.fields import KINDS, document, fields
from sarlra.serving.results import Results
from sarlra.serving.verify import verify
from tests.conftest import ROOT


def test_page_of_fields_is_the_schema_s() -> None:
    page = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
    assert page == document(), "run: python -m sarlra.serving.fields > docs/catalog.md"


def names_of(found: Any, prefix: str = "") -> set[str]:
    """Names of an object's fields, with those of objects in it, and in its lists."""
    names: set[str] = set()
    for name, value in found.items():
        names.add(f"{prefix}{name}")
        if isinstance(value, dict):
            names |= names_of(value, f"{prefix}{name}.")
        for part in value if isinstance(value, list) else ():
            if isinstance(part, dict):
                names |= names_of(part, f"{prefix}{name}[].")
    return names


def documents_of(kind: str, folder: Path) -> list[dict[str, Any]]:
    """Real documents of a kind: those that ship, and what the tests' catalogue and watch write."""
    if kind == "item":
        found = [json.loads(p.read_text()) for p in folder.glob("items/*/*.json")]
        found.append(full_item(found[0]))
    elif kind == "review":
        return [review_of(n) for n in (1, 2)]
    else:
        place = {"study-case": "study-cases/items", "model": "models", "source": "sources"}[kind]
        found = [json.loads(p.read_text()) for p in (ROOT / "catalogs" / place).glob("*.json")]
    return found


#: Fields that only a published item has.
SELDOM = {"item": {"deprecated"}}


def full_item(other: dict[str, Any]) -> dict[str, Any]:
    """An item whose run knew everything: one satellite, a DEM, a card, a slope mask.

    Its assets are those of another.
    """
    known = {
        "description": "x", "limits": ["y"], "licence": "Apache-2.0",
        "calibration": {"kind": "logistic", "slope": 1.0, "intercept": 0.0, "fitted_on": "z",
                        "brier_before": 0.1, "brier_after": 0.1, "samples": 10},
    }  # fmt: skip
    way = world.track()
    one = replace(way, pre=way.pre[:1], post=(replace(way.post[0], platform=way.pre[0].platform),))
    given = world.provenance(
        model=world.model(card=known), dem="cop-dem-glo-30", geometry="annotation",
        notes=("none",), evidence="change in VV", inside=Inside(1.0, 1.0, 1.0, 1.0),
        quality=(Quality("1", False, "accept", (), Measures(4)),),
    )  # fmt: skip
    shares = ("observed", "distorted", "no_data", "visibility_unknown")
    numbers = {
        "windows": 9, "scored": 9, "detections": 1, "over_threshold": 1,
        "over_threshold_share": 0.1, "max_score": 0.9, "not_scored_no_data": 0,
        "not_scored_distorted": 0, "not_scored_level": 0, "level_share": 0.0,
        **{f"{name}_share": 0.5 for name in shares},
    }  # fmt: skip
    made = item_document(
        world.event(), world.TILE, one, world.TILE.bounds, given, numbers, other["assets"]
    )
    validate_item(made)
    return made


def review_of(number: int) -> dict[str, Any]:
    window = shapely.box(141.8, 42.6, 141.81, 42.61)
    review = Review(
        EVENT, "T046D.32654E0220N1846.64.32", "item-1", "redrawn", "A. Sato", "scar",
        datetime(2018, 9, 20, tzinfo=UTC), window, window.buffer(-0.001), 0.7,
    )  # fmt: skip
    return review_item(review, number)


def test_every_field_of_real_documents_is_in_the_table(mapped_folder: Path) -> None:
    """And the other way round: the table has no field that no document has."""
    # Versions of a watched event are held against the table in tests/watch/test_watch_life.py.
    for kind in KINDS.keys() - {"version"}:
        told = fields(kind)
        assert all(field.meaning and field.kind != "any" for field in told), kind
        listed = {field.name for field in told}
        seen: set[str] = set()
        for one in documents_of(kind, mapped_folder):
            validate_fields(one, kind)
            seen |= names_of(one if kind == "source" else one["properties"])
        # What lies below a field that is free inside (a recipe, metrics) is not told one by one.
        free = tuple(
            f"{name}{end}" for name in listed for end in (".", "[]")
            if not any(other.startswith((f"{name}.", f"{name}[]")) for other in listed)
        )  # fmt: skip
        untold = {name for name in seen - listed if not name.startswith(free)}
        assert untold == set(), kind
        assert listed - seen == SELDOM.get(kind, set()), kind


def test_a_field_that_is_not_told_is_refused() -> None:
    document = review_of(1)
    document["properties"]["sarlra:mood"] = "good"
    with pytest.raises(CatalogError, match="mood"):
        validate_fields(document, "review")


def test_export_holds_the_items(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    assert export_geoparquet(documents(results, "https://host/out"), path) == 3
    table = gpd.read_parquet(path)
    assert sorted(table["id"]) == sorted(results.items)
    assert table.crs.to_epsg() == 4326
    for item in stac_table_to_items(pq.read_table(path)):
        entry = results.items[item["id"]]
        assert item["collection"] == EVENT
        assert item["properties"]["sarlra:track"] == "T046D"
        assert item["assets"]["scores"]["href"] == f"https://host/out/items/{item['id']}/scores.tif"
        checksum = entry.document["assets"]["scores"]["file:checksum"]
        assert item["assets"]["scores"]["file:checksum"] == checksum
    with pytest.raises(InputError, match="no item"):
        export_geoparquet([], tmp_path / "none.parquet")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["items.parquet"]


def test_a_folder_has_no_address_for_others(results: Results) -> None:
    with pytest.raises(InputError, match="--assets-url"):
        shared_root(results, None)
    assert shared_root(results, "https://host/out/") == "https://host/out"


def test_missing_and_short_files_are_found(copy: Path) -> None:
    from sarlra.serving.place import open_place
    from sarlra.serving.results import read_results

    assert verify(read_results(open_place(str(copy)))).faults == ()
    first, second, third = sorted(copy.glob("items/*/scores.tif"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    (third.parent / f"{third.parent.name}.json").write_text("{")
    reasons = sorted(f.reason for f in verify(read_results(open_place(str(copy)))).faults)
    assert len(reasons) == 3
    assert "there is no such file" in reasons[0]
    assert "bytes, not" in reasons[1]
    assert "no JSON" in reasons[2]
