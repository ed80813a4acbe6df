"""What an engine did to a batch, and what a whole run took."""

import dataclasses

import numpy as np
import pyarrow as pa

from beam_pipelines.execution import counters
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


def this_run(counts: dict[str, int], seconds: float) -> dict:
    """Says what a finished run did, by Beam's counters; a block that was retried counts twice.

    Args:
      counts: Of `counters.read`.
      seconds: How long the run took.

    Returns:
      `rows_scored` and `rows_rejected`, `seconds`, `rows_per_second`, `mb_per_second` (of text) and
      `seconds_by_stage`, which are summed over all workers.
    """
    rows = {name: counts.get(name, 0) for name in ("rows_scored", "rows_rejected")}
    return {
        **rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(sum(rows.values()) / max(seconds, 1e-9), 1),
        "mb_per_second": round(counts.get("text_bytes", 0) / 1e6 / max(seconds, 1e-9), 3),
        "seconds_by_stage": {stage: round(took, 3) for stage, took in counters.seconds_by_stage(counts).items()},
    }
