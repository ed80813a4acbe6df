"""What is kept of a block: exact where it counts, small whatever the block holds."""

import math

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.summary import statistics
from beam_pipelines.scoring.summary.statistics import StatisticsOptions
from tests.helpers.scored import block_of, results_of


def test_the_most_frequent_unknown_tokens_are_counted_over_all_parts():
    parts = [
        (pa.array([b"und", b"der", b"\xc3\xa4"]), np.array([2, 1, 1])),
        (pa.array([b"der", b"zz"]), np.array([2, 1])),
    ]
    counts = statistics.count_unknown(parts)
    assert list(counts.items()) == [("der", 3), ("und", 2), ("zz", 1), ("\xe4", 1)]
    assert statistics.count_unknown([]) == {}


def test_unknown_tokens_take_little_space_however_many_and_long_they_are():
    tokens = [f"{place:05d}{'x' * 10_000}".encode() for place in range(500)]
    counts = np.arange(500)
    kept = statistics.count_unknown([(pa.array(tokens), counts)])
    assert len(kept) == statistics.UNKNOWN_TOKENS
    assert min(kept.values()) == 300
    assert {len(token) for token in kept} == {statistics.TOKEN_CHARACTERS}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["85", " 8.5 ", "", " ", None]), [85, 8.5, math.nan, math.nan, math.nan]),
        (pa.array(["85", "good", "1_0", "+3"]), [85, math.nan, math.nan, 3]),
        (pa.array([1, None, 2**60 + 1]), [1, math.nan, 2.0**60]),
        (pa.array([True, False]), [math.nan, math.nan]),
        (pa.array([None, None]), [math.nan, math.nan]),
        (pa.array([[1], None]), [math.nan, math.nan]),
        (pa.array(["5", "6"]).dictionary_encode(), [5, 6]),
    ],
)
def test_true_scores_are_read_as_the_training_reads_them(column, expected):
    assert statistics.true_scores(column) == pytest.approx(np.array(expected, float), nan_ok=True)


def test_errors_are_summed_over_the_rows_with_a_true_score_on_the_scale():
    results = results_of([10, 20, 30, 40, 50], [4, 4, 4, 4, 4])
    found = statistics.sum_errors(np.array([11, np.nan, 26, 101, -np.inf]), results, Scale(0, 100))
    assert found.to_json() == {
        "rows_with_true_score": 2,
        "true_scores_off_scale": 1,
        "error_sum": 3,
        "absolute_error_sum": 5,
        "squared_error_sum": 17,
        "rows_covered": 1,
    }


def test_a_block_is_described_by_what_its_rows_are():
    """Widths, tokens and shares are summed over the rows; private texts leave no trace."""
    results = {
        **results_of([10, 90, 50], [4, 6, 2]),
        "tokens": np.array([4, 0, 6]),
        "known_share": np.array([0.5, 0, 1], np.float32),
        "truncated": np.array([False, False, True]),
        "explained_score": np.array([11, 88, 50], np.float32),
    }
    metrics = EngineMetrics(batches=2, tokens=10, slots=16, unknown=[(pa.array([b"zz"]), np.array([3]))])
    block = block_of(["a", "b", "c"], stars=["12", "x", None]).reject({})
    scored = ScoredBlock(block=block, carried={}, results=results, engine="compiled", metrics=metrics)
    options = StatisticsOptions(text_column="text", score_column="stars", show_texts=False, show_rejects=False)
    described = statistics.describe_block(scored, Scale(0, 100), options)
    assert (described.score_sum, described.interval_width_sum, described.explained_gap_sum) == (150, 12, 3)
    assert (described.tokens, described.known_tokens, described.truncated) == (10, 8, 1)
    assert (described.batches, described.tokens_in_batches, described.slots_in_batches) == (2, 10, 16)
    assert (described.tokens_without_id, described.unknown_tokens) == (3, {})
    assert (described.rows_with_true_score, described.absolute_error_sum, described.rows_covered) == (1, 2, 1)
    assert np.flatnonzero(described.score_histogram).tolist() == [0, 4, 8]
    assert "text" not in described.to_json()["best"][0]
