"""Chooses the tokens that get an id, and their vectors.

Id 0 is padding, id 1 is shared by all tokens that are not chosen, and line n of the vocabulary, from 0, is id n + 2.
First come the tokens with a pretrained vector: those of the training reviews by falling count, then the others in the
order of the file of vectors. Then come the `trained_tokens` most frequent ones without a vector. Any other token has
no vector, so sharing an id loses nothing and keeps the table small.
"""

import dataclasses

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


def choose(counts: dict[str, int], vectors: dict[str, np.ndarray], dim: int, trained_tokens: int) -> Vocabulary:
    """Chooses the vocabulary of a training split.

    Args:
      counts: The count of each token there.
      vectors: The pretrained vectors, float32 [dim] each, also of tokens that are not there.
      dim: The length of a vector.
      trained_tokens: The number of tokens without a vector that get an id.
    """
    # Ties by the token: the order of the counts depends on how the runner merged them.
    by_count = sorted(counts, key=lambda token: (-counts[token], token))
    pretrained = [token for token in by_count if token in vectors]
    unseen = [token for token in vectors if token not in counts]
    trained = [token for token in by_count if token not in vectors][:trained_tokens]
    pretrained += unseen
    tokens = pretrained + trained
    table = np.zeros((len(tokens) + FIRST_ID, dim), np.float32)
    for row, token in enumerate(pretrained, FIRST_ID):
        table[row] = vectors[token]
    if not pretrained:
        # Zeros alone would give the weights that follow the vectors no gradient.
        noise = np.random.default_rng(0).normal(0, _LEARNED_STANDARD_DEVIATION, (len(trained), dim))
        table[FIRST_ID:] = noise
    return Vocabulary(tokens, len(pretrained), table)


def coverage(vocabulary: Vocabulary, counts: dict[str, int]) -> VocabularyTotals:
    """Computes a vocabulary's part of the statistics: hits, misses, and the share of tokens with a vector.

    Args:
      vocabulary: The vocabulary.
      counts: The count of each token in the training split.
    """
    with_vector = set(vocabulary.tokens[: vocabulary.pretrained])
    misses = sorted((token for token in counts if token not in with_vector), key=lambda t: (-counts[t], t))
    hits, total = len(with_vector.intersection(counts)), sum(counts.values())
    return VocabularyTotals(
        size=vocabulary.size,
        vector_size=int(vocabulary.vectors.shape[1]),
        distinct_tokens=len(counts),
        tokens=total,
        embedding_hits=hits,
        unseen_tokens=vocabulary.pretrained - hits,
        embedding_misses=len(misses),
        trained_tokens=len(vocabulary.tokens) - vocabulary.pretrained,
        first_trained_id=vocabulary.first_trained_id,
        share_of_tokens_with_vector=sum(counts.get(token, 0) for token in with_vector) / max(total, 1),
        most_frequent_without_vector={token: counts[token] for token in misses[:LISTED_MISSES]},
    )
