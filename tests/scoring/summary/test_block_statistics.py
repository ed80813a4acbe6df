"""What is kept of a block: exact where it counts, small whatever the block holds."""

import math

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.scoring.engines.metrics import EngineMetrics
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.summary import block_statistics
from beam_pipelines.scoring.summary.block_statistics import RejectExample, StatisticsOptions

OPTIONS = StatisticsOptions(text_column="text")


def block_of(texts: list[str], **columns) -> Block:
    rows = pa.record_batch({"text": texts, **columns})
    file = InputFile(0, "folder/in.csv", "csv", False, 1, name="in.csv")
    return Block(file, 0, None, rows, list(range(2, 2 + len(texts))), [])


def results_of(scores, widths) -> dict:
    scores, widths = np.array(scores, np.float32), np.array(widths, np.float32)
    return {"score": scores, "score_low": scores - widths / 2, "score_high": scores + widths / 2}


def test_the_most_frequent_unknown_tokens_are_counted_over_all_parts():
    parts = [
        (pa.array([b"und", b"der", b"\xc3\xa4"]), np.array([2, 1, 1])),
        (pa.array([b"der", b"zz"]), np.array([2, 1])),
    ]
    counts = block_statistics.count_unknown(parts)
    assert list(counts.items()) == [("der", 3), ("und", 2), ("zz", 1), ("\xe4", 1)]
    assert block_statistics.count_unknown([]) == {}


def test_unknown_tokens_take_little_space_however_many_and_long_they_are():
    tokens = [f"{place:05d}{'x' * 10_000}".encode() for place in range(500)]
    counts = np.arange(500)
    kept = block_statistics.count_unknown([(pa.array(tokens), counts)])
    assert len(kept) == block_statistics.UNKNOWN_TOKENS
    assert min(kept.values()) == 300
    assert {len(token) for token in kept} == {block_statistics.TOKEN_CHARACTERS}


def test_extremes_are_those_of_a_full_sort_with_ties_by_place():
    random = np.random.default_rng(0)
    scores, widths = random.integers(0, 30, 500), random.integers(0, 30, 500)
    block = block_of([f"text {place} " + "x" * 1000 for place in range(500)])
    found = block_statistics.rank_rows(block, results_of(scores, widths), OPTIONS)
    expected = sorted(range(500), key=lambda row: (-scores[row], row))[:10]
    assert [row.row_number - 2 for row in found["best"]] == expected
    assert [row.row_number - 2 for row in found["worst"]] == sorted(range(500), key=lambda row: (scores[row], row))[:10]
    widest = sorted(range(500), key=lambda row: (-widths[row], row))[:10]
    assert [row.row_number - 2 for row in found["least_certain"]] == widest
    best = found["best"][0]
    assert (best.id, best.file) == (f"in.csv:{expected[0] + 2}", "folder/in.csv")
    assert best.text.startswith(f"text {expected[0]} x")
    assert len(best.text) == block_statistics.EXCERPT_CHARACTERS
    assert best.score == scores[expected[0]]


def test_a_named_row_keeps_its_name_and_a_private_one_its_text_to_itself():
    options = StatisticsOptions(text_column="text", id_column="key", show_texts=False)
    found = block_statistics.rank_rows(block_of(["a", "b"], key=[7, None]), results_of([1, 2], [1, 1]), options)
    assert [row.id for row in found["best"]] == ["None", "7"]
    assert all("text" not in row.to_json() for rows in found.values() for row in rows)


def test_the_first_rejects_of_each_reason_are_examples():
    rejects = [
        Reject("a.csv", place, "bad" if place % 2 else "worse", "\ud800" + "r" * 500) for place in range(9, 0, -1)
    ]
    found = block_statistics.reject_examples(rejects, with_raw=True)
    assert {reason: [example.row_number for example in rows] for reason, rows in found.items()} == {
        "bad": [1, 3, 5],
        "worse": [2, 4, 6],
    }
    assert found["bad"][0].raw == "?" + "r" * (block_statistics.EXCERPT_CHARACTERS - 1)
    hidden = block_statistics.reject_examples(rejects[:1], with_raw=False)
    assert hidden == {"bad": [RejectExample("a.csv", 9)]}
    assert hidden["bad"][0].to_json() == {"file": "a.csv", "place": 9}


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
    assert block_statistics.true_scores(column) == pytest.approx(np.array(expected, float), nan_ok=True)


def test_errors_are_summed_over_the_rows_with_a_true_score_on_the_scale():
    results = results_of([10, 20, 30, 40, 50], [4, 4, 4, 4, 4])
    found = block_statistics.sum_errors(np.array([11, np.nan, 26, 101, -np.inf]), results, Scale(0, 100))
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
    described = block_statistics.describe_block(scored, Scale(0, 100), options)
    assert (described.score_sum, described.interval_width_sum, described.explained_gap_sum) == (150, 12, 3)
    assert (described.tokens, described.known_tokens, described.truncated) == (10, 8, 1)
    assert (described.batches, described.tokens_in_batches, described.slots_in_batches) == (2, 10, 16)
    assert (described.tokens_without_id, described.unknown_tokens) == (3, {})
    assert (described.rows_with_true_score, described.absolute_error_sum, described.rows_covered) == (1, 2, 1)
    assert np.flatnonzero(described.score_histogram).tolist() == [0, 4, 8]
    assert "text" not in described.to_json()["best"][0]
