"""The two architectures of the notebook, over frozen GloVe vectors, with masks that hold."""

import keras
import numpy as np

from beam_pipelines.learning.vocabulary import FIRST_ID
from trainer import layers
from trainer.settings import TrainerSettings


def build(settings: TrainerSettings, table: np.ndarray, first_trained_id: int, *, use_cudnn="auto") -> keras.Model:
    """Builds an untrained model: ids int64 [batch, time] -> score in about [0, 1], float32 [batch, 1].

    Args:
      settings: Which architecture, and whether vectors are learned.
      table: float32 [vocab, dim].
      first_trained_id: The first id without a pretrained vector.
      use_cudnn: For the LSTM; False makes a graph that runs without a GPU.
    """
    ids = keras.Input([None], dtype="int64", name="ids")
    all_learned = first_trained_id == FIRST_ID
    learned_from = first_trained_id if all_learned or settings.learn_vectors == "missing" else None
    vectors = layers.TokenVectors(table, learned_from, name="vectors")(ids)
    hidden = _cnn(vectors) if settings.model == "cnn" else _lstm(vectors, use_cudnn)
    return keras.Model(ids, _score(hidden, settings.first_score), name=settings.model)


def _cnn(vectors):
    hidden = layers.MaskedConv1D(128, 5, activation="relu", name="convolution")(vectors)
    hidden = keras.layers.BatchNormalization(name="normalization")(hidden)
    hidden = layers.MaskedGlobalMaxPooling1D(name="pooling")(hidden)
    hidden = keras.layers.Dense(64, name="hidden")(hidden)
    return keras.layers.Dropout(0.2, name="dropout")(hidden)


def _lstm(vectors, use_cudnn):
    hidden = keras.layers.SpatialDropout1D(0.2, name="vector_dropout")(vectors)
    hidden = keras.layers.Bidirectional(keras.layers.LSTM(64, use_cudnn=use_cudnn), name="lstm")(hidden)
    hidden = keras.layers.Dropout(0.2, name="dropout")(hidden)
    return keras.layers.BatchNormalization(name="normalization")(hidden)


def _score(hidden, first_score: str):
    start = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(0.5)}
    return keras.layers.Dense(1, name="score", dtype="float32", **(start if first_score == "middle" else {}))(hidden)


def compile(model: keras.Model, learning_rate: float) -> None:
    """Prepares a model for fitting: Adam on the mean absolute error."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="mean_absolute_error",
        # XLA would compile anew for every padded length.
        jit_compile=False,
    )
