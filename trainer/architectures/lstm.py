"""The LSTMs: bidirectional, over the vectors of a review's tokens.

In their folded form the vectors are multiplied into the gates, so that only the recurrence is left to compute.
"""

from typing import Self

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.text.vocabulary import PADDING_ID, UNKNOWN_ID
from trainer.architectures import bag_of_words, layers, shortened_recurrence, token_tables
from trainer.architectures.architecture import FROZEN, Architecture, WordVectors, embed
from trainer.architectures.heads import Head, PointHead

UNITS = 32


class Recurrent(Architecture):
    """What both LSTMs share: their folded form."""

    POOLED = ("highest", "mean", "last", "sums")
    _LSTM: str

    def fold(self) -> dict[str, tf.Tensor]:
        """Multiplies the vectors into the gates.

        Returns:
          `table` float32 [vocab, 8 units + columns], a row for each token: what it adds to the four gates of the
          forward direction, in Keras's order, with their bias, to those of the backward direction, then what it
          adds to the review's sums; `recurrent` float32 [2, units, 4 units], of both directions.
        """
        lstm = self.model.get_layer(self._LSTM)
        vectors = self.model.get_layer("vectors").table()
        cells = [direction.cell for direction in (lstm.forward, lstm.backward)]
        # A gate takes x W + h U + b; x W + b is the same wherever a token stands, so only h U is left for each step.
        columns = [tf.matmul(vectors, cell.kernel) + cell.bias for cell in cells]
        columns.append(self._to_sums(tf.range(tf.shape(vectors)[0])))
        recurrent = [tf.convert_to_tensor(cell.recurrent_kernel) for cell in cells]
        return {"table": tf.concat(columns, axis=1), "recurrent": tf.stack(recurrent)}

    def outputs_and_without(
        self, ids: tf.RaggedTensor, starts: tf.Tensor, sizes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        lengths = tf.cast(ids.row_lengths(), tf.int32)[:, tf.newaxis]
        # One phrase more, of no token, without which the review is whole.
        is_wanted = tf.pad(sizes > 0, [[0, 0], [0, 1]], constant_values=True)
        starts, sizes = tf.concat([starts, lengths], axis=1), tf.pad(sizes, [[0, 0], [0, 1]])
        vectors = ids.with_flat_values(self.model.get_layer("vectors")(ids.flat_values))
        lstm = self.model.get_layer(self._LSTM)
        pooled = shortened_recurrence.pool_without(lstm, vectors, starts, sizes, is_wanted)
        left = lengths - sizes
        mean = pooled.total / tf.cast(tf.maximum(left, 1), tf.float32)[..., tf.newaxis]
        sums = _sums_of_others(ids.with_flat_values(self._to_sums(ids.flat_values)), starts)
        outputs = self.read_out(
            *(tf.reshape(part, [-1, part.shape[-1]]) for part in (pooled.highest, mean, pooled.last, sums))
        )
        nothing = self.outputs_of_padded(tf.constant([[UNKNOWN_ID]], tf.int64))
        outputs = tf.where(tf.reshape(left, [-1, 1]) > 0, outputs, nothing)
        outputs = tf.reshape(outputs, [*tf.unstack(tf.shape(starts)), outputs.shape[-1]])
        return outputs[:, -1], outputs[:, :-1]

    def _to_sums(self, ids: tf.Tensor) -> tf.Tensor:
        return token_tables.no_sums(ids)


class Lstm(Recurrent):
    """The default: the states, max- and mean-pooled, beside a bag of words."""

    BY_TOKEN, BY_OUTPUT = bag_of_words.BY_TOKEN, bag_of_words.BY_OUTPUT
    _LSTM = f"{FROZEN}_lstm"

    @classmethod
    def build(cls, vectors: WordVectors, head: Head, *, use_cudnn: bool = True) -> Self:
        ids, embedded = embed(vectors)
        bag = bag_of_words.bag_of_words(ids, vectors.table, head)
        lstm = layers.MaskedBidirectionalLSTM(UNITS, return_sequences=True, use_cudnn=use_cudnn, name=cls._LSTM)
        states = lstm(embedded)
        pooled = [
            layers.MaskedGlobalMaxPooling1D(name="max", dtype="float32")(states),
            keras.layers.GlobalAveragePooling1D(name="mean", dtype="float32")(states),
        ]
        phrases = keras.layers.Concatenate(name="pooled")(pooled)
        phrases = keras.layers.Dropout(0.8, name="pooled_dropout")(phrases)
        return cls(keras.Model(ids, bag_of_words.add_phrases(bag, phrases, head), name="lstm"))

    def read_out(self, highest: tf.Tensor, mean: tf.Tensor, last: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
        """Returns the model's outputs, float32 [batch, outputs].

        Args:
          highest: float32 [batch, 2 units], the greatest of the states, of both directions.
          mean: Likewise, their mean.
          last: Likewise, each direction's state after its last token.
          sums: float32 [batch, columns], the sums of the tokens' last columns.
        """
        pooled = tf.concat([highest, mean], axis=1)
        return bag_of_words.word_logits(self.model, sums) + bag_of_words.frozen_logits(self.model, pooled)

    def outputs_of_padded(self, ids: tf.Tensor) -> tf.Tensor:
        # As the model computes them, but with sums in float64: rounding adds up along thousands of tokens.
        mask = ids != PADDING_ID
        states = self.model.get_layer(self._LSTM)(self.model.get_layer("vectors")(ids), mask=mask)
        is_token = mask[..., tf.newaxis]
        count = tf.reduce_sum(tf.cast(is_token, tf.float64), axis=1)
        mean = tf.reduce_sum(tf.where(is_token, tf.cast(states, tf.float64), 0), axis=1) / count
        flat = self._to_sums(tf.reshape(ids, [-1]))
        sums = tf.reduce_sum(
            tf.reshape(tf.cast(flat, tf.float64), [*tf.unstack(tf.shape(ids)), flat.shape[-1]]), axis=1
        )
        highest = tf.reduce_max(tf.where(is_token, states, tf.float32.min), axis=1)
        # Of the last state nothing is read.
        return self.read_out(highest, tf.cast(mean, tf.float32), highest, tf.cast(sums, tf.float32))

    def learned_vectors(self) -> np.ndarray:
        return bag_of_words.learned_vectors(self.model)

    def _to_sums(self, ids: tf.Tensor) -> tf.Tensor:
        return bag_of_words.word_rows(self.model, ids)


class NotebookLstm(Recurrent):
    """The notebook's: the last states, normalised."""

    _LSTM = "lstm"

    @classmethod
    def head_for(cls, scores: np.ndarray) -> Head:
        return PointHead()

    @classmethod
    def build(cls, vectors: WordVectors, head: Head, *, use_cudnn: bool = True) -> Self:
        ids, embedded = embed(vectors)
        # Made first: each layer takes the next seed for its first weights, and a seed shall give what it always gave.
        score = keras.layers.Dense(head.outputs, name="score", dtype="float32")
        hidden = keras.layers.SpatialDropout1D(0.2, name="vector_dropout")(embedded)
        lstm = layers.MaskedBidirectionalLSTM(64, return_sequences=False, use_cudnn=use_cudnn, name=cls._LSTM)
        hidden = lstm(hidden)
        hidden = keras.layers.Dropout(0.2, name="dropout")(hidden)
        hidden = keras.layers.BatchNormalization(name="normalization")(hidden)
        return cls(keras.Model(ids, score(hidden), name="notebook_lstm"))

    def read_out(self, highest: tf.Tensor, mean: tf.Tensor, last: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
        """Returns the model's outputs, float32 [batch, outputs]; see `Lstm.read_out`."""
        slope, shift = layers.slope_and_shift(self.model.get_layer("normalization"))
        return self.model.get_layer("score")(slope * last + shift)


def _sums_of_others(rows: tf.RaggedTensor, starts: tf.Tensor) -> tf.Tensor:
    """Sums the tokens of all phrases but one, for each: float32 [batch, phrases, columns].

    Args:
      rows: float32 [batch, time, columns], of the tokens.
      starts: int32 [batch, phrases], ascending, where the phrases begin that cover the review.
    """
    sums = shortened_recurrence.by_phrase(tf.math.unsorted_segment_sum, rows, starts)
    return tf.cumsum(sums, axis=1, exclusive=True) + tf.cumsum(sums, axis=1, exclusive=True, reverse=True)


CLASSES = {"default": Lstm, "notebook": NotebookLstm}
