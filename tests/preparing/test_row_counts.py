import collections
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from beam_pipelines.archive.rejects import Reject
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import row_counts
from beam_pipelines.preparing.row_counts import ExampleCounts, RowCounts
from tests.helpers.blocks import rated


def test_lengths_are_described_as_pandas_does():
    lengths = np.random.default_rng(0).integers(0, 50, 1001)
    expected = pd.Series(lengths).describe()
    values, counts = np.unique(lengths, return_counts=True)
    found = row_counts.describe(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    assert found == pytest.approx(expected.to_dict())


@pytest.mark.parametrize(
    "lengths",
    [[1, 2], [1, 2, 4], [1, 2, 4, 8], [1, 10, 100, 1000, 10_000], [3, 3, 7, 7, 7, 50], [0, 0, 0, 9], [5, 5, 5]],
)
def test_quartiles_lie_between_two_lengths(lengths):
    """Where neighbours differ, the interpolation shows."""
    expected = pd.Series(lengths).describe().to_dict()
    assert row_counts.describe(collections.Counter(lengths)) == pytest.approx(expected)


def test_one_length_is_described_without_a_spread():
    described = row_counts.describe({7: 1})
    assert described == {"count": 1, "mean": 7, "std": 0, "min": 7, "25%": 7, "50%": 7, "75%": 7, "max": 7}


def test_nothing_is_described_as_nothing():
    assert row_counts.describe({}) == {"count": 0}


def examples(**given) -> ExampleCounts:
    reviews = {
        "split": np.array([0, 0, 1, 2, -1, 0]),
        "recurring": np.array([False, False, False, False, False, True]),
        "scores": np.array([0, 30, 30.5, 100, 50, 50], np.float32),
        "lengths": np.array([3, 3, 4, 5, 6, 7]),
        "known_shares": np.array([1, 2 / 3, 0.5, 0, 0, 0], np.float32),
    }
    return ExampleCounts.of(**{**reviews, **given}, scale=Scale(0, 100))


ROWS = RowCounts(
    read=8,
    rated=6,
    rejected=collections.Counter(empty_text=1),
    skipped=collections.Counter(no_score=1),
    damaged={"a.csv": "behind byte 7"},
    notes={"a.csv is odd"},
    unread_bytes=5,
)


def test_rows_are_counted_by_what_became_of_them():
    assert row_counts.row_totals(ROWS, examples()).to_json() == {
        "read": 8,
        "kept": 4,
        "rejected": 1,
        "skipped": 3,
        "kept_by_split": {"train": 2, "validation": 1, "test": 1},
        "rejected_by_reason": {"empty_text": 1},
        "skipped_by_reason": {"no_score": 1, "not_sampled": 1, row_counts.RECURRING: 1},
        "damaged": {"a.csv": "behind byte 7"},
    }


def test_examples_are_counted_by_split_bin_and_length():
    counts = examples()
    histogram = row_counts.score_histogram(counts, Scale(0, 100)).histogram
    assert histogram["train"] == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert histogram["validation"] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert histogram["test"] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert row_counts.describe(counts.lengths)["mean"] == 3.75
    lengths = row_counts.length_histogram(counts)
    by_edge = dict(zip(lengths.bin_edges, lengths.histogram, strict=False))
    assert {edge: rows for edge, rows in by_edge.items() if rows} == {3: 2, 4: 2}
    shares = row_counts.known_shares(counts)
    assert len(shares.bin_edges) == 21
    assert {name: np.flatnonzero(rows).tolist() for name, rows in shares.histogram.items()} == {
        "train": [13, 19],
        "validation": [10],
        "test": [0],
    }
    assert shares.tokens == {"train": 6, "validation": 4, "test": 5}
    assert shares.known_tokens == {"train": 5, "validation": 2, "test": 0}


def test_counts_of_blocks_add_up_to_those_of_all():
    """Whichever way a runner groups them, and through the files between the two readings."""
    one, other = examples(), examples(split=np.array([1, 1, 1, 1, 1, 1]), lengths=np.array([3, 1, 4, 1, 5, 9]))
    total = row_counts.sum_examples([one, row_counts.sum_examples([other, one])])
    assert total.rows.tolist() == [4, 1 * 2 + 5, 2]
    assert total.lengths == one.lengths + other.lengths + one.lengths
    written = json.loads(json.dumps(total.to_json()))
    assert ExampleCounts.from_json(written).to_json() == total.to_json()
    assert row_counts.sum_examples([]).rows.tolist() == [0, 0, 0]
    rows = row_counts.sum_rows([ROWS, ROWS])
    assert RowCounts.from_json(json.loads(json.dumps(rows.to_json()))) == rows
    assert (rows.read, rows.rated, rows.rejected.total(), rows.skipped.total()) == (16, 12, 2, 2)
    other = RowCounts(damaged={"b.csv": "behind byte 9"}, notes={"a.csv is odd", "b.csv is odd"}, unread_bytes=2)
    both = row_counts.sum_rows([ROWS, other])
    assert both.damaged == {"a.csv": "behind byte 7", "b.csv": "behind byte 9"}
    assert (both.notes, both.unread_bytes) == ({"a.csv is odd", "b.csv is odd"}, 7)


def test_the_rows_of_reviews_are_counted_with_their_damage():
    damage = Reject("a.gz", 9, "damaged_file", "behind byte 7", (0, 0))
    reviews = dataclasses.replace(
        rated("a", ["fine", "good"]),
        rejects=[damage, Reject("a.gz", 3, "empty_text", "", (0, 0))],
        skipped=collections.Counter(no_score=4),
        unread_bytes=5,
        notes=["a.gz is odd"],
    )
    counts = RowCounts.of(reviews)
    assert (counts.read, counts.rated, counts.skipped) == (8, 2, {"no_score": 4})
    assert counts.rejected == {"damaged_file": 1, "empty_text": 1}
    assert (counts.damaged, counts.unread_bytes, counts.notes) == ({"a.gz": "behind byte 7"}, 5, {"a.gz is odd"})
