"""What engines did to the parts of a block adds up."""

import collections

import numpy as np
import pyarrow as pa

from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics


def test_the_metrics_of_parts_add_up():
    first = EngineMetrics(stopwatch=Stopwatch(collections.Counter(run=1)))
    second = EngineMetrics(stopwatch=Stopwatch(collections.Counter(run=2, encode=4)))
    first.add_batch(tokens=np.int64(7), slots=np.int64(8))
    first.add_batch(tokens=5, slots=8)
    second.add_batch(tokens=3, slots=3)
    first.unknown.append((pa.array([b"a"]), np.array([1])))
    second.unknown.append((pa.array([b"b"]), np.array([2])))
    total = first + second
    assert (total.batches, total.tokens, total.slots) == (3, 15, 19)
    assert [type(count) for count in (total.batches, total.tokens, total.slots)] == [int] * 3
    assert [tokens.to_pylist() for tokens, _ in total.unknown] == [[b"a"], [b"b"]]
    assert total.stopwatch.seconds == {"run": 3, "encode": 4}
    assert (first.batches, len(first.unknown), second.batches) == (2, 1, 1)


def test_a_batch_of_an_empty_block_is_none():
    engine_metrics = EngineMetrics()
    engine_metrics.add_batch(tokens=0, slots=0)
    assert engine_metrics.batches == 0
