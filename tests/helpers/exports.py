"""Finds, loads and calls the export of a run."""

import functools
import hashlib
import json
import pathlib
import shutil
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def version(trained: pathlib.Path) -> pathlib.Path:
    return max((trained / "export" / "reviews").iterdir())


@functools.lru_cache(maxsize=4)
def signatures(folder: pathlib.Path):
    """The signatures of an export; loading one takes seconds."""
    return tf.saved_model.load(str(folder)).signatures


def serve(folder: pathlib.Path, texts: list[str]) -> dict[str, np.ndarray]:
    outputs = signatures(folder)["serving_default"](text=tf.constant(texts, tf.string))
    return {name: values.numpy() for name, values in outputs.items()}


def renumbered(folder: pathlib.Path, number: int, parent: pathlib.Path) -> str:
    """Copies an export as if it had been exported under another number; returns the copy's folder."""
    copy = shutil.copytree(folder, parent / str(number))
    path = copy / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    (graph,) = (meta.graph_def for meta in saved.meta_graphs)
    for node in (node for function in graph.library.function for node in function.node_def if node.op == "Const"):
        tensor = node.attr["value"].tensor
        if tensor.dtype == tf.int64.as_datatype_enum and list(tensor.int64_val) == [int(folder.name)]:
            tensor.int64_val[:] = [number]
    path.write_bytes(saved.SerializeToString())
    about = json.loads((copy / "assets.extra/reviews.json").read_text())
    about["digests"]["saved_model.pb"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (copy / "assets.extra/reviews.json").write_text(json.dumps(about))
    return str(copy)


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
