"""The recipe: one canonical form, one hash, clear refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarlra.errors import RecipeError
from sarlra.recipe import PAPER_BUFFERS, make_recipe, parse_buffers


def test_hash_does_not_depend_on_the_order_of_choices() -> None:
    a = make_recipe(pre_days=24, post_days=24, threshold=0.5)
    b = make_recipe(threshold=0.5, post_days=24, pre_days=24)
    assert a == b
    assert a.hash() == b.hash()


def test_each_choice_changes_the_hash() -> None:
    changed = [
        {"pre_days": 61}, {"post_days": 13}, {"polarisations": ("VV",)}, {"resolution": 20.0},
        {"tile_px": 2048}, {"loader": "odc"}, {"erode_px": 3}, {"max_nodata": 0.2},
        {"threshold": 0.6}, {"overlap": 0.2}, {"min_slope": 5.0}, {"visibility_buffer": 20.0},
    ]  # fmt: skip
    hashes = {make_recipe(**c).hash() for c in changed} | {make_recipe().hash()}
    assert len(hashes) == len(changed) + 1


def test_bands_are_in_the_order_of_the_paper() -> None:
    assert make_recipe().bands == ("post_vv", "post_vh", "diff_vv", "diff_vh")
    assert make_recipe(polarisations=("VV",)).bands == ("post_vv", "diff_vv")


@pytest.mark.parametrize(
    "choice",
    [{"tile_px": 700}, {"pre_days": 0}, {"overlap": 1.0}, {"polarisations": ("VH",)}, {"x": 1},
     {"min_slope": 61.0}, {"threshold": 1.5}, {"window_px": 32}, {"resolution": float("nan")}],
)  # fmt: skip
def test_bad_choices_are_refused_by_name(choice: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=next(iter(choice))):
        make_recipe(**choice)


def test_paper_buffers_parse() -> None:
    assert {parse_buffers(f"{a}-{b}") for a, b in PAPER_BUFFERS} == set(PAPER_BUFFERS)


@given(st.text(max_size=8))
def test_buffers_parse_or_are_refused(text: str) -> None:
    try:
        before, after = parse_buffers(text)
    except RecipeError:
        return
    assert text.count("-") == 1
    assert before >= 0
    assert after >= 0
