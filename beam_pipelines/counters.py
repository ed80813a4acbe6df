"""Beam's counters of a run: rows, and how long each stage took. A retried bundle may count twice."""

import contextlib
import time
from collections.abc import Iterable, Iterator

from apache_beam.metrics import Metrics, MetricsFilter

NAMESPACE = "review_scorer"
SECONDS = "_microseconds"


def count(name: str, value: int) -> None:
    """Adds to a counter, within a step."""
    Metrics.counter(NAMESPACE, name).inc(int(value))


def add_seconds(stage: str, seconds: float) -> None:
    count(stage + SECONDS, seconds * 1e6)


@contextlib.contextmanager
def timed(stage: str):
    """Adds the time within the context to a stage's."""
    started = time.perf_counter()
    try:
        yield
    finally:
        add_seconds(stage, time.perf_counter() - started)


def timed_iterator(stage: str, values: Iterable) -> Iterator:
    """Yields the values, and adds the time that it took to make them to a stage's."""
    values = iter(values)
    nothing = object()
    while True:
        with timed(stage):
            value = next(values, nothing)
        if value is nothing:
            return
        yield value


def read(result) -> dict[str, int]:
    """The counters of a pipeline that has run; {} where the runner tells none."""
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    return {one.key.metric.name: one.result for one in found}
