"""The vocabulary of a training split, chosen by plain Python from all of its counts."""

import numpy as np

from beam_pipelines.text.vocabulary import TrainingTokens


def training(counts: dict[str, int]) -> TrainingTokens:
    """All tokens of some counts."""
    tokens = sorted(counts, key=lambda token: (-counts[token], token))
    return TrainingTokens(tokens, np.array([counts[token] for token in tokens], int), len(counts), sum(counts.values()))


def plain_choice(
    counts: dict[str, int], vectors: dict[str, list[float]], trained_tokens: int
) -> tuple[list[str], list[str], dict[str, int]]:
    """The tokens with a vector and those without one that get an id, and the counts of the 50 most frequent misses."""
    by_count = sorted(counts, key=lambda token: (-counts[token], token))
    misses = [token for token in by_count if token not in vectors]
    hits = [token for token in by_count if token in vectors]
    unseen = [token for token in vectors if token not in counts]
    return hits + unseen, misses[:trained_tokens], {token: counts[token] for token in misses[:50]}
