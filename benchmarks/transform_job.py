"""The baseline of preparation: tf.Transform as its documentation shows it, a dict for each review.

    python -m benchmarks.transform_job --input=reviews.csv --output=examples

Tokenises, learns the vocabulary, and writes scores and ids as tf.Examples in TFRecords.
"""

import argparse
import pathlib
import sys
import tempfile

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from benchmarks import archive, notebook

FEATURES = {"text": tf.io.FixedLenFeature([], tf.string), "score": tf.io.FixedLenFeature([], tf.float32)}


def read_reviews(path: str):
    for title, text in archive.read_rows(path):
        yield {"text": text, "score": archive.score_of(title)}


def preprocessing_fn(inputs: dict) -> dict:
    words = notebook.split_words(inputs["text"]).to_sparse()
    return {"ids": tft.compute_and_apply_vocabulary(words), "score": inputs["score"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("input", "output"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    pathlib.Path(arguments.output).mkdir(parents=True, exist_ok=True)
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(FEATURES))
    with (
        tempfile.TemporaryDirectory() as folder,
        beam.Pipeline(runner="FnApiRunner") as root,
        tft_beam.Context(temp_dir=folder),
    ):
        reviews = root | beam.Create([arguments.input]) | beam.FlatMap(read_reviews)
        (transformed, written), graph = (reviews, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocessing_fn)
        coder = tft.coders.ExampleProtoCoder(written.schema)
        _ = (
            transformed
            | beam.Map(coder.encode)
            | beam.io.WriteToTFRecord(f"{arguments.output}/examples", file_name_suffix=".tfrecord.gz")
        )
        _ = graph | tft_beam.WriteTransformFn(f"{arguments.output}/transform")
    return 0


if __name__ == "__main__":
    sys.exit(main())
