"""Counters of all steps and bundles add up, and the times among them are those of their stages."""

import collections
import types

import apache_beam as beam

from beam_pipelines.execution import counters
from beam_pipelines.execution.stopwatch import Stopwatch


def count_row(value: int) -> None:
    counters.count("rows", value)
    counters.add_seconds("read", 0.25)
    counters.add_stopwatch(Stopwatch(collections.Counter(read=0.5, write=0.125)))


def test_counters_of_a_run_are_read_by_name():
    pipeline = beam.Pipeline(runner="FnApiRunner")
    pipeline | beam.Create([1, 2, 4]) | beam.Map(count_row)
    result = pipeline.run()
    result.wait_until_finish()
    counts = counters.read(result)
    assert counts == {"rows": 7, "read_microseconds": 2_250_000, "write_microseconds": 375_000}
    assert counters.seconds_by_stage(counts) == {"read": 2.25, "write": 0.375}


def test_what_a_runner_attempted_stands_in_for_what_it_does_not_say_it_committed():
    def counter(name: str, committed: int | None, attempted: int | None):
        key = types.SimpleNamespace(metric=types.SimpleNamespace(name=name))
        return types.SimpleNamespace(key=key, committed=committed, attempted=attempted)

    listed = [counter("both", 3, 5), counter("attempted", None, 5), counter("neither", None, None)]
    metrics = types.SimpleNamespace(query=lambda wanted: {"counters": listed})
    result = types.SimpleNamespace(metrics=lambda: metrics)
    assert counters.read(result) == {"both": 3, "attempted": 5, "neither": 0}


def test_the_time_to_make_values_is_counted_and_not_that_to_use_them(monkeypatch):
    now, added = [0.0], []
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr(counters, "add_seconds", lambda stage, seconds: added.append((stage, seconds)))

    def values():
        for value in "ab":
            now[0] += 2
            yield value
        now[0] += 1

    used = []
    for value in counters.timed_iterator("read", values()):
        used.append(value)
        now[0] += 10
    assert used == ["a", "b"]
    # The last one is the time to find out that there are no more.
    assert added == [("read", 2), ("read", 2), ("read", 1)]
