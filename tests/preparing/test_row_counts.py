import numpy as np
import pandas as pd
import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import row_counts


def test_lengths_are_described_as_pandas_does():
    lengths = np.random.default_rng(0).integers(0, 50, 1001)
    expected = pd.Series(lengths).describe()
    values, counts = np.unique(lengths, return_counts=True)
    found = row_counts.describe(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    assert found == pytest.approx(expected.to_dict())


def test_nothing_is_described_as_nothing():
    assert row_counts.describe({}) == {"count": 0}


def test_examples_are_counted_by_split_bin_and_length():
    counts = row_counts.count_examples(
        split=np.array([0, 0, 1, 2, -1, 0]),
        recurring=np.array([False, False, False, False, False, True]),
        scores=np.array([0, 30, 30.5, 100, 50, 50], np.float32),
        lengths=np.array([3, 3, 4, 5, 6, 7]),
        known_shares=np.array([1, 2 / 3, 0.5, 0, 0, 0], np.float32),
        scale=Scale(0, 100),
    )
    report = row_counts.report(counts, Scale(0, 100))
    assert report["rows"]["kept_by_split"] == {"train": 2, "validation": 1, "test": 1}
    assert report["rows"]["skipped_by_reason"] == {"not_sampled": 1, row_counts.RECURRING: 1}
    assert report["scores"]["histogram"]["train"] == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert report["scores"]["histogram"]["validation"] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert report["scores"]["histogram"]["test"] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert report["tokens_per_review"]["mean"] == 3.75
    lengths = dict(zip(report["token_lengths"]["bin_edges"], report["token_lengths"]["histogram"], strict=False))
    assert {edge: rows for edge, rows in lengths.items() if rows} == {3: 2, 4: 2}
    shares = report["known_shares"]
    assert len(shares["bin_edges"]) == 21
    assert {name: np.flatnonzero(rows).tolist() for name, rows in shares["histogram"].items()} == {
        "train": [13, 19],
        "validation": [10],
        "test": [0],
    }
    assert shares["tokens"] == {"train": 6, "validation": 4, "test": 5}
    assert shares["known_tokens"] == {"train": 5, "validation": 2, "test": 0}
