"""The folded form of a CNN: its embeddings multiplied into all that follows them linearly.

With frozen vectors a window's sum is a sum of rows, looked up in one table for each place in the
window; the bag of words is a row of logits for each token. So no window needs a multiplication, and
reviews of any lengths are pooled without padding: `pool` does it in the export, a bulk job by itself
with what `fold` gives, and `finish` makes of the pooled sums what the model says.
"""

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.text import vocabulary
from trainer.architectures import build

# Larger tables are no part of an export: it multiplies the vectors of the tokens that it meets.
LARGEST_TABLES_BYTES = 400_000_000


class Rows(tf.Module):
    """What each token of the vocabulary adds to a window and to the sums of its review.

    Args:
      model: A CNN of `models.build`.

    Attributes:
      widths: int64 [filters], ascending, how many tokens the windows of each filter have.
    """

    def __init__(self, model: keras.Model):
        super().__init__()
        convolutions = _convolutions(model)
        self.widths = np.repeat(
            [layer.kernel_size[0] for layer in convolutions], [layer.filters for layer in convolutions]
        )
        # In functions: an export that holds the tables needs no vectors.
        self._row_functions = [_at_place(model, place) for place in range(self.widths.max())]
        self._row_functions.append(lambda ids: word_rows(model, ids))
        self._every_id = np.arange(model.get_layer("vectors").table().shape[0])
        columns = sum(rows(tf.constant([0])).shape[1] for rows in self._row_functions)
        self.in_tables = 4 * columns * len(self._every_id) <= LARGEST_TABLES_BYTES
        if self.in_tables:
            self._tables = [tf.Variable(rows(self._every_id), trainable=False) for rows in self._row_functions]

    def _rows(self, number: int, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self._tables[number], ids) if self.in_tables else self._row_functions[number](ids)

    def at(self, place: int, ids: tf.Tensor) -> tf.Tensor:
        """What tokens add at a place of a window, from 0, float32 [tokens, filters]; padding adds nothing.

        It is 0 for the filters whose windows do not reach that place. At place 0 it includes the bias.
        """
        return self._rows(place, ids)

    def to_sums(self, ids: tf.Tensor) -> tf.Tensor:
        """What tokens add to the sums of their review, float32 [tokens, columns]."""
        return self._rows(-1, ids)

    def fold(self) -> dict[str, tf.Tensor]:
        """All rows in one table.

        Returns:
          `table` float32 [vocab, columns], a row for each token: what it adds to the filters at the
          first place of a window, at the second, and so on, then what it adds to the review's sums.
          A place has columns only for the filters that reach it, which are the last ones.
          The columns of the first place include the bias. `widths` int64 [filters], ascending.
        """
        columns = [
            self.at(place, self._every_id)[:, np.searchsorted(self.widths, place, side="right") :]
            for place in range(self.widths.max())
        ]
        return {
            "table": tf.concat([*columns, self.to_sums(self._every_id)], axis=1),
            "widths": tf.constant(self.widths, tf.int64),
        }

    def windows(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """The sum of each window, one for each token: float32 [tokens of all, filters].

        Args:
          ids: int64 [batch, time].
        """
        flat, reviews = ids.flat_values, _reviews(ids)
        rows = [self.at(0, flat)]
        for place in range(1, self.widths.max()):
            ahead = tf.pad(flat, [[0, place]])[place:]
            is_inside = tf.pad(reviews, [[0, place]], constant_values=-1)[place:] == reviews
            rows.append(self.at(place, tf.where(is_inside, ahead, vocabulary.PADDING_ID)))
        return tf.add_n(rows)

    def pool(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Pools the windows of reviews.

        Args:
          ids: int64 [batch, time], at least one in each review.

        Returns:
          What `finish` takes: highest, lowest, mean and sums.
        """
        reviews, windows = _reviews(ids), self.windows(ids)
        lengths = tf.cast(ids.row_lengths(), tf.float32)[:, tf.newaxis]
        # In float64: rounding adds up along thousands of tokens, most where all are the same.
        sums = tf.math.segment_sum(tf.cast(self.to_sums(ids.flat_values), tf.float64), reviews)
        return (
            tf.math.segment_max(windows, reviews),
            tf.math.segment_min(windows, reviews),
            tf.math.segment_sum(tf.nn.relu(windows), reviews) / lengths,
            tf.cast(sums, tf.float32),
        )


def _reviews(ids: tf.RaggedTensor) -> tf.Tensor:
    """The number of each token's review, int32 [tokens of all]."""
    # Of one operation, where the tensor's own method runs dozens, which is felt in one short review.
    # By the splits, which do not wait for the look-up of the ids.
    places, ends = tf.range(ids.row_splits[-1]), ids.row_splits[1:]
    return tf.raw_ops.UpperBound(sorted_inputs=ends[tf.newaxis], values=places[tf.newaxis])[0]


def _at_place(model: keras.Model, place: int):
    """What gives the rows of `Rows.at`, by multiplication."""

    def rows(ids: tf.Tensor) -> tf.Tensor:
        kernels = [
            layer.kernel[place] if place < layer.kernel_size[0] else tf.zeros(layer.kernel.shape[1:])
            for layer in _convolutions(model)
        ]
        added = tf.matmul(model.get_layer("vectors")(ids), tf.concat(kernels, axis=1))
        if place == 0:
            added += tf.concat([layer.bias for layer in _convolutions(model)], axis=0)
        return tf.where((ids != vocabulary.PADDING_ID)[:, tf.newaxis], added, 0)

    return rows


def word_rows(model: keras.Model, ids: tf.Tensor) -> tf.Tensor:
    """What tokens add to the sums of the bag of words, float32 [tokens, columns]; no column where there is none."""
    if model.name not in ("cnn", "lstm"):
        return tf.zeros([tf.size(ids), 0])
    words, logits = model.get_layer("words"), model.get_layer("words_logits")
    weights = words.weights_of(ids)[:, tf.newaxis]
    of_logits = words.SCALE * weights * tf.matmul(tf.gather(words.vectors, ids), logits.kernel)
    return tf.concat([of_logits, weights**2], axis=1)


def word_logits(model: keras.Model, sums: tf.Tensor) -> tf.Tensor:
    """What the bag of words says of reviews, float32 [batch, outputs], given the sums of `word_rows`."""
    return sums[:, :-1] / tf.sqrt(sums[:, -1:]) + model.get_layer("words_logits").bias


def finish(model: keras.Model, highest: tf.Tensor, lowest: tf.Tensor, mean: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
    """What the model says of reviews, given their pooled windows.

    Args:
      model: A CNN.
      highest: float32 [batch, filters], the greatest sum of a window.
      lowest: Likewise, the least.
      mean: Likewise, the mean over all windows of what the rectifier leaves of a sum.
      sums: float32 [batch, columns], the sums of the tokens' last columns.

    Returns:
      float32 [batch, outputs], as of the model itself.
    """
    if model.name != "cnn":
        slope, shift = normalization(model)
        # The rectifier keeps order and the normalisation keeps or turns it, so both can wait for the pooling.
        pooled = slope * tf.nn.relu(tf.where(slope >= 0, highest, lowest)) + shift
        return model.get_layer("score")(model.get_layer("hidden")(pooled))
    counts = [layer.filters for layer in _convolutions(model)]
    parts = zip(tf.split(tf.nn.relu(highest), counts, axis=1), tf.split(mean, counts, axis=1), strict=True)
    pooled = tf.concat([pooled for pair in parts for pooled in pair], axis=1)
    return word_logits(model, sums) + model.get_layer("frozen_logits")(pooled)


def normalization(model: keras.Model) -> tuple[tf.Tensor, tf.Tensor]:
    """The slope and the shift of the notebook's batch normalisation, float32 [filters] each."""
    layer = model.get_layer("normalization")
    slope = layer.gamma / tf.sqrt(layer.moving_variance + layer.epsilon)
    return slope, layer.beta - slope * layer.moving_mean


def _convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    names = [f"frozen_convolution_{width}" for width in build.WIDTHS] if model.name == "cnn" else ["convolution"]
    return [model.get_layer(name) for name in names]
