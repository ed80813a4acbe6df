"""The bag of words: the branch that the default architectures have beside the one over pretrained vectors.

Its logits are a sum over the tokens, which its folded form looks up: a row for each token, whose last column is the
square of the token's weight, for the norm that the sum is divided by.
"""

import keras
import numpy as np
import tensorflow as tf

from trainer.architectures import layers
from trainer.architectures.architecture import FROZEN, LEARNED_VECTORS
from trainer.architectures.heads import Head

BY_TOKEN = frozenset({"words/vectors", "words/log_weights", LEARNED_VECTORS})
BY_OUTPUT = frozenset({"words_logits/kernel", "words_logits/bias", f"{FROZEN}_logits/kernel"})


def bag_of_words(ids: keras.KerasTensor, table: np.ndarray, head: Head) -> keras.KerasTensor:
    """Adds the branch to a model: ids -> logits, float32 [batch, outputs].

    Args:
      ids: int64 [batch, time].
      table: float32 [vocab, dim], where its vectors start.
      head: The model's, whose bias it starts from.
    """
    words = layers.WeightedTokens(table, name="words")(ids)
    words = keras.layers.Dropout(0.5, name="words_dropout")(words)
    return _logits(head, "words_logits", use_bias=True)(words)


def add_phrases(words: keras.KerasTensor, pooled: keras.KerasTensor, head: Head) -> keras.KerasTensor:
    """Adds the logits of the other branch, given what it pooled, float32 [batch, dim], to those of the bag."""
    phrases = _logits(head, f"{FROZEN}_logits", use_bias=False)(pooled)
    return keras.layers.Add(name="logits", dtype="float32")([words, phrases])


def _logits(head: Head, name: str, *, use_bias: bool) -> keras.layers.Layer:
    # Started at zero, a branch adds nothing before it has learned something.
    bias = keras.initializers.Constant(head.bias())
    return keras.layers.Dense(
        head.outputs, name=name, kernel_initializer="zeros", use_bias=use_bias, bias_initializer=bias, dtype="float32"
    )


def word_rows(model: keras.Model, ids: tf.Tensor) -> tf.Tensor:
    """Returns what tokens add to the sums of their review, float32 [tokens, outputs + 1].

    Args:
      model: With a bag of words.
      ids: int [tokens]; padding adds nothing.
    """
    words, logits = model.get_layer("words"), model.get_layer("words_logits")
    weights = words.weights_of(ids)[:, tf.newaxis]
    # The layer divides a weighted sum by the norm of the weights, so both sums are kept apart until `word_logits`.
    of_logits = words.SCALE * weights * tf.matmul(tf.gather(words.vectors, ids), logits.kernel)
    return tf.concat([of_logits, weights**2], axis=1)


def word_logits(model: keras.Model, sums: tf.Tensor) -> tf.Tensor:
    """Returns the logits of the bag, float32 [batch, outputs], given the sums of `word_rows`."""
    return sums[:, :-1] / tf.sqrt(sums[:, -1:]) + model.get_layer("words_logits").bias


def frozen_logits(model: keras.Model, pooled: tf.Tensor) -> tf.Tensor:
    """Returns the logits of the other branch, float32 [batch, outputs], given what it pooled, [batch, dim]."""
    return model.get_layer(f"{FROZEN}_logits")(pooled)


def learned_vectors(model: keras.Model) -> np.ndarray:
    """Returns the vectors that the bag learned, float32 [vocab, dim]."""
    return np.array(model.get_layer("words").vectors)
