"""Makes unrated reviews of rows: the text, what names it, and what a teacher says of its score."""

import collections
import dataclasses

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import soft_scores
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.soft_scores import BadTeacher, SoftScore


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnratedRules:
    """Where a row of --unrated holds its text, what names it, and its teacher's score.

    Attributes:
      text_column: The column of the text.
      scale: The range that a teacher's scores must lie in.
      id_column: The column that names a row; where it is None or empty, the file and row number do.
      teacher_column: The column of the teacher's score; None without a teacher.
      unrated_values: Scores that stand for none.
    """

    text_column: str
    scale: Scale
    id_column: str | None = None
    teacher_column: str | None = None
    unrated_values: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnratedReviews(Reviews):
    """The unrated reviews of a block; they have no scores, and are skipped where they have no text.

    Attributes:
      places: int64 [reviews, 3], the file's index, the member's, and the row's number there: in order, those of the
        archive, however it is cut.
      teachers: The teacher's score of each; None without a teacher.
    """

    places: np.ndarray
    teachers: list[SoftScore] | None


def unrated_reviews(block: Block, rules: UnratedRules) -> UnratedReviews:
    """Takes the texts of a block's rows, skips those without any and rejects what the teacher says in vain."""
    texts = block.rows.column(rules.text_column)
    empty = rejects.empty_texts(texts)
    teachers, reasons = _teachers(block.rows, rules, empty)
    kept = [row for row in range(block.rows.num_rows) if row not in empty and row not in reasons]
    names = _row_names(block, rules.id_column)
    return UnratedReviews(
        extent=block.extent,
        next_extent=block.next_extent,
        rejects=block.rejected(reasons),
        texts=texts.take(pa.array(kept, pa.int64())),
        scores=np.full(len(kept), np.nan, np.float32),
        ids=[names[row] for row in kept],
        split_keys=None,
        skipped=collections.Counter(empty.values()),
        remarks=collections.Counter(block.notes.remarks),
        notes=block.notes.files,
        unread_bytes=block.unread_bytes,
        places=_places(block)[kept],
        teachers=None if teachers is None else [teachers[row] for row in kept],
    )


def _teachers(
    rows: pa.RecordBatch, rules: UnratedRules, empty: dict[int, str]
) -> tuple[list[SoftScore] | None, dict[int, str]]:
    """Reads the teacher's scores; also returns, by its index, the reason to reject a row."""
    if rules.teacher_column is None:
        return None, {}
    teachers: list[SoftScore] = []
    reasons = {}
    for row, raw in enumerate(rows.column(rules.teacher_column).to_pylist()):
        teachers.append({})
        try:
            teachers[row] = soft_scores.read(raw, rules.scale, rules.unrated_values)
        except BadTeacher as bad:
            # What is said of no text is no fault of the archive.
            if row not in empty:
                reasons[row] = str(bad)
    return teachers, reasons


def _places(block: Block) -> np.ndarray:
    positions = np.array([file.position for file in block.files], np.int64).reshape(-1, 2)
    return np.column_stack([positions[block.file_of_row], block.row_numbers])


def _row_names(block: Block, id_column: str | None) -> list[str]:
    names = block.row_names
    if id_column is None:
        return names
    given = block.rows.column(id_column).to_pylist()
    return [name if value is None or value == "" else str(value) for name, value in zip(names, given, strict=True)]
