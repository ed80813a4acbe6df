"""What is counted of unrated texts in their second reading."""

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from beam_pipelines.artifacts.prepared import UnratedTotals
from beam_pipelines.preparing.row_counts import RowCounts, by_reason
from beam_pipelines.reporting import phrases

# Why a text is left out.
NO_TOKEN, RATED, EQUAL, BEYOND = "no_token", "rated", "equal_text", "beyond_unrated_rows"
_DIGEST_BITS = 64


@dataclasses.dataclass
class UnratedCounts:
    """The texts of the second reading; counts of blocks add up to those of the archive.

    Attributes:
      used: Those that became examples.
      with_teacher: How many of these have a teacher's score.
      left_out: The others, by reason.
      digest: The sum of the examples' hashes, of 64 bits.
    """

    used: int = 0
    with_teacher: int = 0
    left_out: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    digest: int = 0

    @classmethod
    def of(
        cls, *, has_tokens: np.ndarray, is_used: np.ndarray, is_chosen: np.ndarray, is_beyond: np.ndarray
    ) -> "UnratedCounts":
        """Counts the texts of a block; all arguments are bool [texts].

        Args:
          has_tokens: Whether there is a token in a text.
          is_used: Whether it becomes an example.
          is_chosen: Whether it, or an equal one, does.
          is_beyond: Whether its hash is higher than all that do, though there were more.
        """
        others = has_tokens & ~is_chosen
        left_out = {
            NO_TOKEN: ~has_tokens,
            EQUAL: has_tokens & is_chosen & ~is_used,
            BEYOND: others & is_beyond,
            # Of all others below, every one would have been chosen.
            RATED: others & ~is_beyond,
        }
        counts = {reason: int(np.count_nonzero(texts)) for reason, texts in left_out.items()}
        return cls(used=int(np.count_nonzero(is_used)), left_out=collections.Counter(counts))

    def __add__(self, other: "UnratedCounts") -> "UnratedCounts":
        return UnratedCounts(
            self.used + other.used,
            self.with_teacher + other.with_teacher,
            self.left_out + other.left_out,
            (self.digest + other.digest) % 2**_DIGEST_BITS,
        )

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "left_out": dict(self.left_out)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "UnratedCounts":
        return cls(**{**values, "left_out": collections.Counter(values["left_out"])})


def sum_counts(counts: Iterable[UnratedCounts]) -> UnratedCounts:
    return sum(counts, UnratedCounts())


def reasons_in_words(totals: UnratedTotals) -> str:
    """Why rows are not used, the reasons of rejects among them; "" where all are."""
    return phrases.format_counts({**totals.left_out_by_reason, **totals.rejected_by_reason})


def totals(rows: RowCounts, texts: UnratedCounts) -> UnratedTotals:
    """What became of the rows of --unrated in both readings."""
    left_out = rows.skipped + texts.left_out
    return UnratedTotals(
        read=rows.read,
        used=texts.used,
        with_teacher=texts.with_teacher,
        rejected=rows.rejected.total(),
        left_out=left_out.total(),
        rejected_by_reason=by_reason(rows.rejected),
        left_out_by_reason=by_reason(left_out),
        digest=f"{texts.digest:016x}",
        remarks=by_reason(rows.remarks) or None,
        damaged=rows.damaged or None,
    )
