"""The tf.Transform graph: text in, token ids and what is said of them out."""

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
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tensor_adapter

from beam_pipelines.files import object_stores, storage
from beam_pipelines.text import tokens, vocabulary

FOLDER = "transform"


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
      with a vector, in [0, 1]; `truncated` int64 [batch], 0 or 1;
      `unknown` ragged string [batch, tokens], those before the cut that have no id of their own.
    """
    tokenized = tokens.tokenize(inputs["text"])
    table = tft.make_and_track_object(lambda: _table(vocabulary_path), name="vocabulary")
    ids = tokenized.with_flat_values(table.lookup(tokenized.flat_values))
    reviews = tokenized.value_rowids()
    # Of two operations, where the tensor's own method runs ten.
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
    """The first `max_tokens` of each review; of one without any, the shared id.

    With few operations, none of which but the last two waits for the look-up: a server that scores one
    short review spends its time on their number.

    Args:
      ids: int64 [tokens of all].
      lengths: int64 [batch], adding up to them.
    """
    ends = tf.cumsum(lengths)
    # The shared id is put at the end.
    starts = tf.where(lengths > 0, ends - lengths, tf.reduce_sum(lengths))
    places = tf.ragged.range(starts, starts + tf.clip_by_value(lengths, 1, max_tokens))
    return places.with_flat_values(tf.gather(tf.concat([ids, [vocabulary.UNKNOWN_ID]], axis=0), places.flat_values))


def write_graph(folder: str, chosen: list[str], *, first_trained_id: int, max_tokens: int) -> None:
    """Writes the graph of a vocabulary to `folder/transform`.

    TensorFlow reads and writes only local files, so it is built in a local folder and copied. It
    needs no pass over the data: it is analysed over none, in this process, whatever runs the job.

    Args:
      folder: The output of the job.
      chosen: The tokens in the order of their ids.
      first_trained_id: See `preprocessing_fn`.
      max_tokens: See `preprocessing_fn`.
    """
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, vocabulary.FILE)
        path.write_text("".join(token + "\n" for token in chosen), encoding="utf-8", newline="\n")
        to_ids = functools.partial(
            preprocessing_fn, vocabulary_path=str(path), first_trained_id=first_trained_id, max_tokens=max_tokens
        )
        # A pipeline makes its options those of all files that the process opens.
        options = object_stores.options()
        with (
            beam.Pipeline(fn_api_runner.FnApiRunner(), pipeline_options.PipelineOptions([])) as root,
            tft_beam.Context(temp_dir=f"{work}/tft"),
        ):
            nothing = root | "Nothing" >> beam.Create([], reshuffle=False)
            graph = (nothing, _input_config()) | "Analyze" >> tft_beam.AnalyzeDataset(to_ids)
            _ = graph | "WriteGraph" >> tft_beam.WriteTransformFn(f"{work}/written/{FOLDER}")
        object_stores.set_options(options)
        storage.copy(f"{work}/written", folder)


def _input_config() -> tensor_adapter.TensorAdapterConfig:
    text = schema_pb2.TensorRepresentation()
    text.dense_tensor.column_name = "text"
    text.dense_tensor.shape.SetInParent()
    return tensor_adapter.TensorAdapterConfig(pa.schema([("text", pa.large_list(pa.large_binary()))]), {"text": text})
