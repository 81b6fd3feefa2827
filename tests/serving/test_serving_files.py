"""The table of fields, the export, and what verification looks at."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pytest
from serving_world import EVENT
from stac_geoparquet.arrow import stac_table_to_items

from sarlra.errors import InputError
from sarlra.serving.export import documents, export_geoparquet, shared_root
from sarlra.serving.fields import document, fields
from sarlra.serving.results import Results
from sarlra.serving.verify import verify
from tests.conftest import ROOT


def test_page_of_fields_is_the_schema_s() -> None:
    page = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
    assert page == document(), "run: python -m sarlra.serving.fields > docs/catalog.md"


def test_every_field_is_told(results: Results) -> None:
    told = {field.name: field for field in fields()}
    assert all(field.meaning for field in told.values())
    for entry in results.items.values():
        properties = entry.document["properties"]
        names = set(properties) | {
            f"sarlra:statistics.{name}" for name in properties["sarlra:statistics"]
        }
        assert names - told.keys() == set()


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
