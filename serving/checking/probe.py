"""Loads an export with TensorFlow alone, calls it, and prints, as JSON, what is found in it.

    python -I serving/checking/probe.py VERSION_FOLDER < plan.json

It runs as a script of its own, in a process that imports nothing but TensorFlow: see `serving.checking.export_check`.
"""

import base64
import json
import pathlib
import re
import sys
import time
from collections.abc import Callable

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

MAY_NOT_BE_LOADED = ("apache_beam", "beam_pipelines", "tensorflow_transform", "tfx_bsl", "trainer")
_STATUS = pathlib.Path("/proc/self/status")


def probe(folder: str, plan: dict) -> dict:
    """Loads an export and calls it.

    Args:
      folder: A version's folder.
      plan: `warm_up` and `fixed`, calls of signatures, each with its `signature`, `input` and `values`, strings in
        base64; `timed`, calls by name with their number of `runs`.

    Returns:
      `load_seconds`; `memory_mb`, what the process holds more for having loaded it and answered; `first_ms`, by name
      of a timed call, its first one after the warm-up, and `ms`, all later ones; `outputs`, those of the fixed calls;
      `signatures`: name -> {inputs, outputs}; `ops`: names in order; `not_finite`: the weights that hold nan or
      infinity; `loaded`: packages that should not have been.
    """
    memory, started = _memory_mb(), time.perf_counter()
    signatures = tf.saved_model.load(folder).signatures
    load_seconds = time.perf_counter() - started
    for call in plan["warm_up"]:
        _call(signatures, call)()
    times = {name: _milliseconds(_call(signatures, call), call["runs"]) for name, call in plan["timed"].items()}
    outputs = [
        {name: values.numpy().tolist() for name, values in _call(signatures, call)().items() if name != "phrases"}
        for call in plan["fixed"]
    ]
    return {
        "load_seconds": load_seconds,
        "memory_mb": _memory_mb() - memory,
        "first_ms": {name: first for name, (first, *_) in times.items()},
        "ms": {name: later for name, (_, *later) in times.items()},
        "outputs": outputs,
        "signatures": {name: _describe(signature) for name, signature in signatures.items()},
        "ops": sorted(_ops(folder)),
        "not_finite": _not_finite(folder),
        "loaded": [name for name in MAY_NOT_BE_LOADED if name in sys.modules],
    }


def _call(signatures, call: dict) -> Callable[[], dict]:
    values = [base64.b64decode(value) for value in call["values"]]
    given = {call["input"]: tf.constant(values, tf.string)}
    return lambda: signatures[call["signature"]](**given)


def _milliseconds(call: Callable[[], dict], runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        for values in call().values():
            values.numpy()
        times.append(1000 * (time.perf_counter() - started))
    return times


def _memory_mb() -> float:
    """The memory that the process holds; 0 where the system, not being Linux, has no file that tells."""
    if not _STATUS.exists():
        return 0.0
    (kilobytes,) = re.findall(r"^VmRSS:\s*(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    return int(kilobytes) / 1000


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


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1], json.load(sys.stdin))))
