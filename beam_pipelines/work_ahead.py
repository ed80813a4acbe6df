"""A step whose work overlaps with the reading of what it gets next."""

import concurrent.futures
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue


class WorkAhead(beam.DoFn):
    """Works on an element in a thread, while the runner makes the next one and writes the one before.

    One element is worked on at a time, and results come in order. Subclasses say what the work is;
    it may not use Beam's metrics, which know the runner's own thread alone.
    """

    def work(self, element) -> list:
        """The outputs of an element."""
        raise NotImplementedError

    def end(self) -> list:
        """What is put out after the last element of a bundle."""
        return []

    def setup(self):
        self._thread = concurrent.futures.ThreadPoolExecutor(1)

    def start_bundle(self):
        self._pending = None

    def process(self, element) -> Iterator:
        before, self._pending = self._pending, self._thread.submit(self.work, element)
        if before:
            yield from before.result()

    def finish_bundle(self) -> Iterator:
        if self._pending:
            yield from map(_windowed, self._pending.result())
        yield from map(_windowed, self.end())

    def teardown(self):
        self._thread.shutdown()


def _windowed(output):
    if isinstance(output, beam.pvalue.TaggedOutput):
        return beam.pvalue.TaggedOutput(output.tag, _windowed(output.value))
    return WindowedValue(output, GlobalWindow().max_timestamp(), [GlobalWindow()])
