"""Text of strangers in KML and CSV: control characters, formulas, scripts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as Xml

import catalog_world as world
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.catalog.kml import to_kml
from sarlra.catalog.text import as_cell
from sarlra.catalog.vector import to_csv

KML = "{http://www.opengis.net/kml/2.2}"
SCRIPT = "<script>alert(1)</script>]]>&<img src=x onerror='alert(2)'>"
CONTROLS = "a\x00b\x07c\x1b[31md\x7fe\x9bf\ud800g\ufffeh\uffffi"
FORMULAS = ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1",
            "\x00=1", "\x1b=1", "＝1+1", "＋1", "－1", "＠x", "=HYPERLINK('x')"]  # fmt: skip


def _table(text: str, column: str = "note", rows: int = 2) -> gpd.GeoDataFrame:
    table = world.result(high=0.3).detections.head(rows)
    assert len(table) == rows
    return table.assign(**{column: text})


def _data(kml: bytes) -> dict[str, str]:
    mark = Xml.fromstring(kml).find(f".//{KML}Placemark")
    assert mark is not None
    return {
        str(part.get("name")): part.findtext(f"{KML}value") or ""
        for part in mark.iter(f"{KML}Data")
    }


def test_scripts_are_no_tags_in_a_kml(tmp_path: Path) -> None:
    written = to_kml(_table(SCRIPT, f"n{SCRIPT}"), SCRIPT)
    root = Xml.fromstring(written)
    texts = [t for e in root.iter() for t in (e.text or "", *e.attrib.values())]
    assert any("‹script›alert(1)‹/script›" in text for text in texts)
    # Also once decoded: a balloon shows HTML.
    assert not [text for text in texts if "<" in text or ">" in text]
    assert not {e.tag for e in root.iter()} & {f"{KML}script", f"{KML}img", "script", "img"}
    path = tmp_path / "found.kml"
    path.write_bytes(written)
    assert len(pyogrio.read_dataframe(path)) == 2


def test_control_characters_are_left_out_of_a_kml() -> None:
    written = to_kml(_table(CONTROLS, f"k{CONTROLS}"), f"title {CONTROLS}")
    plain = "abc[31mdefghi"
    assert Xml.fromstring(written).findtext(f".//{KML}name") == f"title {plain}"
    assert _data(written)[f"k{plain}"] == plain


@pytest.mark.parametrize("column", ["class", "a b", "_1", "0", "score ", "é", ""])
def test_a_column_may_be_called_anything_in_a_kml(column: str) -> None:
    found = _data(to_kml(_table("kept", column), "x"))
    assert found[column] == "kept"
    assert "score" in found


def test_lists_and_nothing_in_a_kml() -> None:
    table = _table("x").assign(many=[np.arange(3), np.arange(3)], none=None, gap=np.nan)
    found = _data(to_kml(table, "x"))
    assert found["many"] == "[0 1 2]"
    assert not {"none", "gap"} & found.keys()


@pytest.mark.parametrize("kind", ["object", "string", "category"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_are_text_in_a_csv(formula: str, kind: str) -> None:
    table = _table(formula)
    table["note"] = table["note"].astype(kind)
    rows = list(csv.DictReader(io.StringIO(to_csv(table).decode(), newline="")))
    assert len(rows) == 2
    assert rows[0]["note"].startswith("'")
    # Numbers, negative ones too, stay numbers.
    assert float(rows[0]["diff_vv_mean"]) == pytest.approx(table["diff_vv_mean"].iloc[0], rel=1e-5)
    assert float(rows[0]["lon"]) > 100


def test_formulas_and_controls_in_the_head_of_a_csv() -> None:
    (head, *rows) = csv.reader(io.StringIO(to_csv(_table(CONTROLS, f"=1{CONTROLS}")).decode()))
    assert "'=1abc[31mdefghi" in head
    assert len(rows) == 2
    assert "abc[31mdefghi" in rows[0]


def test_quotes_and_lines_stay_in_their_cell() -> None:
    text = 'a,"b"\nc;\td'
    (row, _) = csv.DictReader(io.StringIO(to_csv(_table(text)).decode(), newline=""))
    assert row["note"] == text


def test_plain_text_and_nothing_are_as_they_were() -> None:
    table = _table("Tomakomai – 苫小牧").assign(none=None)
    found = pd.read_csv(io.BytesIO(to_csv(table)))
    assert found["note"].tolist() == table["note"].tolist()
    assert found["none"].isna().all()
    assert found["score"].to_numpy() == pytest.approx(table["score"].to_numpy(), rel=1e-5)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_any_text_makes_whole_files(text: str) -> None:
    row = next(
        csv.reader(io.StringIO(f'"{as_cell(text).replace(chr(34), chr(34) * 2)}"', newline=""))
    )
    assert row[0] == as_cell(text)
    assert not row[0].lstrip(" ")[:1] or row[0].lstrip(" ")[0] not in "=+-@\t\n＝＋－＠"
    Xml.fromstring(to_kml(_EMPTY, text))
    as_cell(text).encode()  # raises for half of a pair


_EMPTY = world.result(high=0.0).detections.head(0)
