"""What a scorer did, and what of it Beam counts for the whole run."""

import collections
import contextlib
import dataclasses
import time

import numpy as np


@dataclasses.dataclass
class Work:
    """What a scorer did since it was last asked.

    Attributes:
      batches: The batches that the engine ran.
      tokens: The tokens in them; of a review at most the model's `max_tokens`, and at least one.
      slots: The places for tokens in them, padding included.
      unknown: Tokens without an id of their own, bytes [distinct], and how often each came, int64
        [distinct]; a pair for each part of a block.
      seconds: By stage.
    """

    batches: int = 0
    tokens: int = 0
    slots: int = 0
    unknown: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    seconds: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add_batch(self, tokens: int, slots: int) -> None:
        self.batches += bool(tokens)
        self.tokens += int(tokens)
        self.slots += int(slots)

    @contextlib.contextmanager
    def timed(self, stage: str):
        """Adds the time until the end of the block to a stage's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - started


NAMESPACE = "review_scorer"
_STAGE = "ms_"


def count(work: Work, rows: int, text_bytes: int) -> None:
    """Adds a block's rows, bytes of text and milliseconds by stage to Beam's counters."""
    from apache_beam.metrics import Metrics

    Metrics.counter(NAMESPACE, "rows").inc(rows)
    Metrics.counter(NAMESPACE, "text_bytes").inc(text_bytes)
    for stage, seconds in work.seconds.items():
        Metrics.counter(NAMESPACE, _STAGE + stage).inc(round(1000 * seconds))


def this_run(result, seconds: float) -> dict:
    """What a finished run did, by Beam's counters; a block that was retried counts twice.

    Args:
      result: Of the pipeline.
      seconds: How long the run took.

    Returns:
      `rows`, `seconds`, `rows_per_second`, `mb_per_second` (of text) and `seconds_by_stage`, which
      are summed over all workers.
    """
    from apache_beam.metrics import MetricsFilter

    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    # Some runners know only what was attempted.
    counts = {one.key.metric.name: one.committed or one.attempted or 0 for one in found}
    stages = {name.removeprefix(_STAGE): ms / 1000 for name, ms in sorted(counts.items()) if name.startswith(_STAGE)}
    rows, text_bytes = counts.get("rows", 0), counts.get("text_bytes", 0)
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / max(seconds, 1e-9), 1),
        "mb_per_second": round(text_bytes / 1e6 / max(seconds, 1e-9), 3),
        "seconds_by_stage": stages,
    }
