"""What a finished job did: `summary.json`."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.artifacts.exports import ExportInfo
from beam_pipelines.artifacts.prepared import TRAIN
from beam_pipelines.artifacts.scale import BINS, Scale
from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.files import storage
from beam_pipelines.scoring.summary import drift
from beam_pipelines.scoring.summary.block_statistics import BlockStatistics
from beam_pipelines.scoring.summary.drift import LengthComparison, ShareComparison
from beam_pipelines.scoring.summary.row_examples import RankedRow, RejectExample
from beam_pipelines.scoring.summary.totals import Totals, most_frequent

SUMMARY, REPORT = "summary.json", "report.html"
SHOWN_TOKENS = 50


@dataclasses.dataclass(frozen=True)
class Summary(TypedJson):
    """The counts, distributions and examples of all blocks; None is what no row tells.

    Attributes:
      remarks: What was noticed of rows while they were read, by how many there are.
      columns_left_out: How many rows have a key that was not carried along, where all should be.
      engines: What computed the scores.
      by_file: Rows read, scored and rejected.
      score_min: The scale, with `score_max`.
      interval_share: How many true scores the interval shall hold.
      interval_width_mean: In the archive's unit.
      score_histogram: By the ten bins of the scale; `training_score_histogram` is that of the training split.
      tokens: Before texts were cut.
      tokens_histogram: The lengths beside those of the training data.
      known_share_histogram: The shares of tokens with a vector, likewise.
      tokens_without_id: How many tokens share the id of unknown ones; `unknown_tokens` are the most frequent.
      drift: What has changed since the training data, a sentence each.
      best: With `worst` and `least_certain`, the first rows of each ranking.
      explained_gap_mean: How far the explained score lies from the score.
      rows_with_true_score: With `mae`, `rmse`, `bias` and the `coverage` of the interval, against a column of true
        scores.
      padding_waste: The share of the token slots in the batches that were padding.
      verdict: What the trainer said of the model, where it is no better than its simple rivals.
    """

    rows_read: int
    rows_scored: int
    rows_rejected: int
    rejected_by_reason: dict[str, int]
    remarks: dict[str, int]
    columns_left_out: dict[str, int]
    engines: list[str]
    by_file: dict[str, dict[str, int]]
    score_min: float
    score_max: float
    score_mean: float | None
    interval_share: float
    interval_width_mean: float | None
    score_histogram: list[int]
    training_score_histogram: list[int]
    tokens: int
    rows_truncated: int
    tokens_histogram: LengthComparison
    known_share_histogram: ShareComparison
    tokens_without_id: int
    unknown_tokens: dict[str, int]
    drift: list[str]
    best: list[RankedRow]
    worst: list[RankedRow]
    least_certain: list[RankedRow]
    reject_examples: dict[str, list[RejectExample]]
    explained_gap_mean: float | None
    rows_with_true_score: int
    true_scores_off_scale: int
    mae: float | None
    rmse: float | None
    bias: float | None
    coverage: float | None
    batches: int
    rows_per_batch: float | None
    padding_waste: float | None
    verdict: str = ""

    @property
    def scale(self) -> Scale:
        return Scale(self.score_min, self.score_max)


@dataclasses.dataclass(frozen=True)
class RunMetrics(TypedJson):
    """What one run of a job did, by Beam's counters; a block that was retried counts twice.

    Attributes:
      seconds: Start-up included.
      mb_per_second: Of text.
      seconds_by_stage: Summed over all workers.
    """

    rows_scored: int
    rows_rejected: int
    seconds: float
    rows_per_second: float
    mb_per_second: float
    seconds_by_stage: dict[str, float]

    @classmethod
    def of(cls, counts: dict[str, int], seconds_by_stage: dict[str, float], seconds: float) -> "RunMetrics":
        """Reads them from Beam's counters.

        Args:
          counts: By name, of `counters.read`.
          seconds_by_stage: Of the same.
          seconds: How long the run took.
        """
        scored, rejected = (counts.get(name, 0) for name in ("rows_scored", "rows_rejected"))
        elapsed = max(seconds, 1e-9)
        return cls(
            rows_scored=scored,
            rows_rejected=rejected,
            seconds=round(seconds, 1),
            rows_per_second=round((scored + rejected) / elapsed, 1),
            mb_per_second=round(counts.get("text_bytes", 0) / 1e6 / elapsed, 3),
            seconds_by_stage={stage: round(spent, 3) for stage, spent in seconds_by_stage.items()},
        )


def write(folder: str, summary: Summary, run: RunMetrics, manifest: dict[str, Any]) -> None:
    """Writes `summary.json`, the last file of a job: with it, the job is finished."""
    storage.write_json(folder, SUMMARY, {**summary.to_json(), "this_run": run.to_json(), **manifest})


def summarise(blocks: Iterable[BlockStatistics], files: list[InputFile], info: ExportInfo) -> Summary:
    """Sums up a finished job.

    Args:
      blocks: The statistics of its blocks, in the order of the archive.
      files: The archive's, in order.
      info: What the model's export says of itself.

    Raises:
      RuntimeError: A row was lost.
    """
    totals = Totals(files)
    for block in blocks:
        totals.add(block)
    totals.check()
    return summary_of(totals, info)


def summary_of(totals: Totals, info: ExportInfo) -> Summary:
    """The summary of blocks that were added up."""
    sums = totals.sums
    lengths = drift.compare_lengths(totals.histograms["tokens_histogram"], info.training.token_lengths)
    shares = drift.compare_shares(
        totals.histograms["known_share_histogram"],
        info.training.known_shares,
        tokens=sums["tokens"],
        known_tokens=sums["known_tokens"],
    )
    unknown = most_frequent(totals.unknown, SHOWN_TOKENS)
    mean_square = totals.share("squared_error_sum", "rows_with_true_score")
    slots = sums["slots_in_batches"]
    return Summary(
        rows_read=sums["rows_read"],
        rows_scored=sums["rows_scored"],
        rows_rejected=sums["rows_rejected"],
        rejected_by_reason=dict(sorted(totals.reasons.items())),
        remarks=dict(sorted(totals.remarks.items())),
        columns_left_out=dict(sorted(totals.left_out.items())),
        engines=sorted(totals.engines),
        by_file={path: dict(counts) for path, counts in totals.by_file.items()},
        score_min=info.score_min,
        score_max=info.score_max,
        score_mean=totals.share("score_sum", "rows_scored"),
        interval_share=info.interval.share,
        interval_width_mean=totals.share("interval_width_sum", "rows_scored"),
        # Of no block at all, the histogram is a single zero.
        score_histogram=np.broadcast_to(totals.histograms["score_histogram"], BINS).tolist(),
        training_score_histogram=info.training.scores.histogram[TRAIN],
        tokens=sums["tokens"],
        rows_truncated=sums["truncated"],
        tokens_histogram=lengths,
        known_share_histogram=shares,
        tokens_without_id=sums["tokens_without_id"],
        unknown_tokens=unknown,
        drift=drift.sentences(lengths, shares, unknown),
        **totals.rankings,
        reject_examples=dict(sorted(totals.rejects.items())),
        explained_gap_mean=totals.share("explained_gap_sum", "rows_scored"),
        rows_with_true_score=sums["rows_with_true_score"],
        true_scores_off_scale=sums["true_scores_off_scale"],
        mae=totals.share("absolute_error_sum", "rows_with_true_score"),
        rmse=None if mean_square is None else math.sqrt(mean_square),
        bias=totals.share("error_sum", "rows_with_true_score"),
        coverage=totals.share("rows_covered", "rows_with_true_score"),
        batches=sums["batches"],
        rows_per_batch=totals.share("rows_scored", "batches"),
        padding_waste=1 - sums["tokens_in_batches"] / slots if slots else None,
        verdict=info.verdict.sentence if info.verdict else "",
    )
