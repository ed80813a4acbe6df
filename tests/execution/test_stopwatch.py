"""The times of stages add up, also where a stage ends with an error."""

import pytest

from beam_pipelines.execution.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, in a list of one number that a test moves on."""
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def test_the_times_of_a_stage_add_up(clock):
    stopwatch = Stopwatch()
    for seconds in (1, 2):
        with stopwatch.timed("read"):
            clock[0] += seconds
        clock[0] += 10
    assert stopwatch.seconds == {"read": 3}


def test_a_stage_that_ends_with_an_error_took_its_time_too(clock):
    stopwatch = Stopwatch()

    def read():
        clock[0] += 1
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"), stopwatch.timed("read"):
        read()
    assert stopwatch.seconds == {"read": 1}


def test_the_sum_of_two_leaves_both_as_they_were(clock):
    first, second = Stopwatch(), Stopwatch()
    for stopwatch, stage, seconds in ((first, "read", 1), (second, "read", 2), (second, "write", 4)):
        with stopwatch.timed(stage):
            clock[0] += seconds
    assert (first + second).seconds == {"read": 3, "write": 4}
    assert (first.seconds, second.seconds) == ({"read": 1}, {"read": 2, "write": 4})
