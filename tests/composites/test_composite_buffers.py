"""Memory of stacks is used again, and never while somebody holds it."""

from __future__ import annotations

import gc

import numpy as np

from sarlra.composites.buffers import reused, stack_of


def _place(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_that_nobody_holds_is_that_of_the_next_stack() -> None:
    with reused():
        first = stack_of((3, 40, 50))
        place = _place(first)
        view = first[1, ::2]
        del first
        gc.collect()
        other = stack_of((3, 40, 50))
        assert _place(other) != place  # a view holds it still
        view[...] = 7
        other[...] = 1
        assert (view == 7).all()
        del view
        gc.collect()
        assert _place(stack_of((2, 40, 50))) == place


def test_outside_nothing_is_kept() -> None:
    import sarlra.composites.buffers as buffers

    with reused():
        held = stack_of((2, 8, 8))
        del held
        gc.collect()
        assert len(buffers._free) == 1
        with reused():
            pass
        assert len(buffers._free) == 1
    assert not buffers._free
    held = stack_of((2, 8, 8))
    held[...] = 3
    del held
    gc.collect()
    assert not buffers._free


def test_larger_stacks_do_not_pile_up() -> None:
    import sarlra.composites.buffers as buffers

    with reused():
        for size in range(1, 9):
            held = stack_of((size, 16, 16))
            assert held.shape == (size, 16, 16)
            del held
            gc.collect()
        assert len(buffers._free) == 1
