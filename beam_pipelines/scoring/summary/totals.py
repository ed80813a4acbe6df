"""Adds up the statistics of a job's blocks, as they lie beside its shards.

Whatever ran when, the same blocks give the same summary; only what is said of the run itself differs.
"""

import collections
import math
from collections.abc import Iterable

import numpy as np

from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.scoring.summary import drift
from beam_pipelines.scoring.summary.block_statistics import EXTREMES, REJECT_EXAMPLES

ROWS = ("rows_read", "rows_scored", "rows_rejected")
HISTOGRAMS = ("score_histogram", "tokens_histogram", "known_share_histogram")
RANKED = {
    "best": lambda row: -row["score"],
    "worst": lambda row: row["score"],
    "least_certain": lambda row: row["low"] - row["high"],
}
TOLD_TOKENS = 50
# Where more distinct unknown tokens are met, the rarer half is forgotten.
MOST_TOKENS = 100_000
# A text file of more bytes than a byte order mark has a row.
MARK_BYTES = 3


class Totals:
    """The statistics of blocks, added up.

    Args:
      files: The files of the archive, in order.

    Attributes:
      sums: All that are plain numbers, by name.
      reasons: Rejects by reason.
      left_out: How many rows have a column that was not carried along, where all should be.
      by_file: Rows by file.
      histograms: By name, int64 [bins].
      engines: What computed the scores.
      unknown: How often a token without an id came; of each block the most frequent ones.
      ranked: The best, worst and least certain rows.
      rejects: Examples by reason.
    """

    def __init__(self, files: list[InputFile]):
        self._files = files
        self._order = {file.label: place for place, file in enumerate(files)}
        self.sums: collections.Counter = collections.Counter()
        self.reasons: collections.Counter = collections.Counter()
        self.left_out: collections.Counter = collections.Counter()
        self.by_file = {file.label: collections.Counter(dict.fromkeys(ROWS, 0)) for file in files}
        self.histograms: dict[str, np.ndarray] = dict.fromkeys(HISTOGRAMS, 0)
        self.engines: set[str] = set()
        self.unknown: collections.Counter = collections.Counter()
        self.ranked: dict[str, list[dict]] = {name: [] for name in RANKED}
        self.rejects: dict[str, list[dict]] = {}
        self._ends: dict[str, dict[int, int | None]] = collections.defaultdict(dict)

    def add(self, block: dict) -> None:
        """Adds a block's statistics, those of `statistics.of_block`."""
        self.sums.update({name: value for name, value in block.items() if isinstance(value, (int, float))})
        self.by_file[block["file"]].update({name: block[name] for name in ROWS})
        self._ends[block["file"]][block["start"]] = block["end"]
        self.reasons.update(block["rejected_by_reason"])
        self.left_out.update(block["columns_left_out"])
        self.engines.add(block["engine"])
        for name in HISTOGRAMS:
            self.histograms[name] = self.histograms[name] + np.array(block[name], np.int64)
        self._add_examples(block)
        self.unknown.update(block["unknown_tokens"])
        if len(self.unknown) > MOST_TOKENS:
            self.unknown = collections.Counter(most_frequent(self.unknown, MOST_TOKENS // 2))

    def _add_examples(self, block: dict) -> None:
        for name, rank in RANKED.items():
            rows = [*self.ranked[name], *block[name]]
            self.ranked[name] = sorted(rows, key=lambda row: (rank(row), *self._place(row)))[:EXTREMES]
        for reason, examples in block["reject_examples"].items():
            rows = [*self.rejects.get(reason, []), *examples]
            self.rejects[reason] = sorted(rows, key=self._place)[:REJECT_EXAMPLES]

    def _place(self, row: dict) -> tuple[int, int]:
        return self._order[row["file"]], row["place"]

    def check(self) -> None:
        """Proves that no row was lost.

        Raises:
          RuntimeError: In a file, the rows read are not those scored and those rejected, or its blocks
            do not follow each other from its start to its end.
        """
        for path, counts in self.by_file.items():
            if counts["rows_read"] != counts["rows_scored"] + counts["rows_rejected"]:
                raise RuntimeError(f"{path}: rows read, scored and rejected do not add up: {dict(counts)}")
        for file in self._files:
            self._check_tiling(file)

    def _check_tiling(self, file: InputFile) -> None:
        at, left = 0, dict(self._ends.get(file.label, {}))
        if not left and (not file.is_seekable or file.format == "parquet" or file.size_bytes <= MARK_BYTES):
            return  # It may have no row.
        while at in left:
            at = left.pop(at)
        if at is not None:
            raise RuntimeError(f"{file.label}: the block that begins at {at} is missing")
        if left:
            raise RuntimeError(f"{file.label}: the blocks that begin at {sorted(left)} overlap others")

    def share(self, part: str, whole: str) -> float | None:
        """One sum as a share of another, None where that is nothing."""
        return self.sums[part] / self.sums[whole] if self.sums[whole] else None


def most_frequent(counts: dict[str, int], most: int) -> dict[str, int]:
    """The most frequent tokens, ties by token."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])


def summarise(blocks: Iterable[dict], files: list[InputFile], export: Export) -> dict:
    """What a finished job did.

    Args:
      blocks: The statistics of its blocks, in the order of the archive.
      files: The archive's, in order.
      export: The model.

    Raises:
      RuntimeError: A row was lost.
    """
    totals = Totals(files)
    for block in blocks:
        totals.add(block)
    totals.check()
    return summary(totals, export)


def summary(totals: Totals, export: Export) -> dict:
    """The counts, distributions and examples of all blocks."""
    training = export.about["training"]
    return {
        **{name: totals.sums[name] for name in ROWS},
        "rejected_by_reason": dict(sorted(totals.reasons.items())),
        "columns_left_out": dict(sorted(totals.left_out.items())),
        "engines": sorted(totals.engines),
        "by_file": {path: dict(counts) for path, counts in totals.by_file.items()},
        **{name: export.about[name] for name in ("score_min", "score_max")},
        "score_mean": totals.share("score_sum", "rows_scored"),
        "interval_share": export.about["interval"]["share"],
        "interval_width_mean": totals.share("interval_width_sum", "rows_scored"),
        "score_histogram": np.broadcast_to(totals.histograms["score_histogram"], 10).tolist(),
        "training_score_histogram": training["scores"]["histogram"]["train"],
        "tokens": totals.sums["tokens"],
        "rows_truncated": totals.sums["truncated"],
        **drift.compare(totals.histograms, totals.sums, most_frequent(totals.unknown, TOLD_TOKENS), training),
        **totals.ranked,
        "reject_examples": dict(sorted(totals.rejects.items())),
        "explained_gap_mean": totals.share("explained_gap_sum", "rows_scored"),
        **errors(totals),
        "batches": totals.sums["batches"],
        "rows_per_batch": totals.share("rows_scored", "batches"),
        "padding_waste": padding_waste(totals.sums),
    }


def errors(totals: Totals) -> dict:
    """How far the scores lie from the true ones, where these are known and on the model's scale."""
    mean_square = totals.share("squared_error_sum", "rows_with_true_score")
    return {
        **{name: totals.sums[name] for name in ("rows_with_true_score", "true_scores_off_scale")},
        "mae": totals.share("absolute_error_sum", "rows_with_true_score"),
        "rmse": None if mean_square is None else math.sqrt(mean_square),
        "bias": totals.share("error_sum", "rows_with_true_score"),
        "coverage": totals.share("rows_covered", "rows_with_true_score"),
    }


def padding_waste(sums: dict) -> float | None:
    """The share of the places in the batches that held no token."""
    slots = sums["slots_in_batches"]
    return 1 - sums["tokens_in_batches"] / slots if slots else None
