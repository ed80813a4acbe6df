"""A step whose work overlaps with the reading of what it gets next."""

import collections
import concurrent.futures
import contextlib
import time
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from beam_pipelines import counters


class WorkAhead(beam.DoFn):
    """Works on an element in a thread, while the runner makes the next one and writes the one before.

    One element is worked on at a time, and results come in order. Subclasses say what the work is. Beam's
    metrics know the runner's own thread alone, so the work uses none but `timed`.
    """

    def work(self, element) -> list:
        """The outputs of an element."""
        raise NotImplementedError

    def end(self) -> list:
        """What is put out after the last element of a bundle."""
        return []

    @contextlib.contextmanager
    def timed(self, stage: str):
        """Adds the time until the end of a part of the work to a stage's counter."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] += time.perf_counter() - started

    def setup(self):
        self._thread = concurrent.futures.ThreadPoolExecutor(1)

    def start_bundle(self):
        self._pending = None

    def process(self, element) -> Iterator:
        before, self._pending = self._pending, self._thread.submit(self._worked, element)
        if before:
            yield from _outputs(before)

    def finish_bundle(self) -> Iterator:
        if self._pending:
            yield from map(_windowed, _outputs(self._pending))
        yield from map(_windowed, self.end())

    def teardown(self):
        self._thread.shutdown()

    def _worked(self, element) -> tuple[list, collections.Counter]:
        self._seconds: collections.Counter = collections.Counter()
        return self.work(element), self._seconds


def _outputs(pending: concurrent.futures.Future) -> list:
    outputs, seconds = pending.result()
    for stage, took in seconds.items():
        counters.add_seconds(stage, took)
    return outputs


def _windowed(output):
    if isinstance(output, beam.pvalue.TaggedOutput):
        return beam.pvalue.TaggedOutput(output.tag, _windowed(output.value))
    return WindowedValue(output, GlobalWindow().max_timestamp(), [GlobalWindow()])
