"""The architectures: the default ones and the notebook's, over frozen GloVe vectors, with masks that hold."""

import contextlib
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.text.vocabulary import FIRST_ID
from trainer.architectures import heads, layers
from trainer.settings import TrainerSettings

WIDTHS = (1, 2, 3)
FILTERS = 24
UNITS = 32
_FROZEN = "frozen"


def build(settings: TrainerSettings, table: np.ndarray, first_trained_id: int, head, *, use_cudnn: bool = True):
    """Builds an untrained model: ids int64 [batch, time] -> what the head reads, float32 [batch, outputs].

    Args:
      settings: Which architecture, and whether vectors are learned.
      table: float32 [vocab, dim].
      first_trained_id: The first id without a pretrained vector.
      head: Of `trainer.architectures.heads`.
      use_cudnn: For the LSTM; False makes a graph that runs without a GPU.
    """
    ids = keras.Input([None], dtype="int64", name="ids")
    all_learned = first_trained_id == FIRST_ID
    learned_from = first_trained_id if all_learned or settings.learn_vectors == "missing" else None
    vectors = layers.TokenVectors(table, learned_from, name="vectors")(ids)
    if settings.preset == "notebook":
        branch = _notebook_cnn if settings.model == "cnn" else _notebook_lstm
        outputs = keras.layers.Dense(head.outputs, name="score", dtype="float32")
        return keras.Model(ids, outputs(branch(vectors, use_cudnn)), name=f"notebook_{settings.model}")
    words = layers.WeightedTokens(table, name="words")(ids)
    words = keras.layers.Dropout(0.5, name="words_dropout")(words)
    words = _logits(head, "words_logits", use_bias=True)(words)
    branch = _cnn if settings.model == "cnn" else _lstm
    phrases = _logits(head, f"{_FROZEN}_logits", use_bias=False)(branch(vectors, use_cudnn))
    logits = keras.layers.Add(name="logits", dtype="float32")([words, phrases])
    return keras.Model(ids, logits, name=settings.model)


def _logits(head, name: str, *, use_bias: bool) -> keras.layers.Layer:
    # Started at zero, a branch says nothing before it has learned something.
    bias = keras.initializers.Constant(head.bias())
    return keras.layers.Dense(
        head.outputs, name=name, kernel_initializer="zeros", use_bias=use_bias, bias_initializer=bias, dtype="float32"
    )


def _cnn(vectors, use_cudnn):
    """Convolutions of several widths, max- and mean-pooled (Kim, 2014)."""
    pooled = []
    for width in WIDTHS:
        name = f"{_FROZEN}_convolution_{width}"
        windows = layers.MaskedConv1D(FILTERS, width, activation="relu", kernel_initializer="he_normal", name=name)(
            vectors
        )
        pooled.append(layers.MaskedGlobalMaxPooling1D(name=f"max_{width}", dtype="float32")(windows))
        pooled.append(keras.layers.GlobalAveragePooling1D(name=f"mean_{width}", dtype="float32")(windows))
    return keras.layers.Dropout(0.8, name="pooled_dropout")(keras.layers.Concatenate(name="pooled")(pooled))


def _lstm(vectors, use_cudnn):
    """A bidirectional LSTM, max- and mean-pooled."""
    lstm = layers.MaskedBidirectionalLSTM(UNITS, return_sequences=True, use_cudnn=use_cudnn, name=f"{_FROZEN}_lstm")
    states = lstm(vectors)
    pooled = [
        layers.MaskedGlobalMaxPooling1D(name="max", dtype="float32")(states),
        keras.layers.GlobalAveragePooling1D(name="mean", dtype="float32")(states),
    ]
    return keras.layers.Dropout(0.8, name="pooled_dropout")(keras.layers.Concatenate(name="pooled")(pooled))


def _notebook_cnn(vectors, use_cudnn):
    hidden = layers.MaskedConv1D(128, 5, activation="relu", name="convolution")(vectors)
    hidden = keras.layers.BatchNormalization(name="normalization")(hidden)
    hidden = layers.MaskedGlobalMaxPooling1D(name="pooling", dtype="float32")(hidden)
    hidden = keras.layers.Dense(64, name="hidden")(hidden)
    return keras.layers.Dropout(0.2, name="dropout")(hidden)


def _notebook_lstm(vectors, use_cudnn):
    hidden = keras.layers.SpatialDropout1D(0.2, name="vector_dropout")(vectors)
    lstm = layers.MaskedBidirectionalLSTM(64, return_sequences=False, use_cudnn=use_cudnn, name="lstm")
    hidden = lstm(hidden)
    hidden = keras.layers.Dropout(0.2, name="dropout")(hidden)
    return keras.layers.BatchNormalization(name="normalization")(hidden)


def head_for(settings: TrainerSettings, scores: np.ndarray):
    """The head of a preset, for the training scores in [0, 1]."""
    return heads.PointHead() if settings.preset == "notebook" else heads.DistributionHead.of(scores)


@contextlib.contextmanager
def precision(mixed: bool):
    """Within it, layers compute in half precision where they are asked to; what sums up stays in float32.

    A GPU may then round the factors of a float32 product to 10 bits (TensorFloat-32), but no longer after
    it: what is evaluated and exported must be what a CPU computes.
    """
    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy("mixed_float16")
    tf.config.experimental.enable_tensor_float_32_execution(True)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(False)
        keras.config.set_dtype_policy(before)


class BranchAdam(keras.optimizers.Adam):
    """Adam that learns some variables slower than the tokens' own vectors.

    A vector is rarely updated and needs large steps; a filter that all tokens share does not.
    """

    SLOWER: ClassVar = {_FROZEN: 0.1, "words/log_weights": 0.5}

    def build(self, variables):
        super().build(variables)
        self._factors = [
            next((factor for path, factor in self.SLOWER.items() if variable.path.startswith(path)), 1.0)
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        # Dense: of a token that a batch holds twice, Keras would square both parts, not their sum (Keras 3.15).
        gradient = tf.convert_to_tensor(gradient)
        super().update_step(gradient, variable, learning_rate * self._factors[self._get_variable_index(variable)])


def compile(model: keras.Model, head, learning_rate: float, *, decay_steps: int | None) -> None:
    """Prepares a model for fitting.

    Args:
      model: Of `build`.
      head: Its head, whose loss is fitted.
      learning_rate: Of the first step.
      decay_steps: Over how many steps it falls to nearly zero, along a cosine; None keeps it.
    """
    if decay_steps:
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps, alpha=0.02)
    # XLA would compile anew for every padded length.
    model.compile(optimizer=BranchAdam(learning_rate), loss=head.loss, jit_compile=False)
