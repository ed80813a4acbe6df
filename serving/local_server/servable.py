"""A version that is loaded and warmed up: its signatures, and what they answer to texts."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from beam_pipelines.artifacts import exports
from serving import messages, warm_up
from serving.local_server.failures import Failure


@dataclasses.dataclass(frozen=True)
class Servable:
    """A loaded SavedModel, whose inputs are texts.

    Attributes:
      version: Its number.
      signature_defs: What it says of its signatures, as a `SignatureDefMap`.
      functions: The signatures.
      model: What they belong to: TensorFlow keeps its tables and weights no longer than it is kept.
    """

    version: int
    signature_defs: Any
    functions: Mapping[str, Any]
    model: Any

    def run(self, signature: str, inputs: Mapping[str, Sequence[bytes]], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
          signature: Its name.
          inputs: Texts, [batch] each.
          names: The outputs that are wanted.

        Raises:
          Failure: What TensorFlow says is wrong, or a number is not finite.
        """
        try:
            tensors = {name: tf.constant(texts, tf.string, [len(texts)]) for name, texts in inputs.items()}
            outputs = self.functions[signature](**tensors)
        except tf.errors.OpError as error:
            raise Failure(_code(error), error.message) from error
        except UnicodeDecodeError as error:
            # A message that quotes bytes of the request (TensorFlow 2.21).
            raise Failure("INVALID_ARGUMENT", error.object.decode("utf-8", "replace")) from error
        arrays = {name: outputs[name].numpy() for name in names}
        for name, values in arrays.items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise Failure("INTERNAL", f"{name} of version {self.version} has a value that is no finite number")
        return arrays


# Of a made-up review, where a version was exported without requests to warm it up.
TYPICAL_TOKENS = 200


def load(folder: pathlib.Path) -> Servable:
    """Loads a version's folder, whose name is its number, and makes its first requests, which are slow.

    Raises:
      Exception: Whatever TensorFlow raises where it cannot.
    """
    saved = saved_model_pb2.SavedModel.FromString((folder / exports.SAVED_MODEL).read_bytes())
    signature_defs = messages.SignatureDefMap()
    for name, signature in saved.meta_graphs[0].signature_def.items():
        signature_defs.signature_def[name].ParseFromString(signature.SerializeToString())
    model = tf.saved_model.load(str(folder))
    loaded = Servable(int(folder.name), signature_defs, model.signatures, model)
    warm(loaded, folder / warm_up.FILE)
    return loaded


def warm(loaded: Servable, requests: pathlib.Path) -> None:
    """Makes the requests that were exported with a version, or made-up ones where none were.

    Raises:
      Failure: One of them fails, and so would those of others.
    """
    if requests.exists():
        calls = list(warm_up.read(requests.read_bytes()))
    else:
        calls = [call for call in warm_up.calls(TYPICAL_TOKENS) if call.signature in loaded.functions]
    for call in calls:
        if call.signature not in loaded.functions:
            raise Failure("FAILED_PRECONDITION", f'Serving signature key "{call.signature}" not found.')
        signature = loaded.signature_defs.signature_def[call.signature]
        loaded.run(call.signature, {call.input: call.values}, list(signature.outputs))


def _code(error: tf.errors.OpError) -> str:
    names = {getattr(tf.errors, name): name for name in dir(tf.errors) if name.isupper()}
    return names.get(error.error_code, "INTERNAL")
