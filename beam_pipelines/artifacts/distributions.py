"""How reviews are spread over lengths and known shares, and how far two archives lie apart.

The bins need nothing of an archive, so those of any two compare and those of blocks add up.
"""

import numpy as np

# The least tokens of each bin: two bins an octave, and the last has no end.
_OCTAVES = [length << octave for octave in range(12) for length in (4, 6)]
LENGTHS = np.array([0, 1, 2, 3, *_OCTAVES, 4 << 12])
SHARE_BINS = 20
# A share that float32 rounded below its bin's edge still falls into that bin.
_ROUNDING = 1e-5
# Half a row in every bin keeps the logarithm finite.
_SMOOTHING = 0.5


def length_bins(lengths: np.ndarray) -> np.ndarray:
    """The bin of each length in tokens, int64 [batch]; bins are closed on the left.

    >>> length_bins(np.array([0, 3, 5, 6, 10**9])).tolist()
    [0, 3, 4, 5, 28]
    """
    return np.searchsorted(LENGTHS, lengths, side="right") - 1


def share_bins(shares: np.ndarray) -> np.ndarray:
    """The bin of each share, int64 [batch]: twenty equal ones, closed on the left, the last on both sides.

    >>> share_bins(np.array([0, 0.35, 0.349, 1], np.float32)).tolist()
    [0, 7, 6, 19]
    """
    bins = np.floor(np.asarray(shares, np.float64) * SHARE_BINS + _ROUNDING).astype(np.int64)
    return np.minimum(bins, SHARE_BINS - 1)


def count_lengths(lengths: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Counts lengths by bin, int64 [bins]; `weights` says how many reviews each stands for."""
    return np.bincount(length_bins(lengths), weights, minlength=len(LENGTHS)).astype(np.int64)


def count_shares(shares: np.ndarray) -> np.ndarray:
    """Counts shares by bin, int64 [bins]."""
    return np.bincount(share_bins(shares), minlength=SHARE_BINS)


def known_tokens(lengths: np.ndarray, shares: np.ndarray) -> int:
    """How many tokens of all reviews are known: `shares` says how many of each review's `lengths`."""
    return int(np.rint(np.asarray(shares, np.float64) * lengths).sum())


def length_edges() -> list[int | None]:
    """Where the bins of lengths begin and end; None is no end."""
    return [*LENGTHS.tolist(), None]


def share_edges() -> list[float]:
    return [edge / SHARE_BINS for edge in range(SHARE_BINS + 1)]


def median_length(counts) -> int | None:
    """The median of counted lengths, as if they lay evenly in their bins; None where there are none.

    >>> median_length([0, 0, 0, 0, 2, 2])
    5
    """
    total = np.sum(counts)
    if not total:
        return None
    reached = np.cumsum(counts)
    middle = int(np.searchsorted(reached, total / 2))
    ends = [*LENGTHS[1:].tolist(), LENGTHS[-1] + 1]
    inside = 1 - (reached[middle] - total / 2) / counts[middle]
    return int(max(np.ceil(LENGTHS[middle] + inside * (ends[middle] - LENGTHS[middle])) - 1, LENGTHS[middle]))


def stability_index(counts, reference) -> float:
    """The population stability index: the sum over bins of (p - q) ln(p / q).

    By convention 0.1 is a shift and 0.25 a large one. Bins that are empty in both are left out.

    Args:
      counts: Of one archive, by bin.
      reference: Of the other, in the same bins.
    """
    counts, reference = (values + _SMOOTHING for values in _filled(counts, reference))
    p, q = counts / counts.sum(), reference / reference.sum()
    return float(np.sum((p - q) * np.log(p / q)))


def index_by_chance(counts, reference, share: float = 0.999) -> float:
    """What the index of two samples of one distribution does not exceed, in this share of cases.

    It is about (1 / n + 1 / m) times a chi-square with a degree of freedom less than bins (Yurdakul and
    Naranjo, "Statistical properties of the population stability index", 2020).
    """
    from scipy import stats

    counts, reference = _filled(counts, reference)
    freedom = max(len(counts) - 1, 1)
    return float((1 / counts.sum() + 1 / reference.sum()) * stats.chi2.ppf(share, freedom))


def _filled(counts, reference) -> tuple[np.ndarray, np.ndarray]:
    counts, reference = np.asarray(counts, np.float64), np.asarray(reference, np.float64)
    filled = (counts > 0) | (reference > 0)
    return counts[filled], reference[filled]
