"""What an engine did to a batch."""

import dataclasses

import numpy as np
import pyarrow as pa

from beam_pipelines.execution.stopwatch import Stopwatch


@dataclasses.dataclass
class EngineMetrics:
    """Counts what an engine did to a batch of reviews, which may be a part of a block.

    Attributes:
      batches: The batches that the model ran.
      tokens: The tokens in them; of a review at most the model's `max_tokens`, and at least one.
      slots: The token slots in them, padding included.
      unknown: Tokens without an id of their own, binary [distinct], and how often each came, int64
        [distinct]; a pair for each part of a block.
      stopwatch: The time of each stage.
    """

    batches: int = 0
    tokens: int = 0
    slots: int = 0
    unknown: list[tuple[pa.Array, np.ndarray]] = dataclasses.field(default_factory=list)
    stopwatch: Stopwatch = dataclasses.field(default_factory=Stopwatch)

    def __add__(self, other: "EngineMetrics") -> "EngineMetrics":
        return EngineMetrics(
            batches=self.batches + other.batches,
            tokens=self.tokens + other.tokens,
            slots=self.slots + other.slots,
            unknown=self.unknown + other.unknown,
            stopwatch=self.stopwatch + other.stopwatch,
        )

    def add_batch(self, *, tokens: int, slots: int) -> None:
        """Counts a batch; one without tokens, of an empty block, is none."""
        self.batches += bool(tokens)
        self.tokens += int(tokens)
        self.slots += int(slots)
