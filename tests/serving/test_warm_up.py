"""The requests by which a server warms a version up: the official messages, and answered by the model."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving import warm_up
from tests.helpers.exports import signatures, version


@pytest.fixture(scope="module")
def official(cnn) -> list:
    records = tf.data.TFRecordDataset(str(version(cnn) / warm_up.FILE))
    return [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]


def test_each_signature_is_asked_for_one_review_and_for_32(official):
    asked = collections.defaultdict(list)
    for log in official:
        if log.WhichOneof("log_type") == "regress_log":
            request = log.regress_log.request
            rows = len(request.input.example_list.examples)
        else:
            request = log.predict_log.request
            (tensor,) = request.inputs.values()
            rows = len(tf.make_ndarray(tensor))
        asked[request.model_spec.signature_name].append(rows)
    assert asked == {name: [1, 32] for name in ("serving_default", "explain", "examples", "regress")}


def test_the_model_answers_them(official, cnn):
    for log in official:
        if log.WhichOneof("log_type") == "predict_log":
            request = log.predict_log.request
            given = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
            answer = signatures(version(cnn))[request.model_spec.signature_name](**given)
            assert np.isfinite(answer["score"]).all()


def test_the_reviews_are_as_long_as_the_median_and_of_no_archive(official, rows):
    (text,) = tf.make_ndarray(official[0].predict_log.request.inputs["text"])
    median = np.median([len(row["text"].split()) for row in rows])
    assert abs(len(text.split()) - median) <= 1
    assert text.startswith(b"The opening is strong")


def test_they_are_read_as_they_were_written(official, cnn):
    read = list(warm_up.read((version(cnn) / warm_up.FILE).read_bytes()))
    written = [warm_up.prediction_log(call).SerializeToString(deterministic=True) for call in read]
    assert written == [log.SerializeToString(deterministic=True) for log in official]
    assert {(call.input, len(call.values)) for call in read} >= {("text", 1), ("inputs", 32), ("examples", 32)}
