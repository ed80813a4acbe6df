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
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.preparing.settings import PreprocessSettings

UNRATED_SCORE = "no_score"
UNRATED_TITLE = "title_without_score"


@dataclasses.dataclass(frozen=True)
class Reviews:
    """The rated reviews of a block.

    Attributes:
      block: The name of the block.
      rejects: The block's rows that cannot be used.
      texts: string [reviews].
      scores: float32 [reviews], in the archive's unit.
      ids: The name of each review's row.
      split_keys: What must be equal to stay in one split, or None where the text decides.
      skipped: How many rows have no score, by reason.
    """

    block: str
    rejects: list[Reject]
    texts: pa.Array
    scores: np.ndarray
    ids: list[str]
    split_keys: list[str] | None
    skipped: collections.Counter

    @property
    def rows_read(self) -> int:
        return len(self.ids) + len(self.rejects) + self.skipped.total()


def rated_reviews(block: Block, settings: PreprocessSettings) -> Reviews:
    """Reads the scores of a block's rows, skips the unrated and rejects the unusable."""
    raw_scores, groups = _raw_scores(block.rows, settings)
    reasons = rejects.empty_texts(block.rows.column(settings.text_column))
    unrated = UNRATED_SCORE if settings.score_column else UNRATED_TITLE
    scores, kept, skipped = [], [], collections.Counter()
    for row, raw in enumerate(raw_scores):
        if raw is None:
            reasons.pop(row, None)
            skipped[unrated] += 1
        elif row not in reasons:
            score = parse_score(raw)
            reason = _score_fault(score, settings)
            if reason:
                reasons[row] = reason
            else:
                scores.append(score)
                kept.append(row)
    names = _row_names(block, settings.id_column)
    keys = _split_keys(block.rows, groups, settings)
    return Reviews(
        block.name,
        block.reject(reasons).rejects,
        block.rows.column(settings.text_column).take(pa.array(kept, pa.int64())),
        np.array(scores, np.float32),
        [names[row] for row in kept],
        keys and [keys[row] for row in kept],
        skipped,
    )


def parse_score(raw: object) -> float:
    """The number that was written, or NaN where none was.

    >>> [parse_score(raw) for raw in ("85", " 8.5 ", 3, "good", "true", "1_0")]
    [85.0, 8.5, 3.0, nan, nan, nan]
    """
    if isinstance(raw, bool) or (isinstance(raw, str) and "_" in raw):
        return math.nan
    try:
        return float(raw)
    except (TypeError, ValueError):
        return math.nan


def _score_fault(score: float, settings: PreprocessSettings) -> str | None:
    if not math.isfinite(score):
        return "score_not_a_number"
    if not settings.score_min <= score <= settings.score_max:
        return "score_out_of_range"
    return None


def _raw_scores(rows: pa.RecordBatch, settings: PreprocessSettings) -> tuple[list, dict[str, list]]:
    """Each row's score as it was written, None where there is none, and a title's groups."""
    if settings.score_column:
        raw = rows.column(settings.score_column).to_pylist()
        return [None if is_blank(value) else value for value in raw], {}
    titles = rows.column(settings.title_column).to_pylist()
    found = [_pattern(settings.score_pattern).search("" if title is None else str(title)) for title in titles]
    # A group that took no part in the match gives None, which is no score either.
    scores = [match and (match[match.re.groups] or None) for match in found]
    groups = {
        name: [match and match[name if match.re.groupindex else 1] for match in found] for name in settings.title_groups
    }
    return scores, groups


@functools.cache
def _pattern(pattern: str) -> re.Pattern:
    return re.compile(pattern)


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _row_names(block: Block, id_column: str | None) -> list[str]:
    if id_column is None:
        return block.row_names
    return ["" if value is None else str(value) for value in block.rows.column(id_column).to_pylist()]


def _split_keys(rows: pa.RecordBatch, groups: dict[str, list], settings: PreprocessSettings) -> list[str] | None:
    if settings.split_column is None:
        return None
    values = groups.get(settings.split_column)
    if values is None:
        values = rows.column(settings.split_column).to_pylist()
    return ["" if value is None else str(value) for value in values]
