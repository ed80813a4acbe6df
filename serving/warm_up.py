"""The requests by which TensorFlow Serving warms a version up before it makes it available.

    VERSION/assets.extra/tf_serving_warmup_requests    an uncompressed TFRecord of PredictionLogs

The first requests of a SavedModel take a hundred times as long as later ones, those of each signature again:
https://www.tensorflow.org/tfx/serving/saved_model_warmup. The reviews are made up, and as long as those that the model
has learned from; nobody's text travels with a model.
"""

import itertools
import struct
from collections.abc import Iterator

from beam_pipelines.artifacts import exports
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


def prediction_logs(tokens: int) -> Iterator:
    """Makes a request of each signature for each of `BATCHES` reviews of so many tokens: yields PredictionLogs."""
    for signature, rows in itertools.product(exports.SIGNATURES, BATCHES):
        log, texts = PredictionLog(), [review(tokens).encode()] * rows
        if signature == exports.REGRESS:
            request = log.regress_log.request
            request.input.example_list.examples.extend(example(text) for text in texts)
        else:
            request = log.predict_log.request
            tensor = request.inputs[exports.INPUTS[signature]]
            tensor.dtype = _STRING
            tensor.tensor_shape.dim.add(size=rows)
            is_text = signature != exports.EXAMPLES
            tensor.string_val.extend(texts if is_text else (example(text).SerializeToString() for text in texts))
        request.model_spec.signature_name = signature
        yield log


def example(text: bytes):
    """Makes the tf.Example of a text."""
    made = Example()
    made.features.feature[exports.TEXT].bytes_list.value.append(text)
    return made


def read(records: bytes) -> Iterator:
    """Reads the PredictionLogs of the file's content.

    The checksums of its records are not looked at: the digest of the file is.
    """
    start = 0
    while start < len(records):
        # The length, its checksum, the record, and the checksum of that.
        (size,) = struct.unpack_from("<Q", records, start)
        yield PredictionLog.FromString(records[start + 12 : start + 12 + size])
        start += 12 + size + 4
