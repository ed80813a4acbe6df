"""Layers that respect the mask, so that padding and batch neighbours never change a score.

Keras 3.15 leaves three holes: Conv1D drops the mask and reads the padding, GlobalMaxPooling1D takes
the maximum over the padding too, and an Embedding is either frozen or trained as a whole. And its
LSTM on a CPU loops over many small operations, heeding the mask in each step.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from trainer.architectures import recurrence


def has_gpu() -> bool:
    """Whether TensorFlow uses a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


class TokenVectors(keras.layers.Layer):
    """Looks up vectors of tokens, some pretrained and frozen, the rest learned.

    ids int [batch, time] -> float32 [batch, time, dim], with a mask where the id is 0.

    Args:
      table: float32 [vocab, dim], the frozen vectors; where `learned_from` is set, rows from there
        on are the starting point of the learned ones.
      learned_from: The first id whose vector is learned; None freezes all.
    """

    def __init__(self, table: np.ndarray, learned_from: int | None, **kwargs):
        super().__init__(**kwargs)
        self._learned_from = learned_from if learned_from is not None and learned_from < len(table) else None
        frozen, learned = np.split(table, [len(table) if self._learned_from is None else self._learned_from])
        self.frozen = self.add_weight(shape=frozen.shape, name="frozen", trainable=False)
        self.frozen.assign(frozen)
        if self._learned_from is not None:
            self.learned = self.add_weight(shape=learned.shape, name="learned")
            self.learned.assign(learned)

    def table(self):
        """All vectors, float32 [vocab, dim]."""
        return self.frozen if self._learned_from is None else ops.concatenate([self.frozen, self.learned])

    def call(self, ids):
        if self._learned_from is None:
            return ops.take(self.frozen, ids, axis=0)
        is_learned = ids >= self._learned_from
        frozen = ops.take(self.frozen, ops.where(is_learned, 0, ids), axis=0)
        learned = ops.take(self.learned, ops.where(is_learned, ids - self._learned_from, 0), axis=0)
        return ops.where(is_learned[..., None], learned, frozen)

    def compute_mask(self, ids, previous_mask=None):
        return ops.not_equal(ids, 0)


class WeightedTokens(keras.layers.Layer):
    """A learned vector and a learned weight for each token, summed over a review: a bag of words.

    ids int [batch, time] -> float32 [batch, dim], the weighted sum over the Euclidean norm of the
    weights, as in a cosine-normalised TF-IDF (Salton and Buckley, 1988), with the weights learned.
    Padding weighs nothing. All of it in float32, whatever the precision of the rest.

    Args:
      table: float32 [vocab, dim], where the vectors start; all weights start at 1.
    """

    # Near the norm of a review's weights, so that the sum starts at the size of a mean.
    SCALE = 0.1

    def __init__(self, table: np.ndarray, **kwargs):
        super().__init__(**kwargs, dtype="float32")
        self.vectors = self.add_weight(shape=table.shape, name="vectors")
        self.vectors.assign(table)
        self.log_weights = self.add_weight(shape=table.shape[:1], name="log_weights", initializer="zeros")

    def weights_of(self, ids):
        """The weight of each token, float32 like `ids`; 0 for padding."""
        return ops.exp(_rows(self.log_weights, ids)) * ops.cast(ids != 0, "float32")

    def shares(self, weights):
        """The factor of each token's vector in the sum, float32 [batch, time], given the tokens' weights."""
        norm = ops.sqrt(ops.sum(ops.square(weights), axis=1, keepdims=True))
        return self.SCALE * weights / ops.maximum(norm, 1e-9)

    def call(self, ids, training=False):
        if training:
            return self._sum_by_token(ids)
        return ops.einsum("bt,btd->bd", self.shares(self.weights_of(ids)), _rows(self.vectors, ids))

    def _sum_by_token(self, ids):
        """The same, with the rows of a token read and learned once a batch, however often it is there."""
        tokens, places = tf.unique(tf.reshape(ids, [-1]))
        places = tf.reshape(places, tf.shape(ids))
        shares = self.shares(tf.gather(self.weights_of(tokens), places))
        reviews, count = tf.shape(ids)[0], tf.size(tokens)
        cells = places + count * tf.range(reviews)[:, tf.newaxis]
        by_token = tf.math.unsorted_segment_sum(shares, cells, reviews * count)
        return tf.matmul(tf.reshape(by_token, [reviews, count]), _rows(self.vectors, tokens))


def _rows(table, ids):
    # Not `ops.take`, which reads all of a variable first: a copy, once the optimizer has written single rows.
    return tf.gather(table.value, ids)


class MaskedConv1D(keras.layers.Conv1D):
    """A convolution with one window for each token: the token and the next ones, zeros past the end.

    float32 [batch, time, dim] -> float32 [batch, time, filters], the mask kept. The zeros past the
    end are there at any length of padding, so a window does not depend on it. On a GPU it is a product.
    """

    def __init__(self, filters: int, kernel_size: int, **kwargs):
        super().__init__(filters, kernel_size, padding="valid", **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        return self.activation(_windows(inputs, mask, self.kernel, self.bias))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)


class JoinedConvolutions(keras.layers.Layer):
    """Convolutions over the same tokens, computed as one that is as wide as the widest.

    float32 [batch, time, dim] -> float32 [batch, time, filters of all], the mask kept.

    Args:
      convolutions: With one activation, which hold the weights.
    """

    def __init__(self, convolutions: list[MaskedConv1D], **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.convolutions = convolutions

    def call(self, inputs, mask=None):
        width = max(layer.kernel_size[0] for layer in self.convolutions)
        # What a narrow one does not reach weighs nothing: one large product takes less time than several small ones.
        kernels = [ops.pad(one.kernel, [[0, width - one.kernel_size[0]], [0, 0], [0, 0]]) for one in self.convolutions]
        bias = ops.concatenate([one.bias for one in self.convolutions])
        return self.convolutions[0].activation(_windows(inputs, mask, ops.concatenate(kernels, axis=2), bias))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], sum(one.filters for one in self.convolutions))


def _windows(inputs, mask, kernel, bias):
    """The sum of each window, one for each token, float32 [batch, time, filters]."""
    if mask is not None:
        inputs = inputs * ops.cast(mask, inputs.dtype)[..., None]
    width, dim, filters = kernel.shape
    tokens = ops.shape(inputs)[1]
    inputs = ops.pad(inputs, [[0, 0], [0, width - 1], [0, 0]])
    if not has_gpu():
        return ops.conv(inputs, kernel, padding="valid") + bias
    # cuDNN prepares its convolution anew for each length, and nearly each batch has another (cuDNN 9.19).
    windows = ops.concatenate([inputs[:, offset : offset + tokens] for offset in range(width)], axis=-1)
    return ops.tensordot(windows, ops.reshape(kernel, [width * dim, filters]), 1) + bias


def slope_and_shift(normalization: keras.layers.BatchNormalization) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns what a fitted batch normalisation multiplies its inputs with and then adds, float32 [dim] each."""
    slope = normalization.gamma / tf.sqrt(normalization.moving_variance + normalization.epsilon)
    return slope, normalization.beta - slope * normalization.moving_mean


class MaskedGlobalMaxPooling1D(keras.layers.Layer):
    """The maximum over the tokens that are no padding: float32 [batch, time, dim] -> [batch, dim]."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is not None:
            inputs = ops.where(mask[..., None], inputs, -1e9)
        return ops.max(inputs, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None


class MaskedBidirectionalLSTM(keras.layers.Layer):
    """An LSTM over the tokens and one over the tokens in reverse; their states are joined.

    float32 [batch, time, dim] -> [batch, time, 2 units], the mask kept, or where `return_sequences` is
    False the last state of both, [batch, 2 units]. Padding must follow the tokens: then neither needs a
    mask, since each reads the padding last and nothing is taken from there. On a GPU it is cuDNN's
    LSTM; on a CPU, and where `use_cudnn` is False, TensorFlow's operation for a whole sequence, and for
    training, where it need not be exported, `trainer.architectures.recurrence`.

    Args:
      units: Of each of the two.
      return_sequences: Whether to return the state at each token.
      use_cudnn: Whether a GPU may be used in a way that needs one.
    """

    def __init__(self, units: int, *, return_sequences: bool, use_cudnn: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.return_sequences = return_sequences
        self.on_gpu = use_cudnn and has_gpu()
        self.forward, self.backward = (
            keras.layers.LSTM(units, return_sequences=True, name=name, dtype=self.dtype_policy)
            for name in ("forward", "backward")
        )

    def build(self, input_shape):
        self.forward.build(input_shape)
        self.backward.build(input_shape)

    def call(self, inputs, mask=None, training=False):
        mask = ops.ones(ops.shape(inputs)[:2], bool) if mask is None else mask
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        forward, backward = self._states(inputs, lengths, training)
        if self.return_sequences:
            states = tf.transpose(tf.concat([forward, backward], axis=-1), [1, 0, 2])
        else:
            rows = tf.range(tf.shape(lengths)[0])
            last = tf.gather_nd(forward, tf.stack([ops.maximum(lengths - 1, 0), rows], axis=1))
            states = tf.concat([last, backward[0]], axis=-1)
        return tf.cast(states, inputs.dtype)

    def _states(self, inputs, lengths, training):
        """The states of both directions after each token, float [time, batch, units] each."""
        if training and not self.on_gpu:
            return recurrence.bidirectional(inputs, [self.forward.cell, self.backward.cell], lengths)

        def reverse(sequences, time_axis):
            return tf.reverse_sequence(sequences, lengths, seq_axis=time_axis, batch_axis=1 - time_axis)

        backward = self._states_of(self.backward, reverse(inputs, 1))
        return self._states_of(self.forward, inputs), reverse(backward, 0)

    def states_and_cells(self, inputs, lengths):
        """Computes the states and the cells of each direction after each of its tokens, on a CPU.

        Args:
          inputs: float32 [batch, time, dim].
          lengths: int32 [batch], the tokens of each review.

        Returns:
          A pair for each direction, float32 [batch, time, units] each; what stands in the padding means nothing.
        """
        in_reverse = tf.reverse_sequence(inputs, lengths, seq_axis=1)
        pairs = []
        for lstm, sequences in ((self.forward, inputs), (self.backward, in_reverse)):
            found = self._run(lstm, sequences)
            pairs.append([tf.transpose(values, [1, 0, 2]) for values in (found.h, found.cs)])
        return pairs[0], [tf.reverse_sequence(values, lengths, seq_axis=1) for values in pairs[1]]

    def _states_of(self, lstm, sequences):
        if self.on_gpu:
            return tf.transpose(lstm(sequences), [1, 0, 2])
        return self._run(lstm, sequences).h

    def _run(self, lstm, sequences):
        """Runs TensorFlow's operation; what it returns is [time, batch, units] each."""
        by_time = tf.transpose(tf.cast(sequences, tf.float32), [1, 0, 2])
        cell = lstm.cell
        weights = ops.concatenate([cell.kernel, cell.recurrent_kernel, ops.expand_dims(cell.bias, 0)])
        # In half precision Keras hands variables out in it, too; on a CPU it gains nothing.
        weights = ops.cast(weights, "float32")
        # Keras has the gates in another order. BlockLSTMV2 has Keras's, but wrong gradients (TensorFlow 2.21).
        i, f, c, o = tf.split(weights, 4, axis=1)
        weights = tf.concat([i, c, f, o], axis=1)
        start, no_peephole = tf.zeros([tf.shape(sequences)[0], lstm.units]), tf.zeros([lstm.units])
        return tf.raw_ops.BlockLSTM(
            seq_len_max=tf.shape(by_time, tf.int64)[0],
            x=by_time,
            cs_prev=start,
            h_prev=start,
            w=weights[:-1],
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            b=weights[-1],
            forget_bias=0.0,
            cell_clip=-1.0,
        )

    def compute_mask(self, inputs, mask=None):
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        units = 2 * self.forward.units
        return (*input_shape[:-1], units) if self.return_sequences else (input_shape[0], units)
