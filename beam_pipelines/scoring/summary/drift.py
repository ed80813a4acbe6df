"""Whether an archive is like the data that the model learned from, in numbers and in plain sentences."""

import numpy as np

from beam_pipelines.artifacts import distributions

# The conventional thresholds of the population stability index.
SHIFT, LARGE_SHIFT = 0.1, 0.25
# A difference in the share of known words that is worth telling, and one that hints at its cause.
SHARE_GAP, FOREIGN_GAP = 0.01, 0.05
# Below this many held-out reviews, known words are compared with those of all.
FEW_HELD_OUT = 30
TOLD_WORDS = 5
TRUST_LESS = "Trust the scores less."


def compare(histograms: dict, sums: dict, unknown: dict[str, int], training: dict) -> dict:
    """Compares the archive with the training data.

    Args:
      histograms: Of the archive: `tokens_histogram` and `known_share_histogram`.
      sums: Of the archive: `tokens`, `known_tokens` and `tokens_without_id`.
      unknown: Its most frequent tokens without an id; none where they may not be told.
      training: What the export says of its data.

    Returns:
      `tokens_histogram` and `known_share_histogram`, each with the counts, those of the training
      data and their index; `tokens_without_id` and `unknown_tokens`; `drift`, sentences.
    """
    lengths = compare_lengths(histograms["tokens_histogram"], training["token_lengths"])
    shares = compare_shares(histograms["known_share_histogram"], sums, training["known_shares"])
    return {
        "tokens_histogram": lengths,
        "known_share_histogram": shares,
        "tokens_without_id": sums["tokens_without_id"],
        "unknown_tokens": unknown,
        "drift": sentences(lengths, shares, unknown),
    }


def compare_lengths(counts, training: dict) -> dict:
    """The lengths in tokens beside those of the training data, with the medians."""
    return {
        **_compare(counts, training["histogram"], training["bin_edges"]),
        "median": distributions.median_length(np.broadcast_to(counts, len(training["histogram"]))),
        "training_median": distributions.median_length(training["histogram"]),
    }


def compare_shares(counts, sums: dict, training: dict) -> dict:
    """The shares of known words beside those of the training data, with the shares of all words.

    The reviews that the vocabulary was made of know their own words too well, so others stand for
    the training data where there are enough.
    """
    splits = [name for name in ("validation", "test") if name in training["histogram"]]
    if sum(sum(training["histogram"][name]) for name in splits) < FEW_HELD_OUT:
        splits = list(training["histogram"])
    reference = np.sum([training["histogram"][name] for name in splits], axis=0)
    tokens, known = (sum(training[name][split] for split in splits) for name in ("tokens", "known_tokens"))
    return {
        **_compare(counts, reference, training["bin_edges"]),
        "share": sums["known_tokens"] / sums["tokens"] if sums["tokens"] else None,
        "training_share": known / tokens if tokens else None,
    }


def _compare(counts, reference, edges: list) -> dict:
    reference = np.asarray(reference)
    counts = np.broadcast_to(counts, len(reference))
    both = counts.any() and reference.any()
    return {
        "edges": edges,
        "counts": counts.tolist(),
        "training": reference.tolist(),
        "psi": distributions.stability_index(counts, reference) if both else None,
        "psi_by_chance": distributions.index_by_chance(counts, reference) if both else None,
    }


def has_shifted(compared: dict) -> bool:
    """Whether the index is beyond the convention and beyond what chance does to so few reviews."""
    return compared["psi"] is not None and compared["psi"] > max(SHIFT, compared["psi_by_chance"])


def sentences(lengths: dict, shares: dict, unknown: dict[str, int]) -> list[str]:
    """What has changed, a sentence each; none where the archive is like the training data."""
    told, trusted = [], not (has_shifted(lengths) and lengths["psi"] > LARGE_SHIFT)
    if has_shifted(lengths):
        told.append(_of_lengths(lengths))
    if has_shifted(shares) and shares["share"] is not None and shares["training_share"] is not None:
        gap = shares["training_share"] - shares["share"]
        if abs(gap) >= SHARE_GAP:
            told.append(_of_shares(shares, gap, unknown, subject="their" if told else "the reviews'"))
        elif not told and shares["psi"] > LARGE_SHIFT:
            # Short reviews alone spread the share, so beside other lengths this says nothing.
            told.append(_of_spread(shares))
        trusted &= gap < SHARE_GAP or shares["psi"] <= LARGE_SHIFT
    return told if trusted else [*told, TRUST_LESS]


def _of_lengths(lengths: dict) -> str:
    median, training = lengths["median"], lengths["training_median"]
    if abs(median - training) <= 0.1 * training:
        return f"The reviews' lengths are spread otherwise than in the training data ({_index(lengths)})."
    return (
        f"The reviews are {_somewhat(lengths)}{'shorter' if median < training else 'longer'} than those that the model "
        f"learned from: half have at most about {median:,} tokens, there {training:,} ({_index(lengths)})."
    )


def _of_shares(shares: dict, gap: float, unknown: dict[str, int], subject: str) -> str:
    said = (
        f"{_somewhat(shares)}{'fewer' if gap > 0 else 'more'} of {subject} words have a vector than in the training "
        f"data: {shares['share']:.0%}, there {shares['training_share']:.0%} ({_index(shares)})"
    )
    said = said[0].upper() + said[1:]
    if gap < 0:
        # Beside other lengths, it would read as a cause of the doubt that these raise.
        said += ", which is no cause for doubt"
    if gap >= FOREIGN_GAP:
        said += ", as in another language or subject"
    if gap > 0 and unknown:
        words = [f"{word} ({count:,})" for word, count in list(unknown.items())[:TOLD_WORDS]]
        said += f"; the most frequent unknown words are {', '.join(words)}"
    return said + "."


def _of_spread(shares: dict) -> str:
    return (
        "The words with a vector are spread otherwise over the reviews than in the training data, though their share "
        f"of all words is about the same: {shares['share']:.1%}, there {shares['training_share']:.1%} "
        f"({_index(shares)})."
    )


def _somewhat(compared: dict) -> str:
    return "somewhat " if compared["psi"] <= LARGE_SHIFT else ""


def _index(compared: dict) -> str:
    return f"PSI {compared['psi']:.2g}"


def likeness(lengths: dict, shares: dict) -> str:
    """What is said where nothing has drifted."""
    indices = [one["psi"] for one in (lengths, shares)]
    if None in indices:
        return "There is nothing to compare with the training data."
    said = f"Lengths and known words are like the training data's (PSI {indices[0]:.2g} and {indices[1]:.2g}"
    return f"{said}, no more than chance makes of so few)." if max(indices) > SHIFT else f"{said})."
