"""The tf.Transform graph: text in, token ids and what is said of them out."""

import pathlib
import tempfile

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tensor_adapter

from beam_pipelines import storage
from beam_pipelines.learning import tokens, vocabulary
from beam_pipelines.learning.reviews import Reviews

VOCABULARY_FILE = "vocabulary.txt"
# What travels beside the text, through the graph and untouched by it.
PASSED = {
    "block": pa.large_list(pa.large_binary()),
    "id": pa.large_list(pa.large_binary()),
    "score": pa.large_list(pa.float32()),
    "split_key": pa.large_list(pa.large_binary()),
}


def preprocessing_fn(inputs: dict, *, vocabulary_path: str, first_trained_id: int, max_tokens: int) -> dict:
    """Makes ids of text.

    Args:
      inputs: `text`, string [batch].
      vocabulary_path: The file of tokens, a line each.
      first_trained_id: Ids from `FIRST_ID` to this one have a pretrained vector; where none has,
        all tokens of the vocabulary count as known.
      max_tokens: Longer reviews are cut.

    Returns:
      `ids` ragged int64 [batch, time], at least one each, since cuDNN refuses an empty sequence;
      `tokens` int64 [batch], before the cut; `known_share` float32 [batch], the share of all tokens
      with a vector, in [0, 1]; `truncated` int64 [batch], 0 or 1; `fingerprint` int64 [batch];
      `unknown` ragged string [batch, tokens], those before the cut that have no id of their own.
    """
    tokenized = tokens.tokenize(inputs["text"])
    table = tft.make_and_track_object(lambda: _table(vocabulary_path), name="vocabulary")
    # A token outside the vocabulary is looked up as -1, which makes it UNKNOWN_ID.
    ids = tokenized.with_flat_values(table.lookup(tokenized.flat_values) + vocabulary.FIRST_ID)
    lengths = tokenized.row_lengths()
    past_known = first_trained_id if first_trained_id > vocabulary.FIRST_ID else tf.int64.max
    known = (ids.flat_values >= vocabulary.FIRST_ID) & (ids.flat_values < past_known)
    known = tf.reduce_sum(ids.with_flat_values(tf.cast(known, tf.float32)), axis=1)
    return {
        "ids": _at_least_one(ids[:, :max_tokens]),
        "tokens": lengths,
        "known_share": known / tf.cast(tf.maximum(lengths, 1), tf.float32),
        "truncated": tf.cast(lengths > max_tokens, tf.int64),
        "fingerprint": tokens.fingerprints(tokenized),
        "unknown": tf.ragged.boolean_mask(tokenized, ids == vocabulary.UNKNOWN_ID),
    }


def _table(vocabulary_path: str) -> tf.lookup.StaticHashTable:
    if not storage.is_local(vocabulary_path):
        # TensorFlow reads only local files, and the graph carries a copy of this one.
        local = pathlib.Path(tempfile.mkdtemp(), VOCABULARY_FILE)
        local.write_bytes(storage.read_bytes(vocabulary_path))
        vocabulary_path = str(local)
    lines = tf.lookup.TextFileInitializer(
        vocabulary_path,
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    return tf.lookup.StaticHashTable(lines, -1)


def _at_least_one(ids: tf.RaggedTensor) -> tf.RaggedTensor:
    empty = tf.cast(ids.row_lengths() == 0, tf.int64)
    filling = tf.fill([tf.reduce_sum(empty)], tf.constant(vocabulary.UNKNOWN_ID, tf.int64))
    return tf.concat([ids, tf.RaggedTensor.from_row_lengths(filling, empty)], axis=1)


def input_config() -> tensor_adapter.TensorAdapterConfig:
    """How tf.Transform reads the RecordBatches of `to_record_batch`."""
    text = schema_pb2.TensorRepresentation()
    text.dense_tensor.column_name = "text"
    text.dense_tensor.shape.SetInParent()
    return tensor_adapter.TensorAdapterConfig(_schema(), {"text": text})


def _schema() -> pa.Schema:
    return pa.schema([("text", pa.large_list(pa.large_binary())), *PASSED.items()])


def to_record_batch(reviews: Reviews) -> pa.RecordBatch:
    """Reviews in the form that tf.Transform reads: every column a list of one value."""
    columns = {
        "text": reviews.texts,
        "block": [reviews.block] * len(reviews.ids),
        "id": reviews.ids,
        "score": reviews.scores,
        "split_key": [None] * len(reviews.ids) if reviews.split_keys is None else reviews.split_keys,
    }
    schema = _schema()
    offsets = pa.array(np.arange(len(reviews.ids) + 1))
    arrays = []
    for name in schema.names:
        values = columns[name]
        if not isinstance(values, (pa.Array, np.ndarray)):
            values = pa.array(values, pa.large_string())
        values = pa.array(values).cast(schema.field(name).type.value_type)
        arrays.append(pa.LargeListArray.from_arrays(offsets, values))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
