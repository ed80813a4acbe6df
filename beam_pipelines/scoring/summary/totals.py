"""Adds up the statistics of a job's blocks, as they lie beside its shards.

Whatever ran when, the same blocks give the same totals.
"""

import collections
from typing import Any

import numpy as np

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.scoring.summary.block_statistics import BlockStatistics
from beam_pipelines.scoring.summary.row_examples import (
    RANKED_ROWS,
    RANKINGS,
    REJECT_EXAMPLES,
    RankedRow,
    RejectExample,
)

ROWS = ("rows_read", "rows_scored", "rows_rejected")
# The fields of a block's statistics that are sums; offsets are numbers too, but none to add up.
SUMMED = (
    *ROWS,
    "score_sum",
    "interval_width_sum",
    "tokens",
    "known_tokens",
    "truncated",
    "batches",
    "tokens_in_batches",
    "slots_in_batches",
    "tokens_without_id",
    "explained_gap_sum",
    "rows_with_true_score",
    "true_scores_off_scale",
    "error_sum",
    "absolute_error_sum",
    "squared_error_sum",
    "rows_covered",
)
HISTOGRAMS = ("score_histogram", "tokens_histogram", "known_share_histogram")
# Where more distinct unknown tokens are met, the rarer half is forgotten: memory stays bounded whatever the archive.
MOST_TOKENS = 100_000
# A text file of more bytes than some byte order marks has a row.
MARK_BYTES = 9


class Totals:
    """The statistics of blocks, added up.

    Args:
      files: The files of the archive, in order.

    Attributes:
      sums: Those of `SUMMED`, by name.
      reasons: Rejects by reason.
      remarks: What was noticed of rows while they were read, by how many there are.
      left_out: How many rows have a column that was not carried along, where all should be.
      by_file: Rows by file.
      histograms: By name, int64 [bins].
      engines: What computed the scores.
      unknown: How often a token without an id came; of each block the most frequent ones.
      rankings: By name, the first rows of each.
      rejects: Examples by reason.
    """

    def __init__(self, files: list[InputFile]):
        self._files = files
        self._file_index = {file.label: index for index, file in enumerate(files)}
        self.sums: collections.Counter = collections.Counter()
        self.reasons: collections.Counter = collections.Counter()
        self.remarks: collections.Counter = collections.Counter()
        self.left_out: collections.Counter = collections.Counter()
        self.by_file = {file.label: collections.Counter(dict.fromkeys(ROWS, 0)) for file in files}
        self.histograms: dict[str, Any] = dict.fromkeys(HISTOGRAMS, 0)
        self.engines: set[str] = set()
        self.unknown: collections.Counter = collections.Counter()
        self.rankings: dict[str, list[RankedRow]] = {name: [] for name in RANKINGS}
        self.rejects: dict[str, list[RejectExample]] = {}
        # By file, where each block begins and ends.
        self._ends: dict[str, dict[int, int | None]] = collections.defaultdict(dict)

    def add(self, block: BlockStatistics) -> None:
        """Adds a block; the order matters only to floating-point sums and to tokens that are forgotten."""
        self.sums.update({name: getattr(block, name) or 0 for name in SUMMED})
        self.by_file[block.file].update({name: getattr(block, name) for name in ROWS})
        self._ends[block.file][block.start] = block.end
        self.reasons.update(block.rejected_by_reason)
        self.remarks.update(block.remarks)
        self.left_out.update(block.columns_left_out)
        self.engines.add(block.engine)
        for name in HISTOGRAMS:
            self.histograms[name] = self.histograms[name] + np.array(getattr(block, name), np.int64)
        self._add_examples(block)
        self.unknown.update(block.unknown_tokens)
        if len(self.unknown) > MOST_TOKENS:
            self.unknown = collections.Counter(most_frequent(self.unknown, MOST_TOKENS // 2))

    def _add_examples(self, block: BlockStatistics) -> None:
        for name, ranking in RANKINGS.items():
            rows = [*self.rankings[name], *getattr(block, name)]
            by_rank = sorted(rows, key=lambda row: (ranking.rank(row.score, row.low, row.high), *self._order(row)))
            self.rankings[name] = by_rank[:RANKED_ROWS]
        for reason, examples in block.reject_examples.items():
            rows = [*self.rejects.get(reason, []), *examples]
            self.rejects[reason] = sorted(rows, key=self._order)[:REJECT_EXAMPLES]

    def _order(self, row: RankedRow | RejectExample) -> tuple[int, int]:
        """Where a row stands in the archive."""
        return self._file_index[row.file], row.row_number

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
        start: int | None = 0
        left = dict(self._ends.get(file.label, {}))
        if not left and (not file.is_seekable or file.format == "parquet" or file.size_bytes <= MARK_BYTES):
            return  # It may have no row.
        while start is not None and start in left:
            start = left.pop(start)
        if start is not None:
            raise RuntimeError(f"{file.label}: the block that begins at {start} is missing")
        if left:
            raise RuntimeError(f"{file.label}: the blocks that begin at {sorted(left)} overlap others")

    def share(self, part: str, whole: str) -> float | None:
        """One sum as a share of another, None where that is zero."""
        return self.sums[part] / self.sums[whole] if self.sums[whole] else None


def most_frequent(counts: dict[str, int], most: int) -> dict[str, int]:
    """The most frequent tokens, ties by token."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])
