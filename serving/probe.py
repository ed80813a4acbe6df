"""Loads an export with TensorFlow alone and prints, as JSON, what is found in it.

    python -I serving/probe.py VERSION_FOLDER < texts.json

It runs as a script of its own, in a process that imports nothing but TensorFlow: see `serving.check`.
"""

import json
import pathlib
import statistics
import sys
import time

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

ONE_REVIEW_RUNS = 50
BATCH = 32
BATCH_RUNS = 10
MAY_NOT_BE_LOADED = ("apache_beam", "beam_pipelines", "tensorflow_transform", "tfx_bsl", "trainer")


def probe(folder: str, texts: list[str]) -> dict:
    """Loads an export and scores texts.

    Args:
      folder: A version's folder.
      texts: What is scored; the longest of the short ones is timed.

    Returns:
      `signatures`: name -> {inputs, outputs}; `ops`: names in order; `outputs`: those of the
      texts; `not_finite`: the weights that hold nan or infinity; `one_review_ms` and `batch_ms`
      (of `batch` reviews): medians; `loaded`: packages that should not have been.
    """
    signatures = tf.saved_model.load(folder).signatures
    serve = signatures["serving_default"]
    outputs = {name: values.numpy().tolist() for name, values in serve(text=tf.constant(texts)).items()}
    review = max((text for text in texts if len(text) < 1_000), key=len)
    return {
        "signatures": {name: _describe(signature) for name, signature in signatures.items()},
        "ops": sorted(_ops(folder)),
        "outputs": outputs,
        "batch": BATCH,
        "one_review_ms": _median_ms(serve, [review], ONE_REVIEW_RUNS),
        "batch_ms": _median_ms(serve, [review] * BATCH, BATCH_RUNS),
        "not_finite": _not_finite(folder),
        "loaded": [name for name in MAY_NOT_BE_LOADED if name in sys.modules],
    }


def _describe(signature) -> dict:
    inputs = signature.structured_input_signature[1]
    return {
        "inputs": {name: f"{spec.dtype.name} {spec.shape}" for name, spec in inputs.items()},
        "outputs": {name: f"{spec.dtype.name} {spec.shape}" for name, spec in signature.structured_outputs.items()},
    }


def _ops(folder: str) -> set[str]:
    saved = saved_model_pb2.SavedModel.FromString(pathlib.Path(folder, "saved_model.pb").read_bytes())
    names: set[str] = set()
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        names.update(node.op for node in graph.node)
        functions = {function.signature.name for function in graph.library.function}
        names.update(node.op for function in graph.library.function for node in function.node_def)
        names -= functions
    return names


def _not_finite(folder: str) -> list[str]:
    """The weights that hold a number that is not finite, which only rare words may bring to light."""
    weights = tf.train.load_checkpoint(str(pathlib.Path(folder, "variables", "variables")))
    kinds = weights.get_variable_to_dtype_map()
    floating = sorted(name for name, kind in kinds.items() if kind.is_floating)
    is_finite = {name: tf.reduce_all(tf.math.is_finite(weights.get_tensor(name))).numpy() for name in floating}
    return [name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for name in floating if not is_finite[name]]


def _median_ms(serve, texts: list[str], runs: int) -> float:
    batch = tf.constant(texts)
    serve(text=batch)
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        serve(text=batch)["score"].numpy()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1], json.load(sys.stdin))))
