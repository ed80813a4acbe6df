"""The compiled loop gives what its definition gives, however long a review is."""

import numpy as np
import pytest

from beam_pipelines.scoring.compiled_cnn import CompiledCnn


def plain(table, widths, bias, ids) -> dict[str, np.ndarray]:
    """The same in float64, a window at a time."""
    first = np.searchsorted(widths, np.arange(widths.max()), side="right")
    columns = np.concatenate([[0], np.cumsum(len(widths) - first)])
    windows = np.tile(bias.astype(np.float64), (len(ids), 1))
    for token in range(len(ids)):
        for place in range(min(len(first), len(ids) - token)):
            windows[token, first[place] :] += table[ids[token + place], columns[place] : columns[place + 1]]
    sums = table[ids, columns[-1] :].astype(np.float64).sum(axis=0)
    return {
        "highest": windows.max(axis=0),
        "lowest": windows.min(axis=0),
        "mean": np.maximum(windows, 0).mean(axis=0),
        "sums": sums,
    }


@pytest.mark.parametrize("texts", [[[1, 2, 3], [4], [0, 1, 2, 3, 4, 5, 6, 7]], [[7] * 4096, [3] * 65, [5, 6] * 500]])
def test_windows_are_pooled_and_columns_summed(texts):
    """The same word thousands of times is where the rounding of a sum adds up."""
    random = np.random.default_rng(0)
    widths = np.array([1, 1, 2, 3, 3])
    table = random.normal(size=(8, 5 + 3 + 2 + 4)).astype(np.float32)
    bias = random.normal(size=5).astype(np.float32)
    lengths = np.array([len(ids) for ids in texts])
    found = CompiledCnn(table, widths, bias).pool(np.concatenate(texts), lengths)
    for row, ids in enumerate(texts):
        expected = plain(table, widths, bias, np.array(ids))
        for name, values in expected.items():
            assert found[name][row] == pytest.approx(values, rel=2e-6, abs=1e-6), name
