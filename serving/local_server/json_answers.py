"""Messages to REST's JSON, as TensorFlow Serving's `util/json_tensor.cc` does it.

https://www.tensorflow.org/tfx/serving/api_rest says what answers hold. A number is the shortest that is the same
float32, and a string is valid UTF-8.
"""

import base64
import json
from typing import Any

import numpy as np
from google.protobuf import json_format

from serving import messages
from serving.local_server import tensors
from serving.local_server.failures import Failure


def of_prediction(response: Any, *, by_rows: bool) -> bytes:
    """Writes the answer to predict."""
    columns = {name: _values(name, tensor) for name, tensor in sorted(response.outputs.items())}
    is_alone = len(columns) == 1
    if not by_rows:
        return _json({"outputs": next(iter(columns.values())) if is_alone else columns})
    rows = zip(*columns.values(), strict=True)
    return _json({"predictions": [row[0] if is_alone else dict(zip(columns, row, strict=True)) for row in rows]})


def _values(name: str, tensor: Any) -> list:
    """The values of a tensor in lists; of a string that is named as bytes, in base64."""
    values = tensors.read(tensor)
    flat: list
    if values.dtype.kind == "f":
        flat = [_shortest(value) for value in values.ravel()]
    elif values.dtype.kind == "O":
        write = _base64 if name.endswith("_bytes") else _text
        flat = [write(value) for value in values.ravel()]
    else:
        return values.tolist()
    return np.array(flat, object).reshape(values.shape).tolist()


def of_regression(response: Any) -> bytes:
    values = (np.float32(regression.value) for regression in response.result.regressions)
    return _json({"results": [_shortest(value) for value in values]})


def of_status(response: Any) -> bytes:
    return _json(json_format.MessageToDict(response, always_print_fields_with_no_presence=True))


def of_metadata(response: Any) -> bytes:
    """Writes the signatures, which lie packed within the answer."""
    signature_defs = messages.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signature_defs)
    spec, signatures = (
        json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for message in (response.model_spec, signature_defs)
    )
    return _json({"model_spec": spec, "metadata": {"signature_def": signatures}})


def of_failure(failure: Failure) -> bytes:
    return _json({"error": failure.message})


def _shortest(value: np.float32) -> float:
    """The double that is written as the float32 is: 0.1, not 0.10000000149011612."""
    return float(str(value))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
