"""Chooses the tokens that get an id, and their vectors.

Id 0 is padding, id 1 is shared by all tokens that are not chosen, and line n of the vocabulary, from 0, is id n + 2.
First come the tokens with a pretrained vector: those of the training reviews by falling count, then the others in the
order of the file of vectors. Then come the `trained_tokens` most frequent ones without a vector. Any other token has
no vector, so sharing an id loses nothing and keeps the table small.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from beam_pipelines.artifacts.prepared import VocabularyTotals

PADDING_ID = 0
UNKNOWN_ID = 1
# The id of the vocabulary's first token.
FIRST_ID = 2
# The most frequent tokens without a vector that the statistics list.
LISTED_MISSES = 50
_LEARNED_STANDARD_DEVIATION = 0.05


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
      vectors: float32 [vocab, dim] by id. Padding, the shared id and, beside pretrained vectors, the tokens without
        one have zeros.
    """

    tokens: list[str]
    pretrained: int
    vectors: np.ndarray

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


def choose(
    training: TrainingTokens, rows: Mapping[str, int], pretrained_vectors: np.ndarray, trained_tokens: int
) -> Vocabulary:
    """Chooses the vocabulary of a training split.

    Args:
      training: Its tokens.
      rows: The row of each token with a pretrained vector, also of tokens that are not in the training split.
      pretrained_vectors: float32 [rows, dim].
      trained_tokens: The number of tokens without a vector that get an id.
    """
    with_vector = [token for token in training.tokens if token in rows]
    seen = set(with_vector)
    pretrained = with_vector + [token for token in rows if token not in seen]
    trained = [token for token in training.tokens if token not in rows][:trained_tokens]
    table = np.zeros((len(pretrained) + len(trained) + FIRST_ID, pretrained_vectors.shape[1]), np.float32)
    # What is chosen may take as much memory as all else; in the usual mode, "raise", numpy would copy it once more.
    places = np.array([rows[token] for token in pretrained], np.int64)
    np.take(pretrained_vectors, places, axis=0, out=table[FIRST_ID : FIRST_ID + len(pretrained)], mode="clip")
    if not pretrained:
        # Zeros alone would give the weights that follow the vectors no gradient.
        noise = np.random.default_rng(0).normal(0, _LEARNED_STANDARD_DEVIATION, (len(trained), table.shape[1]))
        table[FIRST_ID:] = noise
    return Vocabulary(pretrained + trained, len(pretrained), table)


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
        vector_size=int(vocabulary.vectors.shape[1]),
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
