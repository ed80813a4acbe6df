"""A DoFn that overlaps with its neighbours: threads process its elements while the runner reads and writes others."""

import collections
import concurrent.futures
import gc
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from beam_pipelines.execution import counters
from beam_pipelines.execution.stopwatch import Stopwatch


class OverlappedDoFn(beam.DoFn):
    """Processes elements in threads, while the runner makes the next ones and writes those before.

    Results come in order. Subclasses define `process_one`; `split` where an element has parts that are processed apart;
    `collect` where what they become is put together in the runner's thread; and `flush` where a bundle leaves something
    behind.

    Attributes:
      threads: How many elements are processed at a time.
    """

    threads = 1

    def split(self, element) -> Iterable:
        """Yields the parts of an element, in the runner's thread."""
        return [element]

    def collect(self, output) -> Iterable:
        """Yields what is put out for what a part has become, in order and in the runner's thread."""
        return [output]

    def process_one(self, part, stopwatch: Stopwatch) -> list:
        """Returns the outputs of a part.

        Args:
          part: Of an element.
          stopwatch: Measures the stages, since Beam's metrics know the runner's own thread alone.
        """
        raise NotImplementedError

    def flush(self) -> list:
        """Returns what is put out after the last element of a bundle."""
        return []

    def interrupt(self) -> None:
        """Ends what the threads wait for, such as a server that is lost, since nobody waits for their outputs."""

    def setup(self):
        """Starts the threads; a subclass calls it after loading its own."""
        # What is loaded by now stays for good, so the garbage collector need not look at it again.
        gc.freeze()
        self._executor = concurrent.futures.ThreadPoolExecutor(self.threads)
        self._pending: collections.deque = collections.deque()

    def start_bundle(self):
        # A bundle that failed may have left elements in the threads; their outputs belong to no bundle.
        concurrent.futures.wait([future for future, _ in self._pending])
        self._pending.clear()

    def process(self, element) -> Iterator:
        for part in self.split(element):
            # Never more parts than threads: each holds a whole block in memory.
            if len(self._pending) == self.threads:
                yield from self._outputs()
            stopwatch = Stopwatch()
            self._pending.append((self._executor.submit(self.process_one, part, stopwatch), stopwatch))

    def finish_bundle(self) -> Iterator:
        # Beam wants windowed values here, where there is no element whose window they could take.
        while self._pending:
            yield from map(_windowed, self._outputs())
        yield from map(_windowed, self.flush())

    def teardown(self):
        # A bundle that failed, or that a person has interrupted wherever the runner was, leaves parts behind.
        if self._pending:
            self.interrupt()
        self._executor.shutdown()

    def _outputs(self) -> Iterator:
        """Waits for the outputs of the part that came first."""
        future, stopwatch = self._pending[0]
        outputs = future.result()
        # Not before: what is still pending when this is torn down is ended.
        self._pending.popleft()
        counters.add_stopwatch(stopwatch)
        for output in outputs:
            yield from self.collect(output)


def _windowed(output):
    if isinstance(output, beam.pvalue.TaggedOutput):
        return beam.pvalue.TaggedOutput(output.tag, _windowed(output.value))
    return WindowedValue(output, GlobalWindow().max_timestamp(), (GlobalWindow(),))
