"""Work is cut and shared out, and its results keep the order."""

import threading

import numpy as np
import pytest

from beam_pipelines.compiling import threads


def test_results_come_in_the_order_of_the_items(monkeypatch):
    """The first item ends only after the last one has begun, on two threads."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "_threads", threads._threads.__wrapped__)
    last_has_begun = threading.Event()

    def function(item: int) -> int:
        if item == 2:
            last_has_begun.set()
        assert item or last_has_begun.wait(timeout=10)
        return item * item

    assert threads.map_on_all_cores(function, range(3)) == [0, 1, 4]


def test_an_error_of_an_item_is_raised():
    with pytest.raises(ZeroDivisionError):
        threads.map_on_all_cores(lambda item: 1 // item, [1, 0])


@pytest.mark.parametrize(
    ("lengths", "slices"),
    [
        ([], [(0, 0)]),
        ([1], [(0, 1)]),
        ([3, 3], [(0, 2)]),
        ([3, 4], [(0, 1), (1, 2)]),
        ([3, 3, 1, 1], [(0, 2), (2, 4)]),
        ([20, 1, 20], [(0, 2), (2, 3)]),
        ([1, 1, 1, 1, 1, 1, 1], [(0, 6), (6, 7)]),
    ],
)
def test_reviews_are_cut_where_a_run_of_six_tokens_ends(lengths, slices):
    cut = threads.slices_of_tokens(np.array(lengths, np.int64), 6)
    assert [(part.start, part.stop) for part in cut] == slices


@pytest.fixture
def six_cores(monkeypatch):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(("share", "cores"), [("4", 4), ("1", 1), ("12", 6), ("0", 6), ("", 6), ("4,2", 6), ("-1", 6)])
def test_a_process_keeps_to_its_share_of_the_cores(six_cores, monkeypatch, share, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", share)
    assert threads.cores() == cores


@pytest.mark.parametrize(("processes", "share"), [(1, "6"), (2, "3"), (4, "1"), (7, "1")])
def test_processes_share_the_cores(six_cores, processes, share):
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    assert threads.environment_of_share(processes) == dict.fromkeys(names, share)


def test_the_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    assert threads.cores() == 3
    monkeypatch.delattr(threads.os, "sched_getaffinity")
    monkeypatch.setattr(threads.os, "cpu_count", lambda: None)
    assert threads.cores() == 1
