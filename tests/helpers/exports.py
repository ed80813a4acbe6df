"""Finds, loads and calls the export of a run."""

import functools
import pathlib

import numpy as np
import tensorflow as tf


def version(trained: pathlib.Path) -> pathlib.Path:
    return max((trained / "export" / "reviews").iterdir())


@functools.lru_cache(maxsize=4)
def signatures(folder: pathlib.Path):
    """The signatures of an export; loading one takes seconds."""
    return tf.saved_model.load(str(folder)).signatures


def serve(folder: pathlib.Path, texts: list[str]) -> dict[str, np.ndarray]:
    outputs = signatures(folder)["serving_default"](text=tf.constant(texts, tf.string))
    return {name: values.numpy() for name, values in outputs.items()}
