"""Beam's counters of a run: rows, and how long each stage took. A retried bundle may count twice."""

import collections
import contextlib
import time
from collections.abc import Iterable, Iterator

from apache_beam.metrics import Metrics, MetricsFilter

NAMESPACE = "review_scorer"
_TIME = "_microseconds"


def count(name: str, value: int) -> None:
    """Adds to a counter, within a step."""
    Metrics.counter(NAMESPACE, name).inc(int(value))


def add_seconds(stage: str, seconds: float) -> None:
    count(stage + _TIME, seconds * 1e6)


class Clock:
    """Measures stages where counters cannot be used, such as in a thread of a step.

    Attributes:
      seconds: By stage.
    """

    def __init__(self):
        self.seconds: collections.Counter = collections.Counter()

    @contextlib.contextmanager
    def timed(self, stage: str):
        """Adds the time until the end of the block to a stage's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - started

    def add_to_counters(self) -> None:
        for stage, seconds in self.seconds.items():
            add_seconds(stage, seconds)


def timed_iterator(stage: str, values: Iterable) -> Iterator:
    """Yields the values, and adds the time that it took to make them to a stage's."""
    values = iter(values)
    nothing = object()
    while True:
        started = time.perf_counter()
        value = next(values, nothing)
        add_seconds(stage, time.perf_counter() - started)
        if value is nothing:
            return
        yield value


def read(result) -> dict[str, int]:
    """The counters of a pipeline that has run; {} where the runner tells none."""
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    # Some runners know only what was attempted.
    return {one.key.metric.name: one.committed or one.attempted or 0 for one in found}


def seconds_by_stage(counts: dict[str, int]) -> dict[str, float]:
    """The times among the counters, by stage."""
    return {name.removesuffix(_TIME): value / 1e6 for name, value in counts.items() if name.endswith(_TIME)}
