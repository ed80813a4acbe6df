"""Chooses which tokens get an id, and writes the vocabulary and its vectors.

Id 0 is padding, id 1 is shared by all tokens that are not chosen, and line n of the vocabulary,
from 0, is id n + 2: first the tokens with a pretrained vector, by falling count and then those that
no training review holds, as the file of vectors has them; then the `trained_tokens` most frequent
without one. A token outside all has no vector, so sharing an id costs nothing and keeps the table small.
"""

import dataclasses

import numpy as np

from beam_pipelines.artifacts.prepared import VocabularyTotals

FILE = "vocabulary.txt"
PADDING_ID = 0
UNKNOWN_ID = 1
FIRST_ID = 2
LISTED_MISSES = 50
_LEARNED_STANDARD_DEVIATION = 0.05


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The chosen tokens.

    Attributes:
      tokens: In the order of their ids, from `FIRST_ID`.
      pretrained: How many of them, from the first, have a pretrained vector.
      vectors: float32 [vocab, dim] by id; zeros for padding, the shared id, and the tokens whose
        vector is yet to be learned beside pretrained ones.
    """

    tokens: list[str]
    pretrained: int
    vectors: np.ndarray

    @property
    def size(self) -> int:
        """The rows of the table, with padding and the shared id."""
        return len(self.tokens) + FIRST_ID

    @property
    def first_trained_id(self) -> int:
        return FIRST_ID + self.pretrained


def end_of_known_ids(first_trained_id: int) -> int:
    """The first id that does not count as known; where no token has a pretrained vector, all of them do."""
    return first_trained_id if first_trained_id > FIRST_ID else np.iinfo(np.int64).max


def choose(counts: dict[str, int], vectors: dict[str, np.ndarray], dim: int, trained_tokens: int) -> Vocabulary:
    """Chooses the vocabulary of a training split.

    Args:
      counts: How often each token stands there.
      vectors: The pretrained vectors of those that have one, and of unseen tokens, float32 [dim] each.
      dim: The length of a vector.
      trained_tokens: How many tokens without a vector get an id.
    """
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
        noise = np.random.default_rng(0).normal(0, _LEARNED_STANDARD_DEVIATION, (len(trained), dim))
        table[FIRST_ID:] = noise
    return Vocabulary(tokens, len(pretrained), table)


def coverage(vocabulary: Vocabulary, counts: dict[str, int]) -> VocabularyTotals:
    """What the statistics say of a vocabulary: hits, misses, and the share of tokens with a vector."""
    with_vector = set(vocabulary.tokens[: vocabulary.pretrained])
    misses = sorted((token for token in counts if token not in with_vector), key=lambda t: (-counts[t], t))
    total = sum(counts.values())
    return VocabularyTotals(
        size=vocabulary.size,
        vector_size=int(vocabulary.vectors.shape[1]),
        distinct_tokens=len(counts),
        tokens=total,
        embedding_hits=len(with_vector.intersection(counts)),
        unseen_tokens=vocabulary.pretrained - len(with_vector.intersection(counts)),
        embedding_misses=len(misses),
        trained_tokens=len(vocabulary.tokens) - vocabulary.pretrained,
        first_trained_id=vocabulary.first_trained_id,
        share_of_tokens_with_vector=sum(counts.get(token, 0) for token in with_vector) / max(total, 1),
        most_frequent_without_vector={token: counts[token] for token in misses[:LISTED_MISSES]},
    )
