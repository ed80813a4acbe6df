"""The messages of TensorFlow Serving: the official ones, without TensorFlow and beside it."""

import subprocess
import sys

from serving import messages, write_messages


def test_the_descriptors_are_those_of_the_official_package():
    assert messages.DESCRIPTORS.read_bytes() == write_messages.official().SerializeToString(deterministic=True)


def test_a_request_is_read_by_the_official_message_in_the_same_process():
    from tensorflow_serving.apis import predict_pb2

    request = messages.PredictRequest()
    request.model_spec.name = "reviews"
    request.inputs["text"].string_val.append("schön".encode())
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert read.inputs["text"].string_val == ["schön".encode()]


def test_they_come_without_tensorflow():
    program = "import sys; from serving import messages; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
