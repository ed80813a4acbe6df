"""What is counted while an archive is prepared, and how it is reported.

Everything is a count under a key, so that statistics of blocks add up to those of the archive.
"""

import collections
from collections.abc import Iterable

import numpy as np

from beam_pipelines.artifacts import distributions
from beam_pipelines.artifacts.scale import BINS, Scale
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import NOT_SAMPLED, SPLITS

Counts = collections.Counter
RECURRING = "training_text_recurs_in_validation_or_test"


def add_up(counts: Iterable[Counts]) -> Counts:
    total: Counts = collections.Counter()
    for one in counts:
        total.update(one)
    return total


def count_rows(reviews: Reviews) -> Counts:
    """Counts a block's rows: read, rejected by reason, skipped by reason, rated."""
    counts: Counts = collections.Counter()
    counts["rated",] = len(reviews.ids)
    counts["read",] = reviews.rows_read
    counts.update(("rejected", reject.reason) for reject in reviews.rejects)
    for reason, rows in reviews.skipped.items():
        counts["skipped", reason] += rows
    return counts


def count_examples(split: np.ndarray, recurring: np.ndarray, scores, lengths, known_shares, scale: Scale) -> Counts:
    """Counts a block's rated reviews by what becomes of them.

    Args:
      split: int8 [reviews], an index into `SPLITS` or `NOT_SAMPLED`.
      recurring: bool [reviews], training texts that also stand in validation or test.
      scores: float32 [reviews], in the archive's unit.
      lengths: int64 [reviews], tokens before the cut.
      known_shares: float32 [reviews], the share of these with a vector.
      scale: The range of the scores.
    """
    counts: Counts = collections.Counter()
    counts["skipped", "not_sampled"] = int(np.sum(split == NOT_SAMPLED))
    counts["skipped", RECURRING] = int(np.sum(recurring))
    kept = (split != NOT_SAMPLED) & ~recurring
    bins = scale.bins(scores)
    for index, name in enumerate(SPLITS):
        inside = kept & (split == index)
        counts["kept", name] = int(inside.sum())
        counts.update(("bin", name, int(place)) for place in bins[inside])
        for place, rows in enumerate(distributions.count_shares(known_shares[inside]).tolist()):
            counts["share_bin", name, place] = rows
        counts["tokens", name] = int(lengths[inside].sum())
        counts["known_tokens", name] = distributions.known_tokens(lengths[inside], known_shares[inside])
    counts.update(("length", int(length)) for length in lengths[kept])
    return counts


def by_second(counts: Counts, first: str) -> dict:
    """The counts under keys that begin with `first`, by the second part of the key; zeros left out."""
    return {key[1]: count for key, count in sorted(counts.items()) if key[0] == first and count}


def report(counts: Counts, scale: Scale) -> dict:
    """The part of `statistics.json` that is about rows, scores and lengths."""
    kept = {name: counts["kept", name] for name in SPLITS}
    skipped, rejected = by_second(counts, "skipped"), by_second(counts, "rejected")
    edges = np.linspace(scale.low, scale.high, BINS + 1)
    lengths = by_second(counts, "length")
    values, rows = np.array(list(lengths), np.int64), np.array(list(lengths.values()), np.int64)
    return {
        "rows": {
            "read": counts["read",],
            "kept": sum(kept.values()),
            "rejected": sum(rejected.values()),
            "skipped": sum(skipped.values()),
            "kept_by_split": kept,
            "rejected_by_reason": rejected,
            "skipped_by_reason": skipped,
        },
        "scores": {
            "min": scale.low,
            "max": scale.high,
            "bin_edges": edges.tolist(),
            "histogram": {name: [counts["bin", name, place] for place in range(BINS)] for name in SPLITS},
        },
        "tokens_per_review": describe(lengths),
        "token_lengths": {
            "bin_edges": distributions.length_edges(),
            "histogram": distributions.count_lengths(values, rows).tolist(),
        },
        "known_shares": {
            "bin_edges": distributions.share_edges(),
            "histogram": {
                name: [counts["share_bin", name, place] for place in range(distributions.SHARE_BINS)] for name in SPLITS
            },
            "tokens": {name: counts["tokens", name] for name in SPLITS},
            "known_tokens": {name: counts["known_tokens", name] for name in SPLITS},
        },
    }


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
    last_place = np.cumsum(weights)

    def quantile(share: float) -> float:
        place = share * (count - 1)
        low, high = (values[np.searchsorted(last_place, p, side="right")] for p in (np.floor(place), np.ceil(place)))
        return float(low + (high - low) * (place - np.floor(place)))

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
