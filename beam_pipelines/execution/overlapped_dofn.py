"""A step whose work overlaps with the reading of what it gets next, and with the writing of what it made before."""

import collections
import concurrent.futures
import gc
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from beam_pipelines.execution.counters import Clock


class WorkAhead(beam.DoFn):
    """Works on elements in threads, while the runner makes the next ones and writes those before.

    Results come in order. Subclasses say what the work is. Beam's metrics know the runner's own thread
    alone, so the work measures itself by its clock.

    Attributes:
      threads: How many elements are worked on at a time.
    """

    threads = 1

    def work(self, element, clock: Clock) -> list:
        """The outputs of an element."""
        raise NotImplementedError

    def end(self) -> list:
        """What is put out after the last element of a bundle."""
        return []

    def setup(self):
        """Comes last in a subclass's own: what is loaded by then stays, and the garbage collector passes it over."""
        gc.freeze()
        self._executor = concurrent.futures.ThreadPoolExecutor(self.threads)
        self._pending: collections.deque = collections.deque()

    def start_bundle(self):
        # Of a bundle that failed, some work may be under way.
        concurrent.futures.wait([future for future, _ in self._pending])
        self._pending.clear()

    def process(self, element) -> Iterator:
        if len(self._pending) == self.threads:
            yield from self._outputs()
        clock = Clock()
        self._pending.append((self._executor.submit(self.work, element, clock), clock))

    def finish_bundle(self) -> Iterator:
        while self._pending:
            yield from map(_windowed, self._outputs())
        yield from map(_windowed, self.end())

    def teardown(self):
        self._executor.shutdown()

    def _outputs(self) -> list:
        """The outputs of the element that has waited longest."""
        future, clock = self._pending.popleft()
        outputs = future.result()
        clock.add_to_counters()
        return outputs


def _windowed(output):
    if isinstance(output, beam.pvalue.TaggedOutput):
        return beam.pvalue.TaggedOutput(output.tag, _windowed(output.value))
    return WindowedValue(output, GlobalWindow().max_timestamp(), [GlobalWindow()])
