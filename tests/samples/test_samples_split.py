"""Laws of the splits and of the ratios."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarlra.samples.draw import limit_of, ratios, wanted
from sarlra.samples.split import (
    BLOCK_CELLS,
    SPLITS,
    blocks_of,
    priorities,
    split_blocked,
    split_random,
)


def names_of(n: int) -> np.ndarray:
    side = 40
    return np.array([f"32654E{1000 + i % side:05d}N{7000 + i // side:05d}" for i in range(n)])


AREAS = st.tuples(st.integers(0, 2**31), st.integers(1, 900), st.floats(0, 1))


def area(seed: int, n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return names_of(n), rng.random(n) < share


@settings(max_examples=60, deadline=None)
@given(AREAS)
def test_the_random_split_is_exact_in_both_kinds(facts: tuple[int, int, float]) -> None:
    names, slides = area(*facts)
    sides = split_random(facts[0], "a", names, slides)
    assert set(sides) <= set(SPLITS)
    for kind in (slides, ~slides):
        found, n = Counter(sides[kind].tolist()), int(kind.sum())
        assert found["test"] == round(0.33 * n)
        assert found["validation"] == round(0.4 * (n - found["test"]))
        assert found.total() == n


@settings(max_examples=60, deadline=None)
@given(AREAS, st.randoms(use_true_random=False))
def test_order_and_other_cells_do_not_matter(facts: tuple[int, int, float], mixer: object) -> None:
    names, slides = area(*facts)
    order = np.random.default_rng(facts[0] + 1).permutation(len(names))
    for split in (split_random, split_blocked):
        straight = split(5, "a", names, slides)
        assert (split(5, "a", names[order], slides[order]) == straight[order]).all()
    drawn = priorities(5, "a", "background", list(names))
    assert (priorities(5, "a", "background", list(names[order])) == drawn[order]).all()
    assert len(np.unique(drawn)) == len(drawn)


def test_seed_and_case_draw_anew() -> None:
    names, slides = area(1, 800, 0.2)
    first = split_random(1, "a", names, slides)
    for other in (split_random(2, "a", names, slides), split_random(1, "b", names, slides)):
        # Of two independent draws with shares .40, .27 and .33, 34 % agree.
        assert 0.25 < (other == first).mean() < 0.45
    assert (split_random(1, "a", names, slides) == first).all()


@settings(max_examples=60, deadline=None)
@given(AREAS)
def test_a_block_is_on_one_side(facts: tuple[int, int, float]) -> None:
    names, slides = area(*facts)
    sides, blocks = split_blocked(facts[0], "a", names, slides), blocks_of(names)
    for block in np.unique(blocks):
        assert len(set(sides[blocks == block])) == 1
    east = np.array([int(name[6:11]) // BLOCK_CELLS for name in names])
    assert len(np.unique(blocks)) >= len(np.unique(east))


def test_blocks_come_near_the_shares() -> None:
    rng = np.random.default_rng(3)
    names = np.array([f"32654E{i:05d}N{j:05d}" for i in range(128) for j in range(128)])
    slides = rng.random(len(names)) < 0.05
    sides = split_blocked(0, "a", names, slides)
    for kind in (slides, ~slides):
        shares = {side: (sides[kind] == side).mean() for side in SPLITS}
        assert shares["test"] == pytest.approx(0.33, abs=0.02)
        assert shares["validation"] == pytest.approx(0.67 * 0.4, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(AREAS)
def test_ratios_are_nested_and_kept(facts: tuple[int, int, float]) -> None:
    names, slides = area(*facts)
    sides = split_random(0, "a", names, slides)
    drawn = priorities(0, "a", "background", list(names))
    entered = ratios(sides, slides, drawn)
    assert (entered[slides] == 0).all()
    for side in SPLITS:
        own = sides == side
        m, rest = int((own & slides).sum()), own & ~slides
        before = 0
        for ratio in (4, 5, 6, 10):
            taken = int((entered[rest] <= ratio).sum())
            assert taken == min(ratio * m, int(rest.sum()))
            assert taken >= before
            before = taken
        # Who enters is who was drawn first.
        at = np.flatnonzero(rest)[np.argsort(entered[rest])]
        if m:
            assert (np.diff(drawn[at].astype(np.float64)) > 0).all()
    chosen = wanted(sides, slides, drawn, 2.0)
    assert chosen[slides].all()
    assert chosen[entered <= [limit_of(str(side)) for side in sides]].all()


def test_the_papers_ratios() -> None:
    assert [limit_of(side) for side in (*SPLITS, "unseen")] == [6, 6, 10, 10]
