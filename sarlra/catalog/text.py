"""Text of strangers, on its way into files that other programs open."""

from __future__ import annotations

import re

#: Controls but tab and newline, halves of surrogate pairs, and what is no character: XML has no
#: way to write them, terminals and spreadsheets may obey them.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
#: What a cell begins with that a spreadsheet runs; wide forms are folded to these by some.
_FORMULA = tuple("=+-@\t\n＝＋－＠")


def without_controls(text: str) -> str:
    """The text without what no file should carry."""
    return _CONTROLS.sub("", text)


def as_cell(text: str) -> str:
    """The text as a cell of a table that a spreadsheet shows, and does not run as a formula."""
    plain = without_controls(text)
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain
