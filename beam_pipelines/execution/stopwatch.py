"""Measures how long stages take where Beam's counters cannot be used, such as in a thread of a step."""

import collections
import contextlib
import dataclasses
import time
from collections.abc import Iterator


@dataclasses.dataclass
class Stopwatch:
    """Adds up the time that each stage took; `counters.add_stopwatch` hands it on to Beam.

    Attributes:
      seconds: By stage.
    """

    seconds: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def __add__(self, other: "Stopwatch") -> "Stopwatch":
        return Stopwatch(self.seconds + other.seconds)

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the time until the end of the block to a stage's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - started
