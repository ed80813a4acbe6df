"""Chooses the tokens that get an id, and their vectors.

Id 0 is padding, id 1 is shared by all tokens that are not chosen, and line n of the vocabulary, from 0, is id n + 2.
First come the tokens with a pretrained vector: those of the training reviews by falling count, then the others in the
order of the file of vectors. Then come the `trained_tokens` most frequent ones without a vector. Any other token has
no vector, so sharing an id loses nothing and keeps the table small.
"""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from beam_pipelines.artifacts.prepared import VocabularyTotals

PADDING_ID = 0
UNKNOWN_ID = 1
# The id of the vocabulary's first token.
FIRST_ID = 2
# The most frequent tokens without a vector that the statistics list.
LISTED_MISSES = 50
_LEARNED_STANDARD_DEVIATION = 0.05
_VECTORS_AT_A_TIME = 10_000


@dataclasses.dataclass(frozen=True)
class TrainingTokens:
    """The tokens of a training split that may get an id, of which there may be far fewer than tokens.

    Attributes:
      tokens: Those with a pretrained vector, and the most frequent ones without; others do no harm. By falling count,
        equal counts by the token, as the order that a runner merged them in may be any.
      counts: int64 [tokens].
      distinct: How many distinct tokens the training split has.
      total: How many tokens.
    """

    tokens: list[str]
    counts: np.ndarray
    distinct: int
    total: int


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The chosen tokens.

    Attributes:
      tokens: In the order of their ids, from `FIRST_ID`.
      pretrained: The number of them, from the first, that have a pretrained vector.
      dim: The length of a vector.
    """

    tokens: list[str]
    pretrained: int
    dim: int

    @property
    def size(self) -> int:
        """The number of ids, with padding and the shared id."""
        return len(self.tokens) + FIRST_ID

    @property
    def first_trained_id(self) -> int:
        """The id after the last one with a pretrained vector."""
        return FIRST_ID + self.pretrained


def end_of_known_ids(first_trained_id: int) -> int:
    """Gives the id after the last known one; if no token has a pretrained vector, all tokens with an id are known."""
    return first_trained_id if first_trained_id > FIRST_ID else np.iinfo(np.int64).max


def choose(training: TrainingTokens, with_vector: Collection[str], dim: int, trained_tokens: int) -> Vocabulary:
    """Chooses the vocabulary of a training split.

    Args:
      training: Its tokens.
      with_vector: The tokens with a pretrained vector, also those that are not in the training split.
      dim: The length of a vector.
      trained_tokens: The number of tokens without a vector that get an id.
    """
    pretrained = [token for token in training.tokens if token in with_vector]
    seen = set(pretrained)
    pretrained += [token for token in with_vector if token not in seen]
    trained = [token for token in training.tokens if token not in with_vector][:trained_tokens]
    return Vocabulary(pretrained + trained, len(pretrained), dim)


def initial_vectors(vocabulary: Vocabulary, take: Callable[[Sequence[str]], np.ndarray]) -> Iterator[np.ndarray]:
    """Gives the vectors by id, float32 [ids, dim], some ids at a time: all together may be too many to hold.

    Padding, the shared id and, beside pretrained vectors, the tokens without one have zeros.

    Args:
      vocabulary: The vocabulary.
      take: Gives the pretrained vectors of some tokens, float32 [tokens, dim].
    """
    yield np.zeros((FIRST_ID, vocabulary.dim), np.float32)
    # Zeros alone would give the weights that follow the vectors no gradient.
    deviation = 0 if vocabulary.pretrained else _LEARNED_STANDARD_DEVIATION
    random = np.random.default_rng(0)
    for first, end in itertools.pairwise(_cuts(0, vocabulary.pretrained)):
        yield take(vocabulary.tokens[first:end])
    for first, end in itertools.pairwise(_cuts(vocabulary.pretrained, len(vocabulary.tokens))):
        yield random.normal(0, deviation, (end - first, vocabulary.dim)).astype(np.float32)


def _cuts(first: int, end: int) -> list[int]:
    return [*range(first, end, _VECTORS_AT_A_TIME), end]


def coverage(vocabulary: Vocabulary, training: TrainingTokens) -> VocabularyTotals:
    """Computes a vocabulary's part of the statistics: hits, misses, and the share of tokens with a vector.

    Args:
      vocabulary: The vocabulary.
      training: The tokens of the training split; at least `LISTED_MISSES` of those without a vector, or all.
    """
    with_vector = set(vocabulary.tokens[: vocabulary.pretrained])
    is_hit = np.array([token in with_vector for token in training.tokens], bool)
    hits, misses = int(is_hit.sum()), np.flatnonzero(~is_hit)[:LISTED_MISSES]
    return VocabularyTotals(
        size=vocabulary.size,
        vector_size=vocabulary.dim,
        distinct_tokens=training.distinct,
        tokens=training.total,
        embedding_hits=hits,
        unseen_tokens=vocabulary.pretrained - hits,
        embedding_misses=training.distinct - hits,
        trained_tokens=len(vocabulary.tokens) - vocabulary.pretrained,
        first_trained_id=vocabulary.first_trained_id,
        share_of_tokens_with_vector=int(training.counts[is_hit].sum()) / max(training.total, 1),
        most_frequent_without_vector={training.tokens[place]: int(training.counts[place]) for place in misses},
    )
