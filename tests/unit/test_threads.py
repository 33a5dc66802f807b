"""Threads: how many may be used, and the choice between all and one."""

from __future__ import annotations

import numba
import pytest

from catholyte.errors import InputError
from catholyte.solve import threads
from catholyte.solve.threads import PARALLEL_FROM, Pace, allow_threads

MOST = numba.config.NUMBA_NUM_THREADS


@pytest.fixture(autouse=True)
def every_thread_again():
    yield
    allow_threads(MOST)


def work(monkeypatch, pace, seconds, iterations):
    """Run iterations that take ``seconds[threads]``, and return the threads each of them had."""
    clock, chosen = [0.0], []
    monkeypatch.setattr(threads, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(threads.numba, "set_num_threads", chosen.append)
    for _ in range(iterations):
        pace.begin()
        clock[0] += seconds[chosen[-1]]
        pace.end()
    return chosen


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_threads_that_do_not_exist_are_refused(count):
    with pytest.raises(InputError, match=f"--threads.*{count}.*1 to {MOST}"):
        allow_threads(count)


@pytest.mark.parametrize(("seconds", "best"), [({1: 2.0, 4: 1.0}, 4), ({1: 1.0, 4: 50.0}, 1)])
def test_the_faster_choice_is_taken_and_the_other_tried_now_and_then(monkeypatch, seconds, best):
    monkeypatch.setattr(threads, "_limit", 4)
    chosen = work(monkeypatch, Pace(PARALLEL_FROM), seconds, 100)
    assert set(chosen[:2]) == {1, 4}
    assert 1 <= sum(c != best for c in chosen[2:]) <= 5


def test_a_core_that_is_taken_away_is_noticed(monkeypatch):
    monkeypatch.setattr(threads, "_limit", 2)
    pace = Pace(PARALLEL_FROM)
    work(monkeypatch, pace, {1: 2.0, 2: 1.0}, 10)
    assert work(monkeypatch, pace, {1: 2.0, 2: 40.0}, 10)[-1] == 1


@pytest.mark.parametrize(("limit", "size"), [(1, PARALLEL_FROM), (4, PARALLEL_FROM - 1)])
def test_one_thread_where_there_is_no_choice(monkeypatch, limit, size):
    monkeypatch.setattr(threads, "_limit", limit)
    assert set(work(monkeypatch, Pace(size), {1: 1.0}, 60)) == {1}
