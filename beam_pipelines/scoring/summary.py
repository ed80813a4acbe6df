"""Adds up the statistics of a job's blocks, as they lie beside its shards."""

import collections
from collections.abc import Iterable

from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.exports import Export
from beam_pipelines.scoring import shards


def summarise(folder: str, output_format: str, files: list[InputFile], export: Export) -> dict:
    """The counts and distributions of a finished job.

    Raises:
      RuntimeError: In a file, the rows read are not those scored and those rejected.
    """
    totals: collections.Counter = collections.Counter()
    reasons: collections.Counter = collections.Counter()
    by_file = {file.label: collections.Counter(rows_read=0, rows_scored=0, rows_rejected=0) for file in files}
    histogram = [0] * 10
    engines = set()
    found = shards.finished(folder, output_format)
    check_tiling(found.values())
    for block in found.values():
        rejected = block.pop("rejected_by_reason")
        reasons.update(rejected)
        histogram = [a + b for a, b in zip(histogram, block.pop("score_histogram"), strict=True)]
        del block["start"], block["end"], block["stored_bytes"]
        engines.add(block.pop("engine"))
        counts = by_file[block.pop("file")]
        for count in ("rows_read", "rows_scored", "rows_rejected"):
            counts[count] += block[count]
        totals.update(block)
    for path, counts in by_file.items():
        if counts["rows_read"] != counts["rows_scored"] + counts["rows_rejected"]:
            raise RuntimeError(f"{path}: rows read, scored and rejected do not add up: {dict(counts)}")
    with_truth = totals["rows_with_true_score"]
    return {
        "rows_read": totals["rows_read"],
        "rows_scored": totals["rows_scored"],
        "rows_rejected": totals["rows_rejected"],
        "rejected_by_reason": dict(sorted(reasons.items())),
        "engines": sorted(engines),
        "by_file": {path: dict(counts) for path, counts in by_file.items()},
        "score_mean": totals["score_sum"] / totals["rows_scored"] if totals["rows_scored"] else None,
        "interval_share": export.about["interval"]["share"],
        "interval_width_mean": totals["interval_width_sum"] / totals["rows_scored"] if totals["rows_scored"] else None,
        "score_histogram": histogram,
        "training_score_histogram": export.about["training"]["scores"]["histogram"]["train"],
        "tokens": totals["tokens"],
        "rows_truncated": totals["truncated"],
        "explained_gap_mean": totals["explained_gap_sum"] / totals["rows_scored"] if totals["rows_scored"] else None,
        "rows_with_true_score": with_truth,
        "mae": totals["absolute_error_sum"] / with_truth if with_truth else None,
        "coverage": totals["rows_covered"] / with_truth if with_truth else None,
    }


def check_tiling(found: Iterable[dict]) -> None:
    """Makes sure that the blocks of each file follow each other from its start to its end.

    Raises:
      RuntimeError: One is missing.
    """
    ends = collections.defaultdict(dict)
    for block in found:
        ends[block["file"]][block["start"]] = block["end"]
    for file, by_start in ends.items():
        at = 0
        while by_start and at is not None:
            if at not in by_start:
                raise RuntimeError(f"{file}: the block that begins at {at} is missing")
            at = by_start.pop(at)
        if by_start:
            raise RuntimeError(f"{file}: blocks overlap: {sorted(by_start)}")
