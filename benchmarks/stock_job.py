"""The baseline of bulk scoring: what Beam's documentation shows, over a SavedModel from text to `score`.

    python -m benchmarks.stock_job --input=reviews.csv --model=SAVED_MODEL --output=scores

One element a review, RunInference with its default batches, WriteToParquet. Beam's own handlers for
TensorFlow refuse a SavedModel under Keras 3 (Beam 2.77), hence the small handler.
"""

import argparse
import sys

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler, RunInference

from benchmarks import archive


class SavedModelHandler(ModelHandler):
    """Runs a SavedModel on batches of (title, text)."""

    def __init__(self, path: str):
        self._path = path

    def load_model(self):
        return tf.saved_model.load(self._path)

    def run_inference(self, batch, model, inference_args=None):
        scores = model.signatures["serving_default"](text=tf.constant([text for _, text in batch]))["score"].numpy()
        return [{"review_title": title, "score": float(score)} for (title, _), score in zip(batch, scores, strict=True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("input", "model", "output"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    schema = pa.schema([("review_title", pa.string()), ("score", pa.float64())])
    with beam.Pipeline(runner="FnApiRunner") as root:
        _ = (
            root
            | beam.Create([arguments.input])
            # Beam's own ReadFromText would split quoted newlines.
            | beam.FlatMap(archive.read_rows)
            | RunInference(SavedModelHandler(arguments.model))
            | beam.io.WriteToParquet(arguments.output, schema)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
