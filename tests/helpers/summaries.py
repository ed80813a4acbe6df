"""The statistics of extents, and the files and the export that they belong to."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.exports import ExportInfo, Interval
from beam_pipelines.artifacts.prepared import (
    SPLITS,
    KnownShares,
    LengthHistogram,
    RowTotals,
    ScoreHistogram,
    TrainingData,
    VocabularyTotals,
)
from beam_pipelines.scoring.summary.finished_extent import FileContents, FileRows, FinishedExtent
from beam_pipelines.scoring.summary.row_examples import RankedRow, RejectExample
from beam_pipelines.scoring.summary.statistics import Statistics, count_unknown

# Of each, ten extents of one byte.
FILES = [FoundFile(f"in/{name}", 10, index=index) for index, name in enumerate(["a.csv", "b.csv"])]
INFO = ExportInfo(
    score_column="score",
    score_min=0,
    score_max=100,
    max_tokens=4096,
    training=TrainingData(
        rows=RowTotals(30, 30, 0, 0, dict.fromkeys(SPLITS, 10), {}, {}),
        scores=ScoreHistogram(0, 100, [10.0 * edge for edge in range(11)], dict.fromkeys(SPLITS, [1] * 10)),
        tokens_per_review={"count": 30},
        token_lengths=LengthHistogram(distributions.length_edges(), [1] * 29),
        known_shares=KnownShares(
            distributions.share_edges(),
            dict.fromkeys(SPLITS, [1] * 20),
            dict.fromkeys(SPLITS, 9),
            dict.fromkeys(SPLITS, 9),
        ),
        vocabulary=VocabularyTotals(12, 8, 10, 270, 10, 0, 0, 0, 12, 1.0, {}),
    ),
    preprocess_settings={},
    model="cnn",
    metrics={},
    trainer_settings={},
    interval=Interval(0.8, 10, 1.0),
    head={},
    versions={},
    digests={},
    fixed_texts=[],
)


def begin_of(seed: int) -> Position:
    """Where the extent of a seed begins: those of an archive have the seeds from 0 to 19."""
    return Position(seed // 10, 0, seed % 10)


def statistics_of(seed: int, **changed) -> Statistics:
    """The statistics of ten rows and two rejects."""
    random = np.random.default_rng(seed)
    path = FILES[seed // 10 % 2].path
    numbers = random.integers(0, 5, (10, 2)).astype(float).tolist()
    rows = [
        RankedRow(f"{seed}-{row}", path, 100 * seed + row, score=score, low=score - width, high=9)
        for row, (score, width) in enumerate(numbers)
    ]
    tokens = pa.array([f"t{token}".encode() for token in random.choice(500, 90, replace=False)])
    counts = random.integers(1, 50, 90)
    values = {
        "stored_bytes": 7,
        "engines": ["compiled"],
        "rows_read": 12,
        "rows_scored": 10,
        "rows_rejected": 2,
        "columns_left_out": {"stars": 1},
        "rejected_by_reason": {"bad": 2},
        "score_histogram": random.integers(0, 9, 10).tolist(),
        "tokens_histogram": random.integers(0, 9, 29).tolist(),
        "known_share_histogram": random.integers(0, 9, 20).tolist(),
        "score_sum": random.random(),
        "interval_width_sum": random.random(),
        "tokens": 100,
        "known_tokens": 90,
        "truncated": 1,
        "batches": 2,
        "tokens_in_batches": 90,
        "slots_in_batches": 120,
        "tokens_without_id": int(counts.sum()),
        "unknown_tokens": count_unknown([(tokens, counts)]),
        "best": sorted(rows, key=lambda row: (-row.score, row.row_number)),
        "worst": sorted(rows, key=lambda row: (row.score, row.row_number)),
        "least_certain": sorted(rows, key=lambda row: (row.low, row.row_number)),
        "reject_examples": {"bad": [RejectExample(path, 100 * seed + 50 + k, "x") for k in range(2)]},
        "rows_with_true_score": 2,
        "true_scores_off_scale": 0,
        "error_sum": -1.0,
        "absolute_error_sum": 3.0,
        "squared_error_sum": 8.0,
        "rows_covered": 1,
    }
    return Statistics(**{**values, **changed})


def extent_of(seed: int, **changed) -> FinishedExtent:
    """One of the twenty extents of an archive of two files."""
    statistics = statistics_of(seed)
    file = FileRows(FILES[seed // 10].path, [seed // 10, 0], statistics.rows_scored, statistics.rows_rejected)
    values = {
        "begin": list(begin_of(seed)),
        "next": list(begin_of(seed + 1)),
        "scores": FileContents(3, "abc"),
        "files": [file],
        "statistics": statistics,
    }
    return FinishedExtent(**{**values, **changed})
