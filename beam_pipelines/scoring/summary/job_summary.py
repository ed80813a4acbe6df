"""What a finished job did: `summary.json`."""

import dataclasses
import math
from typing import Any

import numpy as np

from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.artifacts.exports import ExportInfo
from beam_pipelines.artifacts.prepared import TRAIN
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.files import storage
from beam_pipelines.scoring.summary import drift
from beam_pipelines.scoring.summary.drift import LengthComparison, ShareComparison
from beam_pipelines.scoring.summary.job_totals import JobTotals
from beam_pipelines.scoring.summary.row_examples import RankedRow, RejectExample
from beam_pipelines.scoring.summary.statistics import Statistics
from beam_pipelines.scoring.summary.totals import most_frequent

SUMMARY, REPORT = "summary.json", "report.html"
SHOWN_TOKENS = 50
# Of more files, the summary does not name each.
MOST_FILES = 1000


@dataclasses.dataclass(frozen=True)
class Summary(TypedJson):
    """The counts, distributions and examples of all blocks; None is what no row tells.

    Attributes:
      remarks: What was noticed of rows while they were read, by how many there are.
      columns_left_out: How many rows have a key that was not carried along, where all should be.
      engines: What computed the scores.
      by_file: Rows read, scored and rejected; of very many files they lie in `by_file/` alone.
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
      stored_bytes: About how much of the files was read; `unread_bytes` of that cannot be.
      damaged: Files that cannot be read to their end, and why.
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
    stored_bytes: int = 0
    unread_bytes: int = 0
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)
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


def write(folder: str, summary: Summary, run: RunMetrics | None, manifest: dict[str, Any]) -> None:
    """Writes `summary.json`, the last file of a job: with it, the job is finished."""
    this_run = {"this_run": run.to_json()} if run else {}
    storage.write_json(folder, SUMMARY, {**summary.to_json(), **this_run, **manifest})


def summarise(
    totals: JobTotals, by_file: dict[str, dict[str, int]], found: list[FoundFile], info: ExportInfo
) -> Summary:
    """Sums up a finished job.

    Args:
      totals: Of all its extents.
      by_file: The rows of each file; {} of very many.
      found: The files of the archive.
      info: What the model's export says of itself.

    Raises:
      RuntimeError: A row was lost, or counted twice.
    """
    sums = totals.statistics
    if totals.gap is not None:
        index, *place = totals.gap
        label = found[index].label if index < len(found) else "the end of the archive"
        raise RuntimeError(f"{label}: no extent begins, or one too many, at {place}")
    if totals.doubled is not None:
        index, *place = totals.doubled
        raise RuntimeError(f"{found[index].label}: the extent at {place} was counted twice; --resume adds up anew")
    if sums.rows_read != sums.rows_scored + sums.rows_rejected:
        raise RuntimeError(f"{sums.rows_read} rows read, {sums.rows_scored} scored and {sums.rows_rejected} rejected")
    return summary_of(sums, by_file, info)


def summary_of(sums: Statistics, by_file: dict[str, dict[str, int]], info: ExportInfo) -> Summary:
    """The summary of rows that were added up."""
    lengths = drift.compare_lengths(np.array(sums.tokens_histogram), info.training.token_lengths)
    shares = drift.compare_shares(
        np.array(sums.known_share_histogram),
        info.training.known_shares,
        tokens=sums.tokens,
        known_tokens=sums.known_tokens,
    )
    unknown = most_frequent(sums.unknown_tokens, SHOWN_TOKENS)
    rated = sums.rows_with_true_score or 0
    mean_square = _ratio(sums.squared_error_sum, rated)
    return Summary(
        rows_read=sums.rows_read,
        rows_scored=sums.rows_scored,
        rows_rejected=sums.rows_rejected,
        rejected_by_reason=dict(sorted(sums.rejected_by_reason.items())),
        remarks=dict(sorted(sums.remarks.items())),
        columns_left_out=dict(sorted(sums.columns_left_out.items())),
        engines=sums.engines,
        by_file=by_file,
        score_min=info.score_min,
        score_max=info.score_max,
        score_mean=_ratio(sums.score_sum, sums.rows_scored),
        interval_share=info.interval.share,
        interval_width_mean=_ratio(sums.interval_width_sum, sums.rows_scored),
        score_histogram=sums.score_histogram,
        training_score_histogram=info.training.scores.histogram[TRAIN],
        tokens=sums.tokens,
        rows_truncated=sums.truncated,
        tokens_histogram=lengths,
        known_share_histogram=shares,
        tokens_without_id=sums.tokens_without_id,
        unknown_tokens=unknown,
        drift=drift.sentences(lengths, shares, unknown),
        best=sums.best,
        worst=sums.worst,
        least_certain=sums.least_certain,
        reject_examples=sums.reject_examples,
        explained_gap_mean=_ratio(sums.explained_gap_sum, sums.rows_scored),
        rows_with_true_score=rated,
        true_scores_off_scale=sums.true_scores_off_scale or 0,
        mae=_ratio(sums.absolute_error_sum, rated),
        rmse=None if mean_square is None else math.sqrt(mean_square),
        bias=_ratio(sums.error_sum, rated),
        coverage=_ratio(sums.rows_covered, rated),
        batches=sums.batches,
        rows_per_batch=_ratio(sums.rows_scored, sums.batches),
        padding_waste=1 - sums.tokens_in_batches / sums.slots_in_batches if sums.slots_in_batches else None,
        stored_bytes=sums.stored_bytes,
        unread_bytes=sums.unread_bytes,
        damaged=sums.damaged,
        verdict=info.verdict.sentence if info.verdict else "",
    )


def _ratio(part: float | None, whole: int) -> float | None:
    """One sum as a share of another, None where that is zero."""
    return part / whole if part is not None and whole else None
