"""What the summary and the report need of rows: counts, sums, and a few of them as examples.

Statistics of blocks add up to those of an extent, and these to those of the archive: see `totals`. All of them depend
on the rows alone, and are small whatever these hold.
"""

import collections
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.damage import DAMAGED_FILE
from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.scale import BINS, Scale, is_blank, parse_score
from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.summary.row_examples import RankedRow, RejectExample, rank_rows, reject_examples

UNKNOWN_TOKENS = 200
TOKEN_CHARACTERS = 60


@dataclasses.dataclass(frozen=True)
class ErrorSums(TypedJson):
    """The sums that the errors need, over the rows with a true score on the scale."""

    rows_with_true_score: int = 0
    true_scores_off_scale: int = 0
    error_sum: float = 0.0
    absolute_error_sum: float = 0.0
    squared_error_sum: float = 0.0
    rows_covered: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Statistics(TypedJson):
    """The statistics of some rows: of a block, of an extent, or of all.

    Attributes:
      stored_bytes: About how much of their files they took.
      unread_bytes: How much of their files cannot be read.
      engines: What computed the scores.
      columns_left_out: How many rows have a key that is not carried along, where all should be.
      score_histogram: By the ten bins of the scale.
      interval_width_sum: Over the scored rows, in the archive's unit.
      tokens: Before texts were cut.
      known_tokens: Those with a vector.
      truncated: Rows whose text was cut.
      tokens_in_batches: What the engine saw; `slots_in_batches` includes padding.
      tokens_without_id: How many tokens share the id of unknown ones.
      unknown_tokens: The most frequent of them; none where texts may not be shown.
      remarks: What was noticed of rows while they were read, by how many there are.
      notes: What is to be told of files, a sentence each.
      damaged: Files that cannot be read to their end, and why.
      explained_gap_sum: How far the explained scores lie from the scores; None without reasons.
      rows_with_true_score: With what follows, as of `ErrorSums`; None where no column has true scores.
    """

    OMITTED_IF_NONE: ClassVar = ("explained_gap_sum", *(field.name for field in dataclasses.fields(ErrorSums)))

    rows_read: int = 0
    rows_scored: int = 0
    rows_rejected: int = 0
    stored_bytes: int = 0
    unread_bytes: int = 0
    engines: list[str] = dataclasses.field(default_factory=list)
    columns_left_out: dict[str, int] = dataclasses.field(default_factory=dict)
    rejected_by_reason: dict[str, int] = dataclasses.field(default_factory=dict)
    score_histogram: list[int] = dataclasses.field(default_factory=list)
    score_sum: float = 0.0
    interval_width_sum: float = 0.0
    tokens: int = 0
    known_tokens: int = 0
    truncated: int = 0
    tokens_histogram: list[int] = dataclasses.field(default_factory=list)
    known_share_histogram: list[int] = dataclasses.field(default_factory=list)
    batches: int = 0
    tokens_in_batches: int = 0
    slots_in_batches: int = 0
    tokens_without_id: int = 0
    unknown_tokens: dict[str, int] = dataclasses.field(default_factory=dict)
    best: list[RankedRow] = dataclasses.field(default_factory=list)
    worst: list[RankedRow] = dataclasses.field(default_factory=list)
    least_certain: list[RankedRow] = dataclasses.field(default_factory=list)
    reject_examples: dict[str, list[RejectExample]] = dataclasses.field(default_factory=dict)
    remarks: dict[str, int] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)
    explained_gap_sum: float | None = None
    rows_with_true_score: int | None = None
    true_scores_off_scale: int | None = None
    error_sum: float | None = None
    absolute_error_sum: float | None = None
    squared_error_sum: float | None = None
    rows_covered: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class StatisticsOptions:
    """What statistics may say of a row.

    Attributes:
      text_column: The column of its text.
      id_column: The column that names it; None for its file and row number.
      score_column: The column of its true score, if there is one.
      show_texts: Whether excerpts and tokens may be shown.
      show_rejects: Whether what stood in a rejected row may be shown.
    """

    text_column: str
    id_column: str | None = None
    score_column: str | None = None
    show_texts: bool = True
    show_rejects: bool = True


def describe_block(scored: ScoredBlock, scale: Scale, options: StatisticsOptions) -> Statistics:
    """Makes the statistics of a block: numbers that add up over blocks, histograms, and examples."""
    block, results, metrics = scored.block, scored.results, scored.metrics
    text_column = options.text_column if options.show_texts else None
    rankings = rank_rows(block, results, id_column=options.id_column, text_column=text_column)
    explained_gap = None
    if "explained_score" in results:
        gaps = np.abs(np.array(results["explained_score"]) - results["score"])
        explained_gap = math.fsum(gaps.tolist())
    error_sums = {}
    if options.score_column:
        error_sums = vars(sum_errors(true_scores(block.rows.column(options.score_column)), results, scale))
    return Statistics(
        stored_bytes=block.stored_bytes,
        unread_bytes=block.unread_bytes,
        engines=[scored.engine] if block.rows.num_rows else [],
        rows_read=block.rows_read,
        rows_scored=block.rows.num_rows,
        rows_rejected=len(block.rejects),
        columns_left_out=dict(sorted(block.notes.unlisted_keys.items())),
        rejected_by_reason=dict(collections.Counter(reject.reason for reject in block.rejects)),
        remarks=dict(sorted(block.notes.remarks.items())),
        notes=block.notes.files,
        damaged={reject.file: reject.raw or "" for reject in block.rejects if reject.reason == DAMAGED_FILE},
        **_distributions(results, scale),
        batches=metrics.batches,
        tokens_in_batches=metrics.tokens,
        slots_in_batches=metrics.slots,
        tokens_without_id=int(sum(counts.sum() for _, counts in metrics.unknown)),
        unknown_tokens=count_unknown(metrics.unknown) if options.show_texts else {},
        best=rankings["best"],
        worst=rankings["worst"],
        least_certain=rankings["least_certain"],
        reject_examples=reject_examples(block.rejects, with_raw=options.show_rejects),
        explained_gap_sum=explained_gap,
        **error_sums,
    )


def _distributions(results: Mapping[str, np.ndarray], scale: Scale) -> dict[str, Any]:
    widths = results["score_high"] - results["score_low"]
    return {
        "score_histogram": np.bincount(scale.bins(results["score"]), minlength=BINS).tolist(),
        "score_sum": math.fsum(results["score"].tolist()),
        "interval_width_sum": math.fsum(widths.tolist()),
        "tokens": int(results["tokens"].sum()),
        "known_tokens": distributions.known_tokens(results["tokens"], results["known_share"]),
        "truncated": int(results["truncated"].sum()),
        "tokens_histogram": distributions.count_lengths(results["tokens"]).tolist(),
        "known_share_histogram": distributions.count_shares(results["known_share"]).tolist(),
    }


def count_unknown(parts: list[tuple[pa.Array, np.ndarray]]) -> dict[str, int]:
    """Counts the tokens without an id; returns the most frequent ones, ties by token.

    Args:
      parts: Of `EngineMetrics.unknown`.
    """
    counts: collections.Counter = collections.Counter()
    if not sum(values.sum() for _, values in parts):
        return {}
    table = pa.concat_tables(pa.table({"token": tokens, "count": values}) for tokens, values in parts)
    if len(parts) > 1:
        # Parts of a block, as one is scored in halves where a row fails, may hold the same token.
        table = table.group_by("token").aggregate([("count", "sum")]).rename_columns(["token", "count"])
    by_count = [("count", "descending"), ("token", "ascending")]
    for row in table.take(pc.select_k_unstable(table, UNKNOWN_TOKENS, by_count)).to_pylist():
        counts[row["token"].decode("utf-8", "replace")[:TOKEN_CHARACTERS]] += row["count"]
    return dict(counts)


def true_scores(column: pa.Array) -> np.ndarray:
    """The numbers of a column, float64 [rows]; NaN where there is none.

    >>> true_scores(pa.array([" 8.5", "", None, "7"])), true_scores(pa.array(["1_0", "+3"]))
    (array([8.5, nan, nan, 7. ]), array([nan,  3.]))
    """
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(pc.binary_length(column), 0), None, column)
        if not pa.types.is_boolean(column.type):
            return pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass  # Not all of them are numbers as Arrow reads them: one by one.
    values = column.to_pylist()
    return np.array([math.nan if is_blank(value) else parse_score(value) for value in values], np.float64)


def sum_errors(truths: np.ndarray, results: Mapping[str, np.ndarray], scale: Scale) -> ErrorSums:
    """Sums up how far scores lie from true ones; a true score off the scale has another unit or is none."""
    known = (truths >= scale.low) & (truths <= scale.high)
    gaps = (results["score"] - truths)[known]
    covered = (results["score_low"] <= truths) & (truths <= results["score_high"])
    return ErrorSums(
        rows_with_true_score=len(gaps),
        true_scores_off_scale=int((np.isfinite(truths) & ~known).sum()),
        error_sum=math.fsum(gaps.tolist()),
        absolute_error_sum=math.fsum(np.abs(gaps).tolist()),
        squared_error_sum=math.fsum((gaps**2).tolist()),
        rows_covered=int(covered[known].sum()),
    )
