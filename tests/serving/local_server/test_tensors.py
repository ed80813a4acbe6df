"""Texts of a request's tensors, as far as they are within the limits."""

import pytest

from serving import messages
from serving.local_server import tensors
from serving.local_server.failures import Failure

LIMITS = tensors.Limits(rows=3, text_bytes=5, request_bytes=8)


def tensor(texts=(), shape=None, **fields):
    made = messages.TensorProto(dtype=tensors.DATA_TYPE_NUMBERS["DT_STRING"], string_val=texts, **fields)
    for size in [len(texts)] if shape is None else shape:
        made.tensor_shape.dim.add().size = size
    return made


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        (tensor([b"a", b"\xff"]), [b"a", b"\xff"]),
        (tensor([]), []),
        (tensor([b"a"], [3]), [b"a"] * 3),
        (tensor([], [2]), [b"", b""]),
        (tensor([b"a", b"b"], [1]), [b"a"]),
    ],
)
def test_values_that_are_not_given_are_the_last_one(given, texts):
    assert tensors.texts_of("text", given, LIMITS) == texts


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (messages.TensorProto(dtype=1), "Expects text to be DT_STRING but DT_FLOAT is provided"),
        (messages.TensorProto(dtype=999), "Expects text to be DT_STRING but 999 is provided"),
        (tensor([b"a"], []), r"Expects text to have the shape \[batch\], but it has \[\]"),
        (tensor([b"a"], [1, 1]), r"Expects text to have the shape \[batch\], but it has \[1, 1\]"),
        (tensor([], [-1]), "tensor parsing error: text"),
        (tensor([], [1], tensor_content=b"a"), "tensor parsing error: text"),
        (tensor([], [2**62]), f"{2**62} rows in one request, more than the 3 allowed"),
        (tensor([b"123456"]), "a text has 6 bytes, more than the 5 allowed"),
        (tensor([b"12345"], [2]), "the texts have more bytes than the 8 allowed"),
    ],
)
def test_what_is_no_batch_of_texts_is_refused(given, message):
    with pytest.raises(Failure, match=f"^{message}$") as raised:
        tensors.texts_of("text", given, LIMITS)
    assert raised.value.code == "INVALID_ARGUMENT"
