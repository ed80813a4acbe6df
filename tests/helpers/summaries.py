"""The statistics of blocks, and the files and the export that they belong to."""

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.scoring.summary.block_statistics import count_unknown

FILES = [InputFile(place, f"in/{name}", "csv", False, 1) for place, name in enumerate(["b.csv", "a.csv"])]
SPLITS = ("train", "validation", "test")
EXPORT = Export(
    "trained/1",
    {
        "score_min": 0,
        "score_max": 100,
        "interval": {"share": 0.8},
        "training": {
            "scores": {"histogram": {"train": [1] * 10}},
            "token_lengths": {"bin_edges": distributions.length_edges(), "histogram": [1] * 29},
            "known_shares": {
                "bin_edges": distributions.share_edges(),
                "histogram": dict.fromkeys(SPLITS, [1] * 20),
                "tokens": dict.fromkeys(SPLITS, 9),
                "known_tokens": dict.fromkeys(SPLITS, 9),
            },
        },
    },
)


def block(seed: int) -> dict:
    """The statistics of ten rows and two rejects."""
    random = np.random.default_rng(seed)
    path = FILES[seed % 2].path
    start = seed // 2
    numbers = random.integers(0, 5, (10, 2)).astype(float).tolist()
    rows = [
        {
            "id": f"{seed}-{row}",
            "file": path,
            "place": 100 * seed + row,
            "score": score,
            "low": score - width,
            "high": 9,
        }
        for row, (score, width) in enumerate(numbers)
    ]
    tokens = pa.array([f"t{token}".encode() for token in random.choice(500, 90, replace=False)])
    return {
        "file": path,
        "start": start,
        "end": None if start == 9 else start + 1,
        "stored_bytes": 7,
        "engine": "compiled",
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
        **count_unknown([(tokens, random.integers(1, 50, 90))], with_text=True),
        "best": sorted(rows, key=lambda row: (-row["score"], row["place"])),
        "worst": sorted(rows, key=lambda row: (row["score"], row["place"])),
        "least_certain": sorted(rows, key=lambda row: (row["low"], row["place"])),
        "reject_examples": {"bad": [{"file": path, "place": 100 * seed + 50 + k, "raw": "x"} for k in range(2)]},
        "rows_with_true_score": 2,
        "error_sum": -1.0,
        "absolute_error_sum": 3.0,
        "squared_error_sum": 8.0,
        "rows_covered": 1,
    }
