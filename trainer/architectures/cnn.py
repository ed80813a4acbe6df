"""The CNNs: convolutions over the vectors of a review's tokens, pooled (Kim, 2014).

Both are a constant and one term for each token or window up to their last layer. So their folded form gives the same
outputs from tables of what each token adds, and what phrases contribute can be told exactly.
"""

import functools
from typing import Self

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.text.vocabulary import PADDING_ID
from trainer.architectures import bag_of_words, layers, token_tables
from trainer.architectures.architecture import FROZEN, FROZEN_VECTORS, Architecture, WordVectors, embed, pad_rows
from trainer.architectures.heads import Head, PointHead
from trainer.architectures.token_tables import TokenTables

WIDTHS = (1, 2, 3)
FILTERS = 24
JOINED = f"{FROZEN}_convolutions"


class Convolutional(Architecture):
    """What both CNNs share: an export serves them from `TokenTables`."""

    POOLED = ("highest", "lowest", "mean", "sums")
    _CONVOLUTIONS: tuple[str, ...]

    def fold(self) -> dict[str, tf.Tensor]:
        """Returns what `TokenTables.fold` does."""
        return self.tables.fold()

    def outputs(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return self.read_out(*self.tables.pool(ids))

    def outputs_of_padded(self, ids: tf.Tensor) -> tf.Tensor:
        return self.outputs(tf.RaggedTensor.from_tensor(ids, padding=PADDING_ID))

    @functools.cached_property
    def tables(self) -> TokenTables:
        # Whichever graph needs them first must not own their variables.
        with tf.init_scope():
            return TokenTables(self.model.get_layer("vectors"), self._convolutions, self._to_sums)

    @property
    def replaced_weights(self) -> frozenset[str]:
        return frozenset({FROZEN_VECTORS}) if self.tables.in_tables else frozenset()

    @property
    def _convolutions(self) -> list[layers.MaskedConv1D]:
        return [self.model.get_layer(name) for name in self._CONVOLUTIONS]

    def _to_sums(self, ids: tf.Tensor) -> tf.Tensor:
        return token_tables.no_sums(ids)

    def _rectified_windows(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the windows, float32 [batch, time, filters], and which are no padding, bool [batch, time]."""
        windows = pad_rows(ids.with_flat_values(tf.nn.relu(self.tables.windows(ids))))
        return windows, tf.sequence_mask(ids.row_lengths(), tf.shape(windows)[1])


class Cnn(Convolutional):
    """The default: convolutions of several widths, max- and mean-pooled, beside a bag of words."""

    BY_TOKEN, BY_OUTPUT = bag_of_words.BY_TOKEN, bag_of_words.BY_OUTPUT
    _CONVOLUTIONS = tuple(f"{FROZEN}_convolution_{width}" for width in WIDTHS)

    @classmethod
    def build(cls, vectors: WordVectors, head: Head, *, use_cudnn: bool = True) -> Self:
        ids, embedded = embed(vectors)
        bag = bag_of_words.bag_of_words(ids, vectors.table, head)
        convolutions = [
            layers.MaskedConv1D(FILTERS, width, activation="relu", kernel_initializer="he_normal", name=name)
            for width, name in zip(WIDTHS, cls._CONVOLUTIONS, strict=True)
        ]
        for convolution in convolutions:
            # Built here, its weights are named after it alone, as in older exports.
            convolution.build(embedded.shape)
        windows = layers.JoinedConvolutions(convolutions, name=JOINED)(embedded)
        highest = layers.MaskedGlobalMaxPooling1D(name="max", dtype="float32")(windows)
        mean = keras.layers.GlobalAveragePooling1D(name="mean", dtype="float32")(windows)
        by_width = zip(*(keras.ops.split(pooled, len(WIDTHS), axis=1) for pooled in (highest, mean)), strict=True)
        phrases = keras.layers.Concatenate(name="pooled")([pooled for pair in by_width for pooled in pair])
        phrases = keras.layers.Dropout(0.8, name="pooled_dropout")(phrases)
        return cls(keras.Model(ids, bag_of_words.add_phrases(bag, phrases, head), name="cnn"))

    @property
    def _convolutions(self) -> list[layers.MaskedConv1D]:
        return self.model.get_layer(JOINED).convolutions

    def read_out(self, highest: tf.Tensor, lowest: tf.Tensor, mean: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
        """Returns the model's outputs, float32 [batch, outputs], given what `TokenTables.pool` returns."""
        counts = [layer.filters for layer in self._convolutions]
        # The rectifier keeps order, so it can wait for the pooling; for the mean it cannot.
        by_width = zip(tf.split(tf.nn.relu(highest), counts, axis=1), tf.split(mean, counts, axis=1), strict=True)
        pooled = tf.concat([pooled for pair in by_width for pooled in pair], axis=1)
        return bag_of_words.word_logits(self.model, sums) + bag_of_words.frozen_logits(self.model, pooled)

    def contributions(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Splits the outputs; a window's part is shared out evenly among its tokens."""
        windows, mask = self._rectified_windows(ids)
        sums = pad_rows(ids.with_flat_values(self.tables.to_sums(ids.flat_values)))
        total = sums[..., :-1] / tf.sqrt(tf.reduce_sum(sums[..., -1:], axis=1, keepdims=True))
        count = tf.cast(ids.row_lengths(), tf.float32)[:, tf.newaxis, tf.newaxis]
        # As `read_out` joins them: of each width the highest, then the mean.
        kernels = tf.split(self.model.get_layer(f"{FROZEN}_logits").kernel, 2 * len(WIDTHS))
        by_width = tf.split(windows, len(WIDTHS), axis=2)
        for width, of_width, of_greatest, of_mean in zip(WIDTHS, by_width, kernels[::2], kernels[1::2], strict=True):
            parts = _greatest(of_width, mask) @ of_greatest + of_width / count @ of_mean
            total += _to_tokens(parts, mask, width)
        return total, tf.convert_to_tensor(self.model.get_layer("words_logits").bias)

    def learned_vectors(self) -> np.ndarray:
        return bag_of_words.learned_vectors(self.model)

    def _to_sums(self, ids: tf.Tensor) -> tf.Tensor:
        return bag_of_words.word_rows(self.model, ids)


class NotebookCnn(Convolutional):
    """The notebook's: one convolution, normalised, max-pooled, and two dense layers without anything between."""

    _CONVOLUTIONS = ("convolution",)

    @classmethod
    def head_for(cls, scores: np.ndarray) -> Head:
        return PointHead()

    @classmethod
    def build(cls, vectors: WordVectors, head: Head, *, use_cudnn: bool = True) -> Self:
        ids, embedded = embed(vectors)
        # Made first: each layer takes the next seed for its first weights, and a seed shall give what it always gave.
        score = keras.layers.Dense(head.outputs, name="score", dtype="float32")
        hidden = layers.MaskedConv1D(128, 5, activation="relu", name="convolution")(embedded)
        hidden = keras.layers.BatchNormalization(name="normalization")(hidden)
        hidden = layers.MaskedGlobalMaxPooling1D(name="pooling", dtype="float32")(hidden)
        hidden = keras.layers.Dense(64, name="hidden")(hidden)
        hidden = keras.layers.Dropout(0.2, name="dropout")(hidden)
        return cls(keras.Model(ids, score(hidden), name="notebook_cnn"))

    def read_out(self, highest: tf.Tensor, lowest: tf.Tensor, mean: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
        """Returns the model's outputs, float32 [batch, outputs], given what `TokenTables.pool` returns."""
        slope, shift = layers.slope_and_shift(self.model.get_layer("normalization"))
        # The rectifier keeps order and the normalisation keeps or turns it, so both can wait for the pooling.
        pooled = slope * tf.nn.relu(tf.where(slope >= 0, highest, lowest)) + shift
        return self._score(pooled)

    def contributions(self, ids: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Splits the outputs; a window's part is shared out evenly among its tokens."""
        windows, mask = self._rectified_windows(ids)
        slope, shift = layers.slope_and_shift(self.model.get_layer("normalization"))
        hidden, score = self.model.get_layer("hidden"), self.model.get_layer("score")
        parts = _greatest(windows * slope, mask) @ hidden.kernel @ score.kernel
        return _to_tokens(parts, mask, self.tables.widths.max()), self._score(shift[tf.newaxis])[0]

    def _score(self, pooled: tf.Tensor) -> tf.Tensor:
        return self.model.get_layer("score")(self.model.get_layer("hidden")(pooled))


def _greatest(windows: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Keeps each filter's greatest window, zeros the others: float32 [batch, time, filters]."""
    lifted = tf.where(mask[..., tf.newaxis], windows, windows.dtype.min)
    return windows * tf.one_hot(tf.argmax(lifted, axis=1), tf.shape(windows)[1], axis=1)


def _to_tokens(parts: tf.Tensor, mask: tf.Tensor, width: int) -> tf.Tensor:
    """Shares each window's part out among its tokens that are no padding: float32 [batch, time, outputs]."""
    ones = tf.pad(tf.cast(mask, tf.float32), [[0, 0], [0, width - 1]])
    time = tf.shape(mask)[1]
    tokens_of_window = tf.add_n([ones[:, offset : offset + time] for offset in range(width)])
    parts /= tf.maximum(tokens_of_window, 1)[..., tf.newaxis]
    # A token stands at offset k of the window that starts k tokens before it.
    parts = tf.pad(parts, [[0, 0], [width - 1, 0], [0, 0]])
    total = tf.add_n([parts[:, width - 1 - offset : width - 1 - offset + time] for offset in range(width)])
    return tf.where(mask[..., tf.newaxis], total, 0)


CLASSES = {"default": Cnn, "notebook": NotebookCnn}
