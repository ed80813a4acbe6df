"""The compiled loop pools the windows of its definition, however long a review is."""

import numpy as np
import pytest

from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn


def plain(table, widths, ids) -> tuple[np.ndarray, ...]:
    """Pools in float64, a window at a time."""
    first = np.searchsorted(widths, np.arange(widths.max()), side="right")
    columns = np.concatenate([[0], np.cumsum(len(widths) - first)])
    windows = np.zeros((len(ids), len(widths)))
    for token in range(len(ids)):
        for place in range(min(len(first), len(ids) - token)):
            windows[token, first[place] :] += table[ids[token + place], columns[place] : columns[place + 1]]
    sums = table[ids, columns[-1] :].astype(np.float64).sum(axis=0)
    return windows.max(axis=0), windows.min(axis=0), np.maximum(windows, 0).mean(axis=0), sums


@pytest.mark.parametrize("texts", [[[1, 2, 3], [4], [0, 1, 2, 3, 4, 5, 6, 7]], [[7] * 4096, [3] * 65, [5, 6] * 500]])
def test_windows_are_pooled_and_columns_summed(texts):
    """The same word thousands of times is where the rounding of a sum adds up."""
    random = np.random.default_rng(0)
    widths = np.array([1, 1, 2, 3, 3])
    table = random.normal(size=(8, 5 + 3 + 2 + 4)).astype(np.float32)
    lengths = np.array([len(ids) for ids in texts])
    starts = np.cumsum(lengths) - lengths
    results = CompiledCnn(table, widths).pool(np.concatenate(texts), starts, lengths)
    for row, ids in enumerate(texts):
        for pooled, values in zip(results, plain(table, widths, np.array(ids)), strict=True):
            assert pooled[row] == pytest.approx(values, rel=2e-6, abs=1e-6)


def test_reviews_are_pooled_wherever_their_ids_lie():
    """More tokens than a thread takes at a time, and two reviews that share their ids."""
    random = np.random.default_rng(1)
    table, widths = random.normal(size=(50, 6)).astype(np.float32), np.array([1, 2, 2])
    ids = random.integers(0, 50, 100_000)
    lengths = random.integers(1, 900, 400)
    starts = random.integers(0, len(ids) - 900, 400)
    starts[-1], lengths[-1] = starts[0], lengths[0]
    results = CompiledCnn(table, widths).pool(ids, starts, lengths)
    for row in range(0, 400, 57):
        review = ids[starts[row] : starts[row] + lengths[row]]
        for pooled, values in zip(results, plain(table, widths, review), strict=True):
            assert pooled[row] == pytest.approx(values, rel=2e-5, abs=1e-5)
    assert all((pooled[0] == pooled[-1]).all() for pooled in results)
