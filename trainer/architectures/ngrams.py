"""The n-grams: a linear branch over the distinct words and bigrams of a review, as a script's logistic regression is.

Each word and each bigram has a row: what it adds to the logits, and the square of its weight, 0 where no rated review
holds it. The logits of a review are the sum of the rows of its n-grams, each once, over the norm of their weights, as
in a cosine-normalised TF-IDF (Salton and Buckley, 1988) of presences.
"""

import numpy as np
import tensorflow as tf

from trainer.architectures import left_out
from trainer.architectures.architecture import Architecture, pad_rows

# A bigram's key: the id of its first word, then that of its second.
SHIFT = 32
# No bigram has it; where there is none, a table still needs a row.
NO_KEY = np.iinfo(np.int64).max
# The norm of the weights of a review without any n-gram of rated ones: as if it had one that all of them hold.
LEAST_NORM = 1.0


def bigram_keys(first, second):
    """The keys of bigrams, int64, given the ids of their words, int64; arrays or tensors."""
    return first * (1 << SHIFT) + second


class Ngrams(tf.Module):
    """The branch.

    Args:
      keys: int64 [bigrams], ascending, of the bigrams that have a row.
      rows: float32 [vocab + bigrams, outputs + 1], those of the ids of words, then those of the keys. Padding and what
        the branch does not know have zeros.
      bias: float32 [outputs].
    """

    def __init__(self, keys: np.ndarray, rows: np.ndarray, bias: np.ndarray):
        super().__init__()
        if not len(keys):
            keys, rows = np.array([NO_KEY]), np.concatenate([rows, np.zeros_like(rows[:1])])
        self.keys = tf.Variable(keys, trainable=False, dtype=tf.int64)
        self.rows = tf.Variable(rows, trainable=False, dtype=tf.float32)
        self.bias = tf.Variable(bias, trainable=False, dtype=tf.float32)
        self._words, self._count = len(rows) - len(keys), len(rows)

    def outputs(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the logits, float32 [batch, outputs], given ids, int64 [batch, time]."""
        return self.logits(self.sums(ids))

    def outputs_of_padded(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns what `outputs` does, for ids int64 [batch, time] that are padded with 0."""
        return self.outputs(tf.RaggedTensor.from_tensor(ids, padding=0))

    def logits(self, sums: tf.Tensor) -> tf.Tensor:
        """Returns the logits, float32 [batch, outputs], given the sums of rows, [batch, outputs + 1]."""
        return sums[:, :-1] / tf.sqrt(tf.maximum(sums[:, -1:], LEAST_NORM**2)) + self.bias

    def sums(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Adds up the rows of the distinct n-grams, float32 [batch, outputs + 1]."""
        distinct, _, _ = tf.unique_with_counts(self._places(ids))
        rows = tf.cast(tf.gather(self.rows, distinct % self._count), tf.float64)
        # In float64: rounding adds up along thousands of tokens.
        return tf.cast(tf.math.unsorted_segment_sum(rows, distinct // self._count, ids.nrows()), tf.float32)

    def contributions(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Splits the logits into parts of the tokens; see `Architecture.contributions`.

        An n-gram that occurs more than once is shared out among its places, and a bigram among its two words.
        """
        _, which, counts = tf.unique_with_counts(self._places(ids))
        indices = self._indices(ids)
        parts = tf.gather(self.rows[:, :-1], indices) / tf.cast(tf.gather(counts, which), tf.float32)[:, tf.newaxis]
        norms = tf.sqrt(tf.maximum(self.sums(ids)[:, -1], LEAST_NORM**2))
        of_words, of_bigrams = tf.split(parts / tf.gather(norms, tf.tile(ids.value_rowids(), [2]))[:, tf.newaxis], 2)
        # The part of a bigram stands at its first word.
        halves = of_bigrams / 2
        of_words += halves + tf.pad(halves, [[1, 0], [0, 0]])[:-1]
        return pad_rows(ids.with_flat_values(of_words)), tf.convert_to_tensor(self.bias)

    def _places(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """A number for the n-gram and the review of each word, then of each bigram, int64 [2 tokens of all]."""
        reviews = tf.cast(ids.value_rowids(), tf.int64)
        return tf.tile(reviews, [2]) * self._count + self._indices(ids)

    def _indices(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """The row of each word, then of the bigram that begins with it, int64 [2 tokens of all]; 0 where none does."""
        words, reviews = ids.flat_values, ids.value_rowids()
        # The last word has no following one; where there are no words at all, nothing has.
        to_end = [[0, tf.minimum(tf.size(words), 1)]]
        wanted = bigram_keys(words, tf.pad(words[1:], to_end))
        found = tf.raw_ops.LowerBound(sorted_inputs=self.keys[tf.newaxis], values=wanted[tf.newaxis], out_type=tf.int64)
        place = tf.minimum(found[0], tf.size(self.keys, tf.int64) - 1)
        # No bigram reaches into the next review.
        is_inside = tf.pad(reviews[1:] == reviews[:-1], to_end)
        is_known = is_inside & (tf.gather(self.keys, place) == wanted)
        return tf.concat([words, tf.where(is_known, self._words + place, 0)], axis=0)


class WithNgrams(Architecture):
    """A fitted model beside fitted n-grams: the outputs of the one, then those of the other.

    Args:
      neural: The model.
      ngrams: Of as many outputs.
    """

    def __init__(self, neural: Architecture, ngrams: Ngrams):
        super().__init__(neural.model)
        self._neural, self._ngrams = neural, ngrams

    @property
    def pooled(self) -> tuple[str, ...]:
        return (*self._neural.pooled, "ngram_sums") if self._neural.pooled else ()

    def fold(self) -> dict[str, tf.Tensor] | None:
        folded = self._neural.fold()
        if folded is None:
            return None
        return {
            **folded,
            "ngram_keys": tf.convert_to_tensor(self._ngrams.keys),
            "ngram_rows": tf.convert_to_tensor(self._ngrams.rows),
        }

    def read_out(self, *pooled: tf.Tensor) -> tf.Tensor:
        *of_neural, sums = pooled
        return tf.concat([self._neural.read_out(*of_neural), self._ngrams.logits(sums)], axis=1)

    def outputs(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return tf.concat([self._neural.outputs(ids), self._ngrams.outputs(ids)], axis=1)

    def outputs_of_padded(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.concat([self._neural.outputs_of_padded(ids), self._ngrams.outputs_of_padded(ids)], axis=1)

    def contributions(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor] | None:
        of_neural = self._neural.contributions(ids)
        if of_neural is None:
            return None
        parts, constants = zip(of_neural, self._ngrams.contributions(ids), strict=True)
        return tf.concat(parts, axis=2), tf.concat(constants, axis=0)

    def outputs_and_without(
        self, ids: tf.RaggedTensor, starts: tf.Tensor, sizes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        whole, without = self._neural.outputs_and_without(ids, starts, sizes)
        of_ngrams = left_out.outputs_without(self._ngrams.outputs_of_padded, ids, starts, sizes)
        return tf.concat([whole, self._ngrams.outputs(ids)], axis=1), tf.concat([without, of_ngrams], axis=2)

    @property
    def tables(self) -> tf.Module:
        both = tf.Module()
        both.neural, both.ngrams = self._neural.tables, self._ngrams
        return both

    @property
    def replaced_weights(self) -> frozenset[str]:
        return self._neural.replaced_weights

    def learned_vectors(self) -> np.ndarray | None:
        return self._neural.learned_vectors()
