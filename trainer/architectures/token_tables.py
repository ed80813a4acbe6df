"""Tables of what each token adds to the windows of convolutions over its vectors, and to the sums of its review.

With the weights fixed, a window's sum is a sum of rows, looked up in one table for each offset in the window. So no
window needs a multiplication, and reviews of any lengths are pooled without padding.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from beam_pipelines.text.vocabulary import PADDING_ID
from trainer.architectures import layers

# Larger tables are no part of an export: it multiplies the vectors of the tokens that it meets.
LARGEST_TABLES_BYTES = 400_000_000


class TokenTables(tf.Module):
    """What each token of the vocabulary adds to a window and to the sums of its review.

    Args:
      vectors: Looks up the tokens' vectors.
      convolutions: Over the vectors, the narrower ones first.
      to_sums: ids int [tokens] -> what they add to the sums of their review, float32 [tokens, columns].

    Attributes:
      widths: int64 [filters], ascending, how many tokens the windows of each filter have.
      in_tables: Whether the rows are looked up, or else made anew at each call.
    """

    def __init__(
        self,
        vectors: layers.TokenVectors,
        convolutions: list[layers.MaskedConv1D],
        to_sums: Callable[[tf.Tensor], tf.Tensor],
    ):
        super().__init__()
        self.widths = np.repeat(
            [layer.kernel_size[0] for layer in convolutions], [layer.filters for layer in convolutions]
        )
        # Functions hide the layers from TensorFlow: an export that holds the tables needs no vectors.
        self._row_functions = [_rows_at(vectors, convolutions, offset) for offset in range(self.widths.max())]
        self._row_functions.append(to_sums)
        self._every_id = np.arange(vectors.table().shape[0])
        columns = sum(rows(tf.constant([0])).shape[1] for rows in self._row_functions)
        self.in_tables = 4 * columns * len(self._every_id) <= LARGEST_TABLES_BYTES
        if self.in_tables:
            self._tables = [tf.Variable(rows(self._every_id), trainable=False) for rows in self._row_functions]

    def _rows(self, index: int, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self._tables[index], ids) if self.in_tables else self._row_functions[index](ids)

    def contribution_at(self, offset: int, ids: tf.Tensor) -> tf.Tensor:
        """Returns what tokens add at an offset in a window, from 0, float32 [tokens, filters].

        It is 0 for padding and for the filters whose windows do not reach so far. At offset 0 it includes the bias.
        """
        return self._rows(offset, ids)

    def to_sums(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns what tokens add to the sums of their review, float32 [tokens, columns]."""
        return self._rows(-1, ids)

    def fold(self) -> dict[str, tf.Tensor]:
        """Joins all rows in one table.

        Returns:
          `table` float32 [vocab, columns], a row for each token: what it adds to the filters at offset 0 in a
          window, at offset 1, and so on, then what it adds to the review's sums. An offset has columns only for
          the filters that reach it, which are the last ones. The columns of offset 0 include the bias. `widths`
          int64 [filters], ascending.
        """
        columns = [
            self.contribution_at(offset, self._every_id)[:, np.searchsorted(self.widths, offset, side="right") :]
            for offset in range(self.widths.max())
        ]
        return {
            "table": tf.concat([*columns, self.to_sums(self._every_id)], axis=1),
            "widths": tf.constant(self.widths, tf.int64),
        }

    def windows(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the sum of each window, one for each token: float32 [tokens of all, filters].

        Args:
          ids: int64 [batch, time].
        """
        flat, reviews = ids.flat_values, _review_of_each_token(ids)
        rows = [self.contribution_at(0, flat)]
        for offset in range(1, self.widths.max()):
            ahead = tf.pad(flat, [[0, offset]])[offset:]
            # A window that reaches past the end of its review reads padding, not the next review.
            is_inside = tf.pad(reviews, [[0, offset]], constant_values=-1)[offset:] == reviews
            rows.append(self.contribution_at(offset, tf.where(is_inside, ahead, PADDING_ID)))
        return tf.add_n(rows)

    def pool(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Pools the windows of reviews.

        Args:
          ids: int64 [batch, time], at least one in each review.

        Returns:
          The highest and the lowest sum of a window, the mean over all windows of what the rectifier leaves of a
          sum, float32 [batch, filters] each, and the sums of `to_sums`, float32 [batch, columns].
        """
        reviews, windows = _review_of_each_token(ids), self.windows(ids)
        lengths = tf.cast(ids.row_lengths(), tf.float32)[:, tf.newaxis]
        # In float64: rounding adds up along thousands of tokens, most where all are the same.
        sums = tf.math.segment_sum(tf.cast(self.to_sums(ids.flat_values), tf.float64), reviews)
        return (
            tf.math.segment_max(windows, reviews),
            tf.math.segment_min(windows, reviews),
            tf.math.segment_sum(tf.nn.relu(windows), reviews) / lengths,
            tf.cast(sums, tf.float32),
        )


def no_sums(ids: tf.Tensor) -> tf.Tensor:
    """Returns what tokens add to no sums, float32 [tokens, 0]: for a model that has none."""
    return tf.zeros([tf.size(ids), 0])


def _review_of_each_token(ids: tf.RaggedTensor) -> tf.Tensor:
    """Returns the index of each token's review, int32 [tokens of all]."""
    # A single operation, where the tensor's own method runs dozens, which is felt in one short review.
    # It takes the splits, which do not wait for the look-up of the ids.
    tokens, ends = tf.range(ids.row_splits[-1]), ids.row_splits[1:]
    return tf.raw_ops.UpperBound(sorted_inputs=ends[tf.newaxis], values=tokens[tf.newaxis])[0]


def _rows_at(
    vectors: layers.TokenVectors, convolutions: list[layers.MaskedConv1D], offset: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes the function that multiplies the rows of `TokenTables.contribution_at`."""

    def rows(ids: tf.Tensor) -> tf.Tensor:
        kernels = [
            layer.kernel[offset] if offset < layer.kernel_size[0] else tf.zeros(layer.kernel.shape[1:])
            for layer in convolutions
        ]
        added = tf.matmul(vectors(ids), tf.concat(kernels, axis=1))
        if offset == 0:
            added += tf.concat([layer.bias for layer in convolutions], axis=0)
        return tf.where((ids != PADDING_ID)[:, tf.newaxis], added, 0)

    return rows
