"""Makes reviews of rows: the text, the score, and what must stay in one split."""

import collections
import dataclasses
import functools
import math
import re

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import remarks, score_faults
from beam_pipelines.artifacts.scale import Scale, is_blank, parse_score

UNRATED_SCORE = "no_score"
UNRATED_TITLE = "title_without_score"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RatingRules:
    """Where a row holds its text, its score and what names it.

    Attributes:
      text_column: The column of the text.
      scale: The range that a score must lie in.
      score_column: The column of the score, or None where a title ends with it.
      title_column: The column of that title.
      score_pattern: A regular expression that matches a title; its last group is the score.
      title_groups: The columns that the pattern's other groups become, which `split_column` may name.
      id_column: The column that names a row; None for its file and row number.
      split_column: Rows that are equal there stay in one split; None for rows of equal text.
      unrated_values: Scores that stand for none.
    """

    text_column: str
    scale: Scale
    score_column: str | None = None
    title_column: str | None = None
    score_pattern: str = ""
    title_groups: tuple[str, ...] = ()
    id_column: str | None = None
    split_column: str | None = None
    unrated_values: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Reviews:
    """The rated reviews of a block.

    Attributes:
      extent: Where the block's extent begins.
      next_extent: Where the next one begins, if it is the last block of its own; else None.
      rejects: The block's rows that cannot be used.
      texts: string [reviews].
      scores: float32 [reviews], in the archive's unit.
      ids: The name of each review's row.
      split_keys: What must be equal to stay in one split, or None where the text decides.
      skipped: How many rows have no score, by reason.
      remarks: What was noticed of rows, of `archive.remarks`.
      notes: What is to be told of files, a sentence each.
      unread_bytes: How much of the files cannot be read, since it is damaged.
    """

    extent: Position
    next_extent: Position | None
    rejects: list[Reject]
    texts: pa.Array
    scores: np.ndarray
    ids: list[str]
    split_keys: list[str] | None
    skipped: collections.Counter
    remarks: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    notes: list[str] = dataclasses.field(default_factory=list)
    unread_bytes: int = 0

    @property
    def rows_read(self) -> int:
        return len(self.ids) + len(self.rejects) + self.skipped.total()


def rated_reviews(block: Block, rules: RatingRules) -> Reviews:
    """Reads the scores of a block's rows, skips the unrated and rejects the unusable."""
    raw_scores, groups = _raw_scores(block.rows, rules)
    texts = block.rows.column(rules.text_column)
    reasons = rejects.empty_texts(texts)
    unrated = UNRATED_SCORE if rules.score_column else UNRATED_TITLE
    scores: list[float] = []
    kept: list[int] = []
    skipped: collections.Counter = collections.Counter()
    noticed = collections.Counter(block.notes.remarks)
    for row, raw in enumerate(raw_scores):
        score = math.nan if raw is None else parse_score(raw)
        if raw is None or score in rules.unrated_values:
            # A row without a score teaches nothing, so that it has no text either is no fault of the archive.
            reasons.pop(row, None)
            skipped[unrated] += 1
        elif row not in reasons:
            if reason := _reason(score, rules.scale):
                reasons[row] = reason
                noticed[remarks.fault(reason, _fault(raw, score))] += 1
            else:
                scores.append(score)
                kept.append(row)
    names = _row_names(block, rules.id_column)
    keys = _split_keys(block.rows, groups, rules)
    return Reviews(
        extent=block.extent,
        next_extent=block.next_extent,
        rejects=block.rejected(reasons),
        texts=texts.take(pa.array(kept, pa.int64())),
        scores=np.array(scores, np.float32),
        ids=[names[row] for row in kept],
        split_keys=keys and [keys[row] for row in kept],
        skipped=skipped,
        remarks=noticed,
        notes=block.notes.files,
        unread_bytes=block.unread_bytes,
    )


def _reason(score: float, scale: Scale) -> str | None:
    if not math.isfinite(score):
        return "score_not_a_number"
    return None if scale.low <= score <= scale.high else "score_out_of_range"


def _fault(raw: object, score: float) -> str:
    return score_faults.value(score) if math.isfinite(score) else score_faults.fault_of(raw)


def _raw_scores(rows: pa.RecordBatch, rules: RatingRules) -> tuple[list, dict[str, list]]:
    """Each row's score as it was written, None where there is none, and a title's groups by name."""
    if rules.score_column:
        values = rows.column(rules.score_column).to_pylist()
        return [None if is_blank(value) else value for value in values], {}
    titles = rows.column(rules.title_column).to_pylist()
    pattern = _pattern(rules.score_pattern)
    matches = [pattern.search("" if title is None else str(title)) for title in titles]
    # A group that took no part in the match gives None, which is no score either.
    scores = [match and (match[pattern.groups] or None) for match in matches]
    group_of = {name: name if pattern.groupindex else 1 for name in rules.title_groups}
    return scores, {name: [match and match[group] for match in matches] for name, group in group_of.items()}


@functools.cache
def _pattern(pattern: str) -> re.Pattern:
    return re.compile(pattern)


def _row_names(block: Block, id_column: str | None) -> list[str]:
    if id_column is None:
        return block.row_names
    return ["" if value is None else str(value) for value in block.rows.column(id_column).to_pylist()]


def _split_keys(rows: pa.RecordBatch, groups: dict[str, list], rules: RatingRules) -> list[str] | None:
    if rules.split_column is None:
        return None
    values = groups.get(rules.split_column)
    if values is None:
        values = rows.column(rules.split_column).to_pylist()
    return ["" if value is None else str(value) for value in values]
