"""What is counted while an archive is prepared.

Counts of blocks add up to those of the archive, in any order and grouping, so that a pipeline can sum them.
"""

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from beam_pipelines.archive import rejects
from beam_pipelines.archive.damage import DAMAGED_FILE
from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.prepared import SPLITS, KnownShares, LengthHistogram, RowTotals, ScoreHistogram
from beam_pipelines.artifacts.scale import BINS, Scale
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import NOT_SAMPLED

MOST_REMARKS = 100
RECURRING = "training_text_recurs_in_validation_or_test"


@dataclasses.dataclass
class RowCounts:
    """The rows of the first reading.

    Attributes:
      read: All of them.
      rated: Those with a score that can be used.
      rejected: By reason, those that cannot be used.
      skipped: By reason, those without a score.
      remarks: What was noticed of rows, of `archive.remarks`; of a block no more than a hundred.
      damaged: Files that cannot be read to their end, and why.
      notes: What is to be told of files, a sentence each.
      unread_bytes: How much of the files cannot be read.
    """

    read: int = 0
    rated: int = 0
    rejected: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    skipped: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    remarks: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: set[str] = dataclasses.field(default_factory=set)
    unread_bytes: int = 0

    @classmethod
    def of(cls, reviews: Reviews) -> "RowCounts":
        """Counts the rows of a block."""
        return cls(
            read=reviews.rows_read,
            rated=len(reviews.ids),
            rejected=collections.Counter(reject.reason for reject in reviews.rejects),
            skipped=collections.Counter(reviews.skipped),
            remarks=collections.Counter(bounded(reviews.remarks)),
            damaged={reject.file: reject.raw or "" for reject in reviews.rejects if reject.reason == DAMAGED_FILE},
            notes=set(reviews.notes),
            unread_bytes=reviews.unread_bytes,
        )

    def __add__(self, other: "RowCounts") -> "RowCounts":
        return RowCounts(
            self.read + other.read,
            self.rated + other.rated,
            self.rejected + other.rejected,
            self.skipped + other.skipped,
            self.remarks + other.remarks,
            rejects.merge_damaged(self.damaged, other.damaged),
            self.notes | other.notes,
            self.unread_bytes + other.unread_bytes,
        )

    def to_json(self) -> dict[str, Any]:
        # Not `dataclasses.asdict`, which counts the items of a Counter anew (Python 3.11).
        counters = ("rejected", "skipped", "remarks")
        plain = {name: dict(getattr(self, name)) for name in counters}
        return {**vars(self), **plain, "notes": sorted(self.notes)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RowCounts":
        counters = {name: collections.Counter(values[name]) for name in ("rejected", "skipped", "remarks")}
        return cls(**{**values, **counters, "notes": set(values["notes"])})


@dataclasses.dataclass
class ExampleCounts:
    """The examples of the second reading.

    Attributes:
      skipped: By reason, rated reviews that became no example.
      scores: int64 [splits, bins], the examples by split and bin of the score.
      known_shares: int64 [splits, bins], likewise by the share of their tokens with a vector.
      tokens: int64 [splits], before the cut.
      known_tokens: int64 [splits], those of them with a vector.
      lengths: The examples by their number of tokens.
    """

    skipped: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    scores: np.ndarray = dataclasses.field(default_factory=lambda: _zeros(BINS))
    known_shares: np.ndarray = dataclasses.field(default_factory=lambda: _zeros(distributions.SHARE_BINS))
    tokens: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(len(SPLITS), np.int64))
    known_tokens: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(len(SPLITS), np.int64))
    lengths: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    @classmethod
    def of(
        cls,
        *,
        split: np.ndarray,
        recurring: np.ndarray,
        scores: np.ndarray,
        lengths: np.ndarray,
        known_shares: np.ndarray,
        scale: Scale,
    ) -> "ExampleCounts":
        """Counts the rated reviews of a block.

        Args:
          split: int8 [reviews], an index into `SPLITS` or `NOT_SAMPLED`.
          recurring: bool [reviews], training texts that also stand in validation or test.
          scores: float32 [reviews], in the archive's unit.
          lengths: int64 [reviews], tokens before the cut.
          known_shares: float32 [reviews], the share of these with a vector.
          scale: The range of the scores.
        """
        counts = cls()
        counts.skipped.update(not_sampled=int(np.sum(split == NOT_SAMPLED)))
        counts.skipped.update({RECURRING: int(np.sum(recurring))})
        kept = (split != NOT_SAMPLED) & ~recurring
        for index in range(len(SPLITS)):
            inside = kept & (split == index)
            counts.scores[index] = np.bincount(scale.bins(scores[inside]), minlength=BINS)
            counts.known_shares[index] = distributions.count_shares(known_shares[inside])
            counts.tokens[index] = lengths[inside].sum()
            counts.known_tokens[index] = distributions.known_tokens(lengths[inside], known_shares[inside])
        counts.lengths.update(lengths[kept].tolist())
        return counts

    def __add__(self, other: "ExampleCounts") -> "ExampleCounts":
        return ExampleCounts(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    def to_json(self) -> dict[str, Any]:
        arrays = {name: value.tolist() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {"skipped": dict(self.skipped), **arrays, "lengths": sorted(self.lengths.items())}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ExampleCounts":
        arrays = {
            name: np.array(values[name], np.int64) for name in ("scores", "known_shares", "tokens", "known_tokens")
        }
        skipped, lengths = collections.Counter(values["skipped"]), collections.Counter(dict(values["lengths"]))
        return cls(skipped=skipped, lengths=lengths, **arrays)

    @property
    def rows(self) -> np.ndarray:
        """The examples of each split, int64 [splits]."""
        return self.scores.sum(axis=1)


def bounded(remarks: collections.Counter) -> collections.Counter:
    """Forgets the rarer ones of very many of a block: scores off the scale may be any number."""
    if len(remarks) <= MOST_REMARKS:
        return remarks
    kept = sorted(remarks.items(), key=lambda item: (-item[1], item[0]))[:MOST_REMARKS]
    return collections.Counter(dict(kept))


def _zeros(bins: int) -> np.ndarray:
    return np.zeros((len(SPLITS), bins), np.int64)


def sum_rows(counts: Iterable[RowCounts]) -> RowCounts:
    return sum(counts, RowCounts())


def sum_examples(counts: Iterable[ExampleCounts]) -> ExampleCounts:
    return sum(counts, ExampleCounts())


def row_totals(rows: RowCounts, examples: ExampleCounts) -> RowTotals:
    """What became of the archive's rows in both readings."""
    skipped = rows.skipped + examples.skipped
    return RowTotals(
        read=rows.read,
        kept=int(examples.rows.sum()),
        rejected=rows.rejected.total(),
        skipped=skipped.total(),
        kept_by_split=_by_split(examples.rows),
        rejected_by_reason=by_reason(rows.rejected),
        skipped_by_reason=by_reason(skipped),
        remarks=by_reason(rows.remarks) or None,
        damaged=rows.damaged or None,
    )


def score_histogram(examples: ExampleCounts, scale: Scale) -> ScoreHistogram:
    edges = np.linspace(scale.low, scale.high, BINS + 1)
    return ScoreHistogram(scale.low, scale.high, edges.tolist(), _by_split(examples.scores))


def length_histogram(examples: ExampleCounts) -> LengthHistogram:
    lengths, rows = (np.array(list(values), np.int64) for values in (examples.lengths, examples.lengths.values()))
    return LengthHistogram(distributions.length_edges(), distributions.count_lengths(lengths, rows).tolist())


def known_shares(examples: ExampleCounts) -> KnownShares:
    return KnownShares(
        bin_edges=distributions.share_edges(),
        histogram=_by_split(examples.known_shares),
        tokens=_by_split(examples.tokens),
        known_tokens=_by_split(examples.known_tokens),
    )


def by_reason(counts: collections.Counter) -> dict[str, int]:
    """Counts in the order of their names, zeros left out."""
    return {name: count for name, count in sorted(counts.items()) if count}


def _by_split(values: np.ndarray) -> dict[str, Any]:
    return dict(zip(SPLITS, values.tolist(), strict=True))


def describe(histogram: dict[int, int]) -> dict[str, float]:
    """Count, mean, standard deviation (of a sample), min, quartiles and max, as pandas describes.

    >>> describe({1: 2, 4: 1})["50%"]
    1.0
    """
    values = np.array(sorted(histogram), np.float64)
    weights = np.array([histogram[value] for value in sorted(histogram)], np.int64)
    count = int(weights.sum())
    if count == 0:
        return {"count": 0}
    mean = float(np.average(values, weights=weights))
    variance = float(np.sum(weights * (values - mean) ** 2)) / max(count - 1, 1)
    # Of all values in order, the index after the last one that equals each.
    ends = np.cumsum(weights)

    def quantile(share: float) -> float:
        # Interpolates between the two values beside the rank, as pandas and numpy do by default.
        rank = share * (count - 1)
        low, high = (values[np.searchsorted(ends, index, side="right")] for index in (np.floor(rank), np.ceil(rank)))
        return float(low + (high - low) * (rank - np.floor(rank)))

    return {
        "count": count,
        "mean": mean,
        "std": variance**0.5,
        "min": float(values[0]),
        "25%": quantile(0.25),
        "50%": quantile(0.5),
        "75%": quantile(0.75),
        "max": float(values[-1]),
    }
