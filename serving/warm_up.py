"""The requests by which TensorFlow Serving warms a version up before it makes it available.

    VERSION/assets.extra/tf_serving_warmup_requests    an uncompressed TFRecord of PredictionLogs

The first requests of a SavedModel take a hundred times as long as later ones, those of each signature again:
https://www.tensorflow.org/tfx/serving/saved_model_warmup. The reviews are made up, and as long as those that the model
has learned from; nobody's text travels with a model.
"""

import itertools
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from beam_pipelines.artifacts import exports
from serving.calls import SignatureCall
from serving.messages import Example, PredictionLog

FILE = "assets.extra/tf_serving_warmup_requests"
BATCHES = (1, 32)
# The type of a tensor of strings in `tensorflow.DataType`.
_STRING = 7
_TEXT = (
    "The opening is strong and the second half is better still, though one or two parts drag a little. I did not "
    "expect much after the last one, but it has grown on me: the sound is clear, the pace is right and nothing feels "
    "out of place. A few ideas come back too often, and the price is not low; all the same it is good value, and I "
    "would recommend it to anyone who liked the earlier ones. Not perfect, but honest work that was made with care."
)


def review(tokens: int) -> str:
    """Makes up a review of so many tokens, or one.

    >>> review(3)
    'The opening is'
    """
    return " ".join(itertools.islice(itertools.cycle(_TEXT.split()), max(tokens, 1)))


def calls(tokens: int) -> Iterator[SignatureCall]:
    """Asks each signature about each of `BATCHES` reviews of so many tokens."""
    for signature, rows in itertools.product(exports.SIGNATURES, BATCHES):
        yield SignatureCall.of(signature, [review(tokens)] * rows)


def prediction_log(call: SignatureCall) -> Any:
    """The PredictionLog of a call."""
    log = PredictionLog()
    if call.signature == exports.REGRESS:
        request = log.regress_log.request
        request.input.example_list.examples.extend(Example.FromString(value) for value in call.values)
    else:
        request = log.predict_log.request
        tensor = request.inputs[call.input]
        tensor.dtype = _STRING
        tensor.tensor_shape.dim.add(size=len(call.values))
        tensor.string_val.extend(call.values)
    request.model_spec.signature_name = call.signature
    return log


def read(records: bytes) -> Iterator[SignatureCall]:
    """Reads the calls of the file's content."""
    for log in map(PredictionLog.FromString, _records(records)):
        if log.WhichOneof("log_type") == "regress_log":
            request = log.regress_log.request
            values: Iterable = (example.SerializeToString() for example in request.input.example_list.examples)
        else:
            request = log.predict_log.request
            (tensor,) = request.inputs.values()
            values = tensor.string_val
        yield SignatureCall(request.model_spec.signature_name, tuple(values))


def _records(data: bytes) -> Iterator[bytes]:
    """Cuts a TFRecord file into its records; their checksums are not looked at, since the file has a digest."""
    start = 0
    while start < len(data):
        # The length, its checksum, the record, and the checksum of that.
        (size,) = struct.unpack_from("<Q", data, start)
        yield data[start + 12 : start + 12 + size]
        start += 12 + size + 4
