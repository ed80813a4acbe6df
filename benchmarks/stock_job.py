"""The baseline of bulk scoring: what Beam's documentation shows, over the same SavedModel.

    python -m benchmarks.stock_job --input=reviews.csv --model=VERSION_FOLDER --output=scores

One element a review, RunInference with its default batches, WriteToParquet. Beam's own handlers for
TensorFlow refuse a SavedModel under Keras 3 (Beam 2.77), hence the small handler.
"""

import argparse
import csv
import sys

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler, RunInference


class SavedModelHandler(ModelHandler):
    """Runs a SavedModel on batches of (id, text)."""

    def __init__(self, path: str):
        self._path = path

    def load_model(self):
        return tf.saved_model.load(self._path)

    def run_inference(self, batch, model, inference_args=None):
        scores = model.signatures["serving_default"](text=tf.constant([text for _, text in batch]))["score"].numpy()
        return [{"id": row, "score": float(score)} for (row, _), score in zip(batch, scores, strict=True)]


def read_rows(path: str):
    """Yields (id, text); Beam's own ReadFromText would split quoted newlines."""
    csv.field_size_limit(1 << 30)
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["id"], row["text"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("input", "model", "output"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    schema = pa.schema([("id", pa.string()), ("score", pa.float64())])
    with beam.Pipeline(runner="FnApiRunner") as root:
        _ = (
            root
            | beam.Create([arguments.input])
            | beam.FlatMap(read_rows)
            | RunInference(SavedModelHandler(arguments.model))
            | beam.io.WriteToParquet(arguments.output, schema)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
