"""Finds, loads and calls the export of a run."""

import functools
import pathlib
from collections.abc import Callable

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


def change_weights(folder: pathlib.Path, change: Callable[[str, np.ndarray], None]) -> None:
    """Writes the weights of an export anew, each changed in place by its name, as a fault in training would."""
    prefix = str(folder / "variables" / "variables")
    checkpoint = tf.train.load_checkpoint(prefix)
    names = sorted(checkpoint.get_variable_to_shape_map())
    tensors = [checkpoint.get_tensor(name) for name in names]
    for name, tensor in zip(names, tensors, strict=True):
        if isinstance(tensor, np.ndarray):
            change(name, tensor)
    slices = [""] * len(names)
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=[*map(tf.constant, tensors)])
