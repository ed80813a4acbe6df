"""A few rows of a block as examples: the first of each ranking, and of each reason to reject."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.artifacts.typed_json import TypedJson

EXCERPT_CHARACTERS = 200
RANKED_ROWS = 10
REJECT_EXAMPLES = 3


@dataclasses.dataclass(frozen=True)
class Ranking:
    """An order of rows by their scores, arrays or single ones: the least rank comes first, ties by row."""

    title: str
    rank: Callable[[Any, Any, Any], Any]


# By field of the statistics; the least certain rows are those of the widest interval.
RANKINGS = {
    "best": Ranking("The best reviews", lambda score, low, high: -score),
    "worst": Ranking("The worst reviews", lambda score, low, high: score),
    "least_certain": Ranking("The least certain reviews", lambda score, low, high: low - high),
}


@dataclasses.dataclass(frozen=True)
class RankedRow(TypedJson):
    """A row of a ranking.

    Attributes:
      id: Its id, or what names it where no column does.
      file: The label of its file.
      row_number: Its line or row there, from 1.
      score: In the archive's unit.
      low: Where its interval begins.
      high: Where it ends.
      text: How its text begins; None where texts may not be shown.
    """

    KEYS: ClassVar = {"row_number": "place"}
    OMITTED_IF_NONE: ClassVar = ("text",)

    id: str
    file: str
    row_number: int
    score: float
    low: float
    high: float
    text: str | None = None


@dataclasses.dataclass(frozen=True)
class RejectExample(TypedJson):
    """A rejected row; `raw` is None where texts may not be shown."""

    KEYS: ClassVar = {"row_number": "place"}
    OMITTED_IF_NONE: ClassVar = ("raw",)

    file: str
    row_number: int
    raw: str | None = None


def rank_rows(
    block: Block, results: Mapping[str, np.ndarray], *, id_column: str | None = None, text_column: str | None = None
) -> dict[str, list[RankedRow]]:
    """The first rows of each ranking, ties by their order.

    Args:
      block: The rows.
      results: By column of the shard, [rows] each.
      id_column: The column that names a row; None for its file and row number.
      text_column: The column of the texts; None where they may not be shown.
    """
    scores = results["score"], results["score_low"], results["score_high"]
    names = None if id_column else block.row_names

    def example(row: int) -> RankedRow:
        name = names[row] if names is not None else str(block.rows.column(id_column)[row].as_py())
        text = None if text_column is None else block.rows.column(text_column)[row].as_py() or ""
        # By way of its text, a float32 gets as few digits as it needs.
        score, low, high = (float(str(values[row])) for values in scores)
        return RankedRow(
            id=name[:EXCERPT_CHARACTERS],
            file=block.file_of(row).label,
            row_number=int(block.row_numbers[row]),
            score=score,
            low=low,
            high=high,
            text=text and text[:EXCERPT_CHARACTERS],
        )

    orders = {name: np.argsort(ranking.rank(*scores), kind="stable") for name, ranking in RANKINGS.items()}
    return {name: [example(int(row)) for row in order[:RANKED_ROWS]] for name, order in orders.items()}


def reject_examples(rejects: list[Reject], *, with_raw: bool) -> dict[str, list[RejectExample]]:
    """The first rejects of each reason."""
    by_reason: dict[str, list[RejectExample]] = {}
    for reject in sorted(rejects, key=lambda reject: reject.order):
        examples = by_reason.setdefault(reject.reason, [])
        if len(examples) < REJECT_EXAMPLES:
            # JSON may escape half of a surrogate pair, which no UTF-8 can hold.
            raw = (reject.raw or "")[:EXCERPT_CHARACTERS].encode("utf-8", "replace").decode() if with_raw else None
            examples.append(RejectExample(reject.file, reject.row_number, raw))
    return by_reason
