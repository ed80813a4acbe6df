"""Reads the examples that `preprocess` writes."""

import pathlib

import tensorflow as tf


def examples(folder: pathlib.Path, split: str) -> dict[str, tuple[list[int], float]]:
    """id -> (ids, score) of a split, read with plain TensorFlow."""
    features = {
        "ids": tf.io.RaggedFeature(tf.int64),
        "score": tf.io.FixedLenFeature([], tf.float32),
        "id": tf.io.FixedLenFeature([], tf.string),
    }
    by_id = {}
    for path in sorted((folder / split).glob("*")):
        for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP"):
            example = tf.io.parse_single_example(record, features)
            by_id[example["id"].numpy().decode()] = (example["ids"].numpy().tolist(), float(example["score"]))
    return by_id
