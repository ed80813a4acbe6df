"""TensorFlow Serving's gRPC API: https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis"""

import array
import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from serving import messages
from serving.client.answers import Metadata, Tensor, VersionStatus
from serving.client.connection import Connection
from serving.client.errors import ServingError
from serving.client.protocol import LONGEST_SIGNATURE, Call

_TYPES = messages.enum_names("tensorflow.DataType")
_STATES = messages.enum_names("tensorflow.serving.ModelVersionStatus.State")
_SIGNATURES: Any = messages.SignatureDefMap
# For each type of our outputs, the field of a TensorProto and the type code of `array` for `tensor_content`.
_FIELDS = {
    "DT_FLOAT": ("float_val", "f"),
    "DT_INT64": ("int64_val", "q"),
    "DT_BOOL": ("bool_val", "b"),
    "DT_STRING": ("string_val", ""),
}


@dataclasses.dataclass(frozen=True)
class Request:
    """A message for a method, and the class of the reply."""

    method: str
    message: Any
    reply_class: Any


class GrpcProtocol:
    """Makes and reads the calls."""

    def __init__(self, connection: Connection):
        self._connection = connection
        # Lengths and counts around the texts take more bytes the larger they are, at most so many.
        self.overhead = self.predict([], LONGEST_SIGNATURE).request.message.ByteSize() + 30

    def encode(self, text: str) -> bytes:
        return text.encode()

    def predict(self, pieces: Sequence[bytes], signature: str) -> Call:
        return self.predict_examples(pieces, signature, "text")

    def predict_examples(self, examples: Sequence[bytes], signature: str, input_name: str) -> Call:
        message = messages.PredictRequest()
        self._name_model(message.model_spec)
        message.model_spec.signature_name = signature
        tensor = message.inputs[input_name]
        tensor.dtype = next(number for number, name in _TYPES.items() if name == "DT_STRING")
        tensor.tensor_shape.dim.add(size=len(examples))
        tensor.string_val.extend(examples)
        method = f"/{messages.PREDICTION_SERVICE}/Predict"
        return Call(Request(method, message, messages.PredictResponse), self._read_outputs)

    def regress(self, texts: Sequence[str], signature: str) -> Call:
        message = messages.RegressionRequest()
        self._name_model(message.model_spec)
        message.model_spec.signature_name = signature
        for text in texts:
            example = message.input.example_list.examples.add()
            example.features.feature["text"].bytes_list.value.append(text.encode())
        method = f"/{messages.PREDICTION_SERVICE}/Regress"
        return Call(
            Request(method, message, messages.RegressionResponse),
            lambda reply: [regression.value for regression in reply.result.regressions],
        )

    def status(self) -> Call:
        message = messages.GetModelStatusRequest()
        self._name_model(message.model_spec)
        method = f"/{messages.MODEL_SERVICE}/GetModelStatus"
        return Call(Request(method, message, messages.GetModelStatusResponse), _read_status)

    def metadata(self) -> Call:
        message = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        self._name_model(message.model_spec)
        method = f"/{messages.PREDICTION_SERVICE}/GetModelMetadata"
        return Call(Request(method, message, messages.GetModelMetadataResponse), self._read_metadata)

    def _name_model(self, spec: Any) -> None:
        spec.name = self._connection.model_name
        if self._connection.version is not None:
            spec.version.value = self._connection.version
        if self._connection.label is not None:
            spec.version_label = self._connection.label

    def _read_outputs(self, reply: Any) -> dict[str, list]:
        return {name: self._rows(name, tensor) for name, tensor in reply.outputs.items()}

    def _rows(self, name: str, tensor: Any) -> list:
        """Returns the rows of a tensor: values, or lists of them where it has two axes."""
        shape = [axis.size for axis in tensor.tensor_shape.dim]
        kind = _TYPES.get(tensor.dtype, "")
        if kind not in _FIELDS or len(shape) not in (1, 2):
            raise ServingError(f"{self._connection} answers {name} as {kind} {shape}: it serves another model")
        values = _values(tensor, kind, math.prod(shape))
        if len(shape) == 1:
            return values
        rows, width = shape
        return [values[row * width : (row + 1) * width] for row in range(rows)]

    def _read_metadata(self, reply: Any) -> Metadata:
        try:
            signatures = _SIGNATURES.FromString(reply.metadata["signature_def"].value).signature_def
        except DecodeError as error:
            raise ServingError(f"{self._connection} answers metadata that cannot be read") from error
        return Metadata(
            reply.model_spec.version.value,
            {name: _tensors(signature.inputs) for name, signature in signatures.items()},
            {name: _tensors(signature.outputs) for name, signature in signatures.items()},
        )


def _values(tensor: Any, kind: str, size: int) -> list:
    field, code = _FIELDS[kind]
    values = list(array.array(code, tensor.tensor_content)) if tensor.tensor_content else list(getattr(tensor, field))
    # A value that all the rest equal may stand once, at the end (tensor.proto).
    values += values[-1:] * (size - len(values))
    return [value.decode("utf-8", "replace") for value in values] if kind == "DT_STRING" else values


def _read_status(reply: Any) -> list[VersionStatus]:
    return [
        VersionStatus(found.version, _STATES.get(found.state, str(found.state)), found.status.error_message)
        for found in reply.model_version_status
    ]


def _tensors(listed: Any) -> dict[str, Tensor]:
    return {
        name: Tensor(_TYPES[about.dtype], tuple(axis.size for axis in about.tensor_shape.dim))
        for name, about in listed.items()
    }
