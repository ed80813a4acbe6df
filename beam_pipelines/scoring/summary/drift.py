"""Whether an archive is like the data that the model learned from, in numbers and in plain sentences."""

import dataclasses
from typing import Any

import numpy as np

from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.prepared import TEST, VALIDATION, KnownShares, LengthHistogram
from beam_pipelines.artifacts.typed_json import TypedJson

# The conventional thresholds of the population stability index.
SHIFT, LARGE_SHIFT = 0.1, 0.25
# A difference in the share of known words that is worth telling, and one that hints at its cause.
SHARE_GAP, FOREIGN_GAP = 0.01, 0.05
# Below this many held-out reviews, known words are compared with those of all.
FEW_HELD_OUT = 30
TOLD_WORDS = 5
TRUST_LESS = "Trust the scores less."


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistogramComparison(TypedJson):
    """A histogram of the archive beside that of the training data.

    Attributes:
      edges: Of the bins.
      counts: The archive's reviews by bin.
      training: The training data's.
      psi: Their population stability index; None where one is empty.
      psi_by_chance: What it does not exceed between two samples of one distribution.
    """

    edges: list
    counts: list[int]
    training: list[int]
    psi: float | None
    psi_by_chance: float | None

    @property
    def has_shifted(self) -> bool:
        """Whether the index is beyond the convention and beyond what chance does to so few reviews."""
        return self.psi is not None and self.psi > max(SHIFT, self.psi_by_chance or 0.0)

    @property
    def is_large(self) -> bool:
        return self.psi is not None and self.psi > LARGE_SHIFT

    @property
    def degree(self) -> str:
        """An adverb for the shift, with a space; empty where it is large."""
        return "" if self.is_large else "somewhat "

    @property
    def index(self) -> str:
        """The index in words."""
        return f"PSI {self.psi:.2g}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class LengthComparison(HistogramComparison):
    """The lengths in tokens, with the medians; None where there is no review."""

    median: int | None
    training_median: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShareComparison(HistogramComparison):
    """The shares of known words, with the shares of all words; None where there is no word."""

    share: float | None
    training_share: float | None


def compare_lengths(counts: np.ndarray, training: LengthHistogram) -> LengthComparison:
    """Compares the lengths in tokens with those of the training data."""
    reference = np.asarray(training.histogram)
    counts = np.broadcast_to(counts, len(reference))
    return LengthComparison(
        **_compare(counts, reference, training.bin_edges),
        median=distributions.median_length(counts),
        training_median=distributions.median_length(reference),
    )


def compare_shares(counts: np.ndarray, training: KnownShares, *, tokens: int, known_tokens: int) -> ShareComparison:
    """Compares the shares of known words with those of the training data.

    The reviews that the vocabulary was made of know their own words too well, so others stand for
    the training data where there are enough.

    Args:
      counts: The archive's reviews by bin.
      training: The training data's.
      tokens: The archive's.
      known_tokens: Those of them with a vector.
    """
    splits = [name for name in (VALIDATION, TEST) if name in training.histogram]
    if sum(sum(training.histogram[name]) for name in splits) < FEW_HELD_OUT:
        splits = list(training.histogram)
    reference = np.sum([training.histogram[name] for name in splits], axis=0)
    training_tokens = sum(training.tokens[split] for split in splits)
    training_known = sum(training.known_tokens[split] for split in splits)
    return ShareComparison(
        **_compare(np.broadcast_to(counts, len(reference)), reference, training.bin_edges),
        share=known_tokens / tokens if tokens else None,
        training_share=training_known / training_tokens if training_tokens else None,
    )


def _compare(counts: np.ndarray, reference: np.ndarray, edges: list) -> dict[str, Any]:
    both = counts.any() and reference.any()
    return {
        "edges": edges,
        "counts": counts.tolist(),
        "training": reference.tolist(),
        "psi": distributions.stability_index(counts, reference) if both else None,
        "psi_by_chance": distributions.index_by_chance(counts, reference) if both else None,
    }


def sentences(lengths: LengthComparison, shares: ShareComparison, unknown: dict[str, int]) -> list[str]:
    """Says what has changed, a sentence each; none where the archive is like the training data."""
    changes, trusted = [], not (lengths.has_shifted and lengths.is_large)
    if lengths.has_shifted:
        changes.append(_length_sentence(lengths))
    if shares.has_shifted and shares.share is not None and shares.training_share is not None:
        gap = shares.training_share - shares.share
        if abs(gap) >= SHARE_GAP:
            changes.append(_share_sentence(shares, gap, unknown, subject="their" if changes else "the reviews'"))
        elif not changes and shares.is_large:
            # Short reviews alone spread the share, so beside other lengths this says nothing.
            changes.append(_spread_sentence(shares))
        trusted &= gap < SHARE_GAP or not shares.is_large
    return changes if trusted else [*changes, TRUST_LESS]


def _length_sentence(lengths: LengthComparison) -> str:
    median, training = lengths.median or 0, lengths.training_median or 0
    if abs(median - training) <= 0.1 * training:
        return f"The reviews' lengths are spread otherwise than in the training data ({lengths.index})."
    return (
        f"The reviews are {lengths.degree}{'shorter' if median < training else 'longer'} than those that the model "
        f"learned from: half have at most about {median:,} tokens, there {training:,} ({lengths.index})."
    )


def _share_sentence(shares: ShareComparison, gap: float, unknown: dict[str, int], subject: str) -> str:
    sentence = (
        f"{shares.degree}{'fewer' if gap > 0 else 'more'} of {subject} words have a vector than in the training "
        f"data: {shares.share:.0%}, there {shares.training_share:.0%} ({shares.index})"
    )
    sentence = sentence[0].upper() + sentence[1:]
    if gap < 0:
        # Beside other lengths, it would read as a cause of the doubt that these raise.
        sentence += ", which is no cause for doubt"
    if gap >= FOREIGN_GAP:
        sentence += ", as in another language or subject"
    if gap > 0 and unknown:
        words = [f"{word} ({count:,})" for word, count in list(unknown.items())[:TOLD_WORDS]]
        sentence += f"; the most frequent unknown words are {', '.join(words)}"
    return sentence + "."


def _spread_sentence(shares: ShareComparison) -> str:
    return (
        "The words with a vector are spread otherwise over the reviews than in the training data, though their share "
        f"of all words is about the same: {shares.share:.1%}, there {shares.training_share:.1%} ({shares.index})."
    )


def likeness(lengths: LengthComparison, shares: ShareComparison) -> str:
    """Says that nothing has drifted."""
    if lengths.psi is None or shares.psi is None:
        return "There is nothing to compare with the training data."
    sentence = f"Lengths and known words are like the training data's (PSI {lengths.psi:.2g} and {shares.psi:.2g}"
    if max(lengths.psi, shares.psi) > SHIFT:
        return f"{sentence}, no more than chance makes of so few)."
    return f"{sentence})."
