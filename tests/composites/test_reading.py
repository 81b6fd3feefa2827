"""Reads side by side: all are done, or none is under way when an error comes back."""

from __future__ import annotations

import threading

import pytest

from sarlra.composites.reading import read_all, side_by_side


def test_reads_of_one_stack_run_on_several_threads_where_there_are() -> None:
    # Each waits for the other: one after the other they would never end.
    both = threading.Barrier(2, timeout=20)
    with side_by_side(2):
        read_all([lambda: both.wait() and None] * 2)
    assert both.n_waiting == 0


def test_without_threads_reads_come_in_their_order() -> None:
    seen: list[int] = []
    read_all([lambda n=n: seen.append(n) for n in range(5)])  # type: ignore[misc]
    assert seen == list(range(5))


def test_an_error_is_raised_when_no_read_is_under_way_any_more() -> None:
    started, ended = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        failed.wait(20)
        ended.set()

    failed = threading.Event()

    def bad() -> None:
        started.wait(20)
        failed.set()
        raise OSError("gone")

    with side_by_side(2):
        with pytest.raises(OSError, match="gone"):
            read_all([bad, slow])
        assert ended.is_set()


def test_the_pool_that_is_left_reads_after_another_ended() -> None:
    names: list[str] = []
    with side_by_side(1):
        with side_by_side(1):
            pass
        read_all([lambda: names.append(threading.current_thread().name)])
    assert names != [threading.current_thread().name]
