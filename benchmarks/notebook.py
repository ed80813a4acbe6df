"""The notebook's models as they stood there, and as the SavedModel that its author would have exported.

Keras's own layers, which know no mask: a text is padded to the longest of its batch, and its score
depends on that. Random weights; they change no time.
"""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.prepared import VOCABULARY
from trainer.prepared_reviews import PreparedReviews

# The convolution reads so many tokens at once.
FEWEST_TOKENS = 5
FILTER = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n\r']"""
UNKNOWN_ID = 1


# GloVe 6B, 100-d.
DIMENSIONS = 100


def model(architecture: str, vectors: np.ndarray, length: int | None = None) -> keras.Model:
    """Its CNN or LSTM: ids int64 [batch, time] -> score float32 [batch, 1], for one length or any."""
    frozen = keras.layers.Embedding(*vectors.shape, weights=[vectors], trainable=False)
    if architecture == "cnn":
        hidden = [
            keras.layers.Conv1D(128, 5, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(64),
            keras.layers.Dropout(0.2),
        ]
    else:
        hidden = [
            keras.layers.SpatialDropout1D(0.2),
            keras.layers.Bidirectional(keras.layers.LSTM(64)),
            keras.layers.Dropout(0.2),
            keras.layers.BatchNormalization(),
        ]
    return keras.Sequential([keras.Input([length], dtype="int64"), frozen, *hidden, keras.layers.Dense(1)])


def split_words(text: tf.Tensor) -> tf.RaggedTensor:
    """Lower case, filter and split as Keras's tokeniser does: string [batch] -> ragged string [batch, words]."""
    return tf.strings.split(tf.strings.regex_replace(tf.strings.lower(text, encoding="utf-8"), FILTER, " "))


class Lookup(tf.Module):
    """Words, then their ids in a vocabulary."""

    def __init__(self, vocabulary: pathlib.Path):
        super().__init__()
        lines = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
            value_index_offset=UNKNOWN_ID + 1,
        )
        self._table = tf.lookup.StaticHashTable(lines, UNKNOWN_ID)

    def __call__(self, text: tf.Tensor) -> tf.RaggedTensor:
        """string [batch] -> ragged int64 [batch, tokens]."""
        words = split_words(text)
        return words.with_values(self._table.lookup(words.values))


class TextScorer(tf.Module):
    """Look-up and model in one."""

    def __init__(self, lookup: Lookup, scorer: keras.Model):
        super().__init__()
        self._lookup, self._scorer = lookup, scorer

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(self, text):
        ids = self._lookup(text).to_tensor()
        ids = tf.pad(ids, [[0, 0], [0, tf.maximum(FEWEST_TOKENS - tf.shape(ids)[1], 0)]])
        return {"score": self._scorer(ids, training=False)[:, 0]}


def vocabulary_file(prepared: PreparedReviews) -> pathlib.Path:
    return prepared.transform_graph / VOCABULARY


def as_long(vectors: np.ndarray) -> np.ndarray:
    """Vectors of at least the notebook's length; what shorter ones lack is made up, and takes the time that it took."""
    lacking = max(DIMENSIONS - vectors.shape[1], 0)
    made_up = np.random.default_rng(0).normal(size=(len(vectors), lacking)).astype(np.float32)
    return np.concatenate([vectors, made_up], axis=1)


def export(architecture: str, data: str, output: str) -> None:
    """Writes the SavedModel, with the vocabulary and the vectors of prepared reviews."""
    prepared = PreparedReviews.load(data)
    scorer = TextScorer(Lookup(vocabulary_file(prepared)), model(architecture, as_long(prepared.vectors())))
    tf.saved_model.save(scorer, output, signatures={"serving_default": scorer.serve})
