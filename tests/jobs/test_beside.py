"""Work beside a block: its result, its failures, and that it has ended when the block is left."""

from __future__ import annotations

import threading
import time

import pytest

from sarlra.jobs.beside import beside


def test_it_runs_on_its_own_thread_while_the_block_does() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        assert go_on.wait(10)
        return threading.current_thread().name

    with beside(2, work) as known:
        assert begun.wait(10)
        go_on.set()
        assert known().startswith("beside")


def test_with_one_thread_it_runs_when_asked_for() -> None:
    calls: list[str] = []
    with beside(1, lambda: calls.append(threading.current_thread().name)) as known:
        assert calls == []
        known()
    assert calls == [threading.current_thread().name]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_it_raises_is_raised_where_the_result_is_asked_for(threads: int) -> None:
    def work() -> None:
        raise ValueError("no such tile")

    with beside(threads, work) as known, pytest.raises(ValueError, match="no such tile"):
        known()


def test_a_block_that_fails_waits_for_it() -> None:
    ended: list[bool] = []

    def work() -> None:
        time.sleep(0.2)
        ended.append(True)

    with pytest.raises(KeyError), beside(2, work):
        raise KeyError("scores")
    assert ended == [True]
