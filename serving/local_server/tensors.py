"""Texts out of a request's tensors, and tensors out of outputs."""

import dataclasses
from typing import Any

import numpy as np

from serving import messages
from serving.local_server.failures import Failure

DATA_TYPES = messages.enum_names("tensorflow.DataType")
DATA_TYPE_NUMBERS = {name: number for number, name in DATA_TYPES.items()}
# By the kind of a NumPy type: of a tensor's type, and the field that holds its values.
FIELDS = {
    "f": ("DT_FLOAT", "float_val"),
    "i": ("DT_INT64", "int64_val"),
    "b": ("DT_BOOL", "bool_val"),
    "O": ("DT_STRING", "string_val"),
}


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a request may hold: texts, bytes of each, and bytes of all."""

    rows: int
    text_bytes: int
    request_bytes: int

    def check(self, texts: list[bytes]) -> None:
        """Raises a Failure where texts are too many or too long."""
        self.check_rows(len(texts))
        longest = max(map(len, texts), default=0)
        if longest > self.text_bytes:
            raise Failure("INVALID_ARGUMENT", f"a text has {longest} bytes, more than the {self.text_bytes} allowed")
        if sum(map(len, texts)) > self.request_bytes:
            raise Failure("INVALID_ARGUMENT", f"the texts have more bytes than the {self.request_bytes} allowed")

    def check_rows(self, rows: int) -> None:
        if rows > self.rows:
            raise Failure("INVALID_ARGUMENT", f"{rows} rows in one request, more than the {self.rows} allowed")


def texts_of(name: str, tensor: Any, limits: Limits) -> list[bytes]:
    """Reads a TensorProto of strings, [batch].

    As TensorFlow reads one, the last value stands for those that are not given.

    Raises:
      Failure: It has another type or shape, or more than the limits allow.
    """
    if tensor.dtype != DATA_TYPE_NUMBERS["DT_STRING"]:
        given = DATA_TYPES.get(tensor.dtype, tensor.dtype)
        raise Failure("INVALID_ARGUMENT", f"Expects {name} to be DT_STRING but {given} is provided")
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or len(shape) != 1:
        raise Failure("INVALID_ARGUMENT", f"Expects {name} to have the shape [batch], but it has {shape}")
    (rows,) = shape
    if rows < 0 or tensor.tensor_content:
        raise Failure("INVALID_ARGUMENT", f"tensor parsing error: {name}")
    limits.check_rows(rows)
    texts = list(tensor.string_val)[:rows]
    texts += [texts[-1] if texts else b""] * (rows - len(texts))
    limits.check(texts)
    return texts


def write(values: np.ndarray, tensor: Any) -> None:
    """Writes float32, int64, bool or bytes of any shape into a TensorProto."""
    data_type, field = FIELDS[values.dtype.kind]
    tensor.dtype = DATA_TYPE_NUMBERS[data_type]
    for size in values.shape:
        tensor.tensor_shape.dim.add().size = size
    getattr(tensor, field).extend(values.ravel().tolist())


def read(tensor: Any) -> np.ndarray:
    """Reads what `write` wrote; floats as float32."""
    field = dict(FIELDS.values())[DATA_TYPES[tensor.dtype]]
    values = np.array(getattr(tensor, field), np.float32 if field == "float_val" else None)
    if field == "string_val":
        values = np.array([*tensor.string_val, None], object)[:-1]
    return values.reshape([dim.size for dim in tensor.tensor_shape.dim])
