"""The tf.Transform graph: text in; token ids, the number of tokens and the unknown ones out.

Beside it stands what tf.Transform's own readers look for: `TFTransformOutput(folder).transformed_feature_spec()`
describes the examples that are written with the graph's ids, and `vocabulary_by_name("vocabulary")` finds its tokens.
"""

import functools
import pathlib
import tempfile

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options import pipeline_options
from apache_beam.runners.portability import fn_api_runner
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.tfxio import tensor_adapter

from beam_pipelines.artifacts import exports, prepared
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.files import object_stores, storage
from beam_pipelines.text import tokens, vocabulary

# What finds the vocabulary by name.
VOCABULARY_NAME = "vocabulary"
_VOCABULARY_FILE = pathlib.PurePath(prepared.VOCABULARY).name
# Of an example, as tf.io.parse_example takes it.
EXAMPLE_FEATURES = {
    prepared.IDS: tf.io.RaggedFeature(tf.int64),
    prepared.SCORE: tf.io.FixedLenFeature([], tf.float32),
    prepared.ID: tf.io.FixedLenFeature([], tf.string),
    prepared.SPLIT_HASH: tf.io.FixedLenFeature([], tf.int64),
}


def preprocessing_fn(
    inputs: dict, *, rule: Tokenizer, vocabulary_path: str, first_trained_id: int, max_tokens: int
) -> dict:
    """Turns text into ids.

    Args:
      inputs: `text`, string [batch].
      rule: Of the tokeniser.
      vocabulary_path: The file of tokens, one a line.
      first_trained_id: The ids from `FIRST_ID` up to this one have a pretrained vector. If no id has one, all
        tokens of the vocabulary count as known.
      max_tokens: Longer reviews are cut.

    Returns:
      `ids` ragged int64 [batch, time], at least one each, since cuDNN refuses an empty sequence;
      `tokens` int64 [batch], their number before the cut; `known_share` float32 [batch], the share of known
      tokens among them, in [0, 1]; `truncated` int64 [batch], 0 or 1;
      `unknown` ragged string [batch, tokens], the tokens before the cut that have no id of their own.
    """
    tokenized = tokens.tokenize(inputs["text"], rule)
    # Tracked, so that the SavedModel holds the vocabulary as an asset.
    table = tft.make_and_track_object(lambda: _table(vocabulary_path), name=VOCABULARY_NAME)
    tft.annotate_asset(VOCABULARY_NAME, _VOCABULARY_FILE)
    ids = tokenized.with_flat_values(table.lookup(tokenized.flat_values))
    reviews = tokenized.value_rowids()
    # Two operations, where `row_lengths` runs ten: see `_cut`.
    lengths = tf.math.unsorted_segment_sum(tf.ones_like(reviews), reviews, tokenized.nrows())
    known = (ids.flat_values >= vocabulary.FIRST_ID) & (ids.flat_values < vocabulary.end_of_known_ids(first_trained_id))
    known = tf.math.unsorted_segment_sum(tf.cast(known, tf.float32), reviews, tokenized.nrows())
    return {
        "ids": _cut(ids.flat_values, lengths, max_tokens),
        "tokens": lengths,
        "known_share": known / tf.cast(tf.maximum(lengths, 1), tf.float32),
        "truncated": tf.cast(lengths > max_tokens, tf.int64),
        "unknown": tf.ragged.boolean_mask(tokenized, ids == vocabulary.UNKNOWN_ID),
    }


def _table(vocabulary_path: str) -> tf.lookup.StaticHashTable:
    lines = tf.lookup.TextFileInitializer(
        vocabulary_path,
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
        value_index_offset=vocabulary.FIRST_ID,
    )
    return tf.lookup.StaticHashTable(lines, vocabulary.UNKNOWN_ID)


def _cut(ids: tf.Tensor, lengths: tf.Tensor, max_tokens: int) -> tf.RaggedTensor:
    """Takes the first `max_tokens` ids of each review, and the shared id for a review without tokens.

    A server that scores one short review spends its time on the number of operations, so they are few, and all
    but the last two can run before the look-up of the ids has ended.

    Args:
      ids: int64 [tokens of all].
      lengths: int64 [batch], the number of each review's ids.
      max_tokens: The most ids of a review.
    """
    ends = tf.cumsum(lengths)
    # A review without tokens takes the one id after all others, where the shared id is appended.
    starts = tf.where(lengths > 0, ends - lengths, tf.reduce_sum(lengths))
    indices = tf.ragged.range(starts, starts + tf.clip_by_value(lengths, 1, max_tokens))
    return indices.with_flat_values(tf.gather(tf.concat([ids, [vocabulary.UNKNOWN_ID]], axis=0), indices.flat_values))


def write_graph(folder: str, chosen: list[str], *, rule: Tokenizer, first_trained_id: int, max_tokens: int) -> None:
    """Writes the graph of a vocabulary to `folder/transform`.

    TensorFlow reads and writes only local files, so the graph is built in a local folder and copied. No part of it
    depends on the data, so tf.Transform analyses an empty collection, in this process, whatever runner the job has.

    Args:
      folder: The output of the job.
      chosen: The tokens of the vocabulary, in the order of their ids.
      rule: See `preprocessing_fn`.
      first_trained_id: See `preprocessing_fn`.
      max_tokens: See `preprocessing_fn`.
    """
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, _VOCABULARY_FILE)
        path.write_text("".join(token + "\n" for token in chosen), encoding="utf-8", newline="\n")
        to_ids = functools.partial(
            preprocessing_fn,
            rule=rule,
            vocabulary_path=str(path),
            first_trained_id=first_trained_id,
            max_tokens=max_tokens,
        )
        # A Beam pipeline makes its options those of all files that the process opens, so they are put back.
        options = object_stores.options()
        with (
            beam.Pipeline(fn_api_runner.FnApiRunner(), pipeline_options.PipelineOptions([])) as root,
            tft_beam.Context(temp_dir=f"{work}/tft"),
        ):
            nothing = root | "Nothing" >> beam.Create([], reshuffle=False)
            graph = (nothing, _input_config()) | "Analyze" >> tft_beam.AnalyzeDataset(to_ids)
            _ = graph | "WriteGraph" >> tft_beam.WriteTransformFn(f"{work}/written/{prepared.TRANSFORM}")
        object_stores.set_options(options)
        _describe_examples(f"{work}/written/{prepared.TRANSFORM}")
        _forget_place(pathlib.Path(work, "written", prepared.TRANSFORM_GRAPH), work)
        storage.copy(f"{work}/written", folder)


def _describe_examples(written: str) -> None:
    """Puts the features of the examples in the place of the graph's outputs, which nobody writes as they are."""
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(EXAMPLE_FEATURES)
    metadata_io.write_metadata(metadata, f"{written}/{tft.TFTransformOutput.TRANSFORMED_METADATA_DIR}")


def _forget_place(graph: pathlib.Path, work: str) -> None:
    """Takes out of a graph what tells where and when it was made, so that equal runs write equal bytes.

    The vocabulary's table is named after its first path, and a fingerprint, which is optional, is random.
    """
    saved = saved_model_pb2.SavedModel.FromString((graph / exports.SAVED_MODEL).read_bytes())
    for definition in saved.meta_graphs:
        functions = definition.graph_def.library.function
        nodes = [*definition.graph_def.node, *(node for function in functions for node in function.node_def)]
        for node in nodes:
            if "shared_name" in node.attr:
                shared = node.attr["shared_name"]
                shared.s = shared.s.replace(work.encode(), b"")
    (graph / exports.SAVED_MODEL).write_bytes(saved.SerializeToString(deterministic=True))
    (graph / "fingerprint.pb").unlink(missing_ok=True)


def _input_config() -> tensor_adapter.TensorAdapterConfig:
    text = schema_pb2.TensorRepresentation()
    text.dense_tensor.column_name = "text"
    text.dense_tensor.shape.SetInParent()
    return tensor_adapter.TensorAdapterConfig(pa.schema([("text", pa.large_list(pa.large_binary()))]), {"text": text})
