"""Measures how long stages take where Beam's counters cannot be used, such as in a thread of a step."""

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

    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def __add__(self, other: "Stopwatch") -> "Stopwatch":
        stages = {**self.seconds, **other.seconds}
        return Stopwatch({stage: self.seconds.get(stage, 0.0) + other.seconds.get(stage, 0.0) for stage in stages})

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the time until the end of the block to a stage's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
