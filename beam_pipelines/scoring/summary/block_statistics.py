"""What the summary and the report need of a block: counts, sums, and a few of its rows as examples.

All of it depends on the block alone, and is small whatever the block holds.
"""

import collections
import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.artifacts.scale import BINS, Scale
from beam_pipelines.preparing import reviews
from beam_pipelines.scoring.score_rows import ScoredBlock
from beam_pipelines.scoring.settings import ScoreSettings

EXTREMES = 10
EXCERPT_CHARACTERS = 200
UNKNOWN_TOKENS = 200
TOKEN_CHARACTERS = 60
REJECT_EXAMPLES = 3


def of_block(scored: ScoredBlock, settings: ScoreSettings, export: Export) -> dict:
    """The statistics of a block: numbers, which add up over blocks, histograms, and examples."""
    block, results, metrics = scored.block, scored.results, scored.metrics
    scale = Scale(export.about["score_min"], export.about["score_max"])
    with_text = not settings.no_text_in_reports
    found = {
        "file": block.file.label,
        "start": block.start,
        "end": block.end,
        "stored_bytes": block.stored_bytes,
        "engine": scored.engine,
        "rows_read": block.rows_read,
        "rows_scored": block.rows.num_rows,
        "rows_rejected": len(block.rejects),
        "columns_left_out": dict(sorted(block.unlisted_keys.items())),
        "rejected_by_reason": dict(collections.Counter(reject.reason for reject in block.rejects)),
        **_distributions(results, scale),
        "batches": metrics.batches,
        "tokens_in_batches": metrics.tokens,
        "slots_in_batches": metrics.slots,
        **count_unknown(metrics.unknown, with_text),
        **extremes(block, results, settings),
        "reject_examples": reject_examples(block.rejects, with_text and not settings.no_text_in_rejects),
    }
    if settings.explain:
        gaps = np.abs(np.array(results["explained_score"]) - results["score"])
        found["explained_gap_sum"] = float(gaps.sum(dtype=np.float64))
    if settings.score_column:
        found |= errors(true_scores(block.rows.column(settings.score_column)), results, scale)
    return found


def _distributions(results: dict, scale: Scale) -> dict:
    widths = results["score_high"] - results["score_low"]
    return {
        "score_histogram": np.bincount(scale.bins(results["score"]), minlength=BINS).tolist(),
        "score_sum": float(results["score"].sum(dtype=np.float64)),
        "interval_width_sum": float(widths.sum(dtype=np.float64)),
        "tokens": int(results["tokens"].sum()),
        "known_tokens": distributions.known_tokens(results["tokens"], results["known_share"]),
        "truncated": int(results["truncated"].sum()),
        "tokens_histogram": distributions.count_lengths(results["tokens"]).tolist(),
        "known_share_histogram": distributions.count_shares(results["known_share"]).tolist(),
    }


def count_unknown(parts: list[tuple[pa.Array, np.ndarray]], with_text: bool) -> dict:
    """How many tokens have no id, and the most frequent ones, ties by token.

    Args:
      parts: Of `EngineMetrics.unknown`.
      with_text: Whether the tokens may be told.
    """
    total = int(sum(counts.sum() for _, counts in parts))
    found: collections.Counter = collections.Counter()
    if total and with_text:
        counted = pa.concat_tables(pa.table({"token": tokens, "count_sum": counts}) for tokens, counts in parts)
        if len(parts) > 1:
            counted = counted.rename_columns(["token", "count"]).group_by("token").aggregate([("count", "sum")])
        by_count = [("count_sum", "descending"), ("token", "ascending")]
        for row in counted.take(pc.select_k_unstable(counted, UNKNOWN_TOKENS, by_count)).to_pylist():
            found[row["token"].decode("utf-8", "replace")[:TOKEN_CHARACTERS]] += row["count_sum"]
    return {"tokens_without_id": total, "unknown_tokens": dict(found)}


def extremes(block: Block, results: dict, settings: ScoreSettings) -> dict[str, list[dict]]:
    """The best, the worst and the least certain rows, that is those of the widest interval; ties by place."""
    ranks = {
        "best": -results["score"],
        "worst": results["score"],
        "least_certain": results["score_low"] - results["score_high"],
    }
    return {
        name: [_described(int(row), block, results, settings) for row in np.argsort(rank, kind="stable")[:EXTREMES]]
        for name, rank in ranks.items()
    }


def _described(row: int, block: Block, results: dict, settings: ScoreSettings) -> dict:
    place, name = block.row_numbers[row], block.row_name(row)
    if settings.id_column:
        name = str(block.rows.column(settings.id_column)[row].as_py())
    found = {
        "id": name[:EXCERPT_CHARACTERS],
        "file": block.file.label,
        "place": place,
        # By way of its text, a float32 gets as few digits as it needs.
        **{short: float(str(results[long][row])) for short, long in _SCORES.items()},
    }
    if not settings.no_text_in_reports:
        found["text"] = (block.rows.column(settings.text_column)[row].as_py() or "")[:EXCERPT_CHARACTERS]
    return found


_SCORES = {"score": "score", "low": "score_low", "high": "score_high"}


def reject_examples(rejects: list[Reject], with_text: bool) -> dict[str, list[dict]]:
    """The first rejects of each reason."""
    found: dict[str, list[dict]] = {}
    for reject in sorted(rejects, key=lambda reject: reject.row_number):
        examples = found.setdefault(reject.reason, [])
        if len(examples) < REJECT_EXAMPLES:
            # JSON may escape half of a surrogate pair, which no UTF-8 can hold.
            raw = reject.raw[:EXCERPT_CHARACTERS].encode("utf-8", "replace").decode()
            examples.append({"file": reject.file, "place": reject.row_number, **({"raw": raw} if with_text else {})})
    return found


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
    raw = column.to_pylist()
    return np.array([math.nan if reviews.is_blank(value) else reviews.parse_score(value) for value in raw], np.float64)


def errors(truths: np.ndarray, results: dict, scale: Scale) -> dict:
    """The sums that the errors need, over the rows with a true score; one off the scale has another unit or is none."""
    known = (truths >= scale.low) & (truths <= scale.high)
    gaps = (results["score"] - truths)[known]
    covered = (results["score_low"] <= truths) & (truths <= results["score_high"])
    return {
        "rows_with_true_score": len(gaps),
        "true_scores_off_scale": int((np.isfinite(truths) & ~known).sum()),
        "error_sum": float(gaps.sum()),
        "absolute_error_sum": float(np.abs(gaps).sum()),
        "squared_error_sum": float((gaps**2).sum()),
        "rows_covered": int(covered[known].sum()),
    }
