"""Beam's counters of a run: rows, and how long each stage took. A retried bundle may count twice."""

import time
from collections.abc import Iterable, Iterator

from apache_beam.metrics import Metrics, MetricsFilter

from beam_pipelines.execution import jobs
from beam_pipelines.execution.stopwatch import Stopwatch

NAMESPACE = "review_scorer"
_TIME = "_microseconds"


def count(name: str, value: int) -> None:
    """Adds to a counter, within a step."""
    Metrics.counter(NAMESPACE, name).inc(int(value))


def add_seconds(stage: str, seconds: float) -> None:
    """Adds to the time of a stage, within a step."""
    count(stage + _TIME, round(seconds * 1e6))


def add_stopwatch(stopwatch: Stopwatch) -> None:
    """Adds all stages of a stopwatch, within a step and in the runner's own thread."""
    for stage, seconds in stopwatch.seconds.items():
        add_seconds(stage, seconds)


def timed_iterator(stage: str, values: Iterable) -> Iterator:
    """Yields the values, and adds the time that it took to make them to a stage's."""
    values = iter(values)
    exhausted = object()
    while True:
        started = time.perf_counter()
        value = next(values, exhausted)
        add_seconds(stage, time.perf_counter() - started)
        if value is exhausted:
            return
        yield value


def read(result) -> dict[str, int]:
    """Returns the counters of a pipeline that has run; {} where the runner keeps none, or it was only staged."""
    if jobs.only_staged(result):
        return {}
    counters = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    # Some runners know only what was attempted.
    return {counter.key.metric.name: counter.committed or counter.attempted or 0 for counter in counters}


def seconds_by_stage(counts: dict[str, int]) -> dict[str, float]:
    """Returns the times among the counters, by stage."""
    return {name.removesuffix(_TIME): value / 1e6 for name, value in counts.items() if name.endswith(_TIME)}
