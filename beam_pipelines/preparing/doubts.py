"""Asks, where the prepared tokens look as if a flag were wrong, whether it is: what is odd is not always a mistake."""

import numpy as np

from beam_pipelines.artifacts.prepared import ScoreHistogram, VocabularyTotals
from beam_pipelines.errors import logger
from beam_pipelines.reporting import phrases

SPACES = "texts of a language without spaces have to be cut into words first"
_FEW_WITH_VECTOR = 0.5
_NEARLY_ALL = 0.9
_SHOWN_TOKENS, _SHOWN_CHARACTERS = 10, 30


def warn_of_missing_vectors(vocabulary: VocabularyTotals, source: str) -> None:
    """Warns where most of the training tokens have no vector, and shows the most frequent ones.

    Args:
      vocabulary: With pretrained vectors.
      source: What --embeddings says.
    """
    share = vocabulary.share_of_tokens_with_vector
    if share < _FEW_WITH_VECTOR:
        counts = list(vocabulary.most_frequent_without_vector.items())[:_SHOWN_TOKENS]
        listed = phrases.format_counts({_excerpt(token): count for token, count in counts})
        logger.warning(
            "only %.1f%% of the tokens have a vector in --embeddings %s; the most frequent ones without%s: is it the "
            "right file, and of the right language?",
            100 * share,
            source,
            listed,
        )


def warn_of_unshared_tokens(vocabulary: VocabularyTotals, tokens_of_half: float) -> None:
    """Warns where hardly two reviews can have a token in common, so that nothing is to be learned.

    Args:
      vocabulary: Of the training split.
      tokens_of_half: How many tokens half of the reviews have at most.
    """
    if vocabulary.share_of_tokens_with_vector >= _FEW_WITH_VECTOR:
        return  # They are words.
    example = _excerpt(next(iter(vocabulary.most_frequent_without_vector), ""))
    if tokens_of_half <= 1:
        logger.warning(
            "most reviews are a single token, such as %s: is --text_column right? If so, %s", example, SPACES
        )
    elif vocabulary.distinct_tokens > _NEARLY_ALL * vocabulary.tokens:
        logger.warning(
            "hardly any token stands in two reviews (%s distinct ones of %s), so that there is nothing to learn from: "
            "is --text_column right? If so, give more reviews; %s",
            f"{vocabulary.distinct_tokens:,}",
            f"{vocabulary.tokens:,}",
            SPACES,
        )


def warn_of_unused_scale(scores: ScoreHistogram) -> None:
    """Warns where the scores fill at most two of the ten bins, as stars do on a scale to 100."""
    filled = np.flatnonzero(np.sum(list(scores.histogram.values()), axis=0))
    low, high = filled.min(), filled.max() + 1
    if high - low <= 2:
        logger.warning(
            "all scores fall between %g and %g, on a scale from %g to %g: are --score_min and --score_max right?",
            scores.bin_edges[low],
            scores.bin_edges[high],
            scores.min,
            scores.max,
        )


def _excerpt(token: str) -> str:
    return token if len(token) <= _SHOWN_CHARACTERS else f"{token[:_SHOWN_CHARACTERS]}..."
