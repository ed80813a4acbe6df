"""gRPC as a client of TensorFlow Serving knows it, by the official messages, against the server as a process."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.helpers import exports
from tests.helpers.exports import version

TEXTS = ["A masterpiece.", "Dull and boring."]
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def channel(served_cnn):
    with grpc.insecure_channel(served_cnn.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def request_of(texts=TEXTS, name="reviews", **spec) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec={"name": name, **spec})
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(texts, tf.string, [len(texts)]))
    return request


@pytest.mark.parametrize("texts", [TEXTS, []])
def test_predict_answers_the_signatures_outputs(cnn, prediction, texts):
    response = prediction.Predict(request_of(texts), timeout=TIMEOUT_S)
    expected = exports.serve(version(cnn), texts)
    assert response.outputs.keys() == expected.keys()
    for name, values in expected.items():
        got = tf.make_ndarray(response.outputs[name])
        assert got.dtype == values.dtype
        assert np.array_equal(got, values), name
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (
        "reviews",
        int(version(cnn).name),
        "serving_default",
    )


def test_a_filter_leaves_the_outputs_that_it_names(cnn, prediction):
    request = request_of(signature_name="explain", version={"value": int(version(cnn).name)})
    request.output_filter.extend(["score", "phrases"])
    response = prediction.Predict(request, timeout=TIMEOUT_S)
    assert response.outputs.keys() == {"score", "phrases"}
    assert tf.make_ndarray(response.outputs["phrases"]).shape[0] == 2


def test_regress_scores_examples(cnn, prediction):
    request = regression_pb2.RegressionRequest(model_spec={"name": "reviews", "signature_name": "regress"})
    for text in TEXTS:
        feature = request.input.example_list.examples.add().features.feature["text"]
        feature.bytes_list.value.append(text.encode())
    response = prediction.Regress(request, timeout=TIMEOUT_S)
    scores = [regression.value for regression in response.result.regressions]
    assert scores == pytest.approx(exports.serve(version(cnn), TEXTS)["score"].tolist(), abs=1e-5)
    assert response.model_spec.signature_name == "regress"


def test_metadata_packs_the_signatures(prediction):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec={"name": "reviews"}, metadata_field=["signature_def"]
    )
    response = prediction.GetModelMetadata(request, timeout=TIMEOUT_S)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["regress"].outputs.keys() == {"outputs"}


def test_status_is_that_of_each_version(cnn, channel):
    status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "reviews"})
    (listed,) = status(request, timeout=TIMEOUT_S).model_version_status
    assert (listed.version, listed.state) == (int(version(cnn).name), get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    request.model_spec.name = "other"
    with pytest.raises(grpc.RpcError, match="Could not find any versions of model other") as raised:
        status(request, timeout=TIMEOUT_S)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def filtered(*names: str) -> predict_pb2.PredictRequest:
    request = request_of()
    request.output_filter.extend(names)
    return request


def with_inputs(*names: str) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec={"name": "reviews"})
    for name in names:
        request.inputs[name].CopyFrom(tf.make_tensor_proto(["a"]))
    return request


@pytest.mark.parametrize(
    ("request_", "code", "details"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request_of(name=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (request_of(name="other"), "NOT_FOUND", "Servable not found for request: Latest(other)"),
        (request_of(version={"value": 5}), "NOT_FOUND", "Servable not found for request: Specific(reviews, 5)"),
        (request_of(version_label="new"), "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
        (request_of(signature_name="ü"), "FAILED_PRECONDITION", 'Serving signature key "ü" not found.'),
        (request_of(["a"] * 1_025), "INVALID_ARGUMENT", "1025 rows in one request, more than the 1024 allowed"),
        (filtered("score", "score"), "INVALID_ARGUMENT", "duplicate output tensor alias: score"),
        (
            with_inputs("texts"),
            "INVALID_ARGUMENT",
            "input tensor alias not found in signature: texts. Inputs expected to be in the set {text}.",
        ),
        (
            with_inputs("text", "a"),
            "INVALID_ARGUMENT",
            "input size does not match signature: 2!=1 len({a,text}) != len({text}). Sent extra: {a}. "
            "Missing but required: {}.",
        ),
        (
            request_of(["x" * 17_000_000]),
            "RESOURCE_EXHAUSTED",
            "SERVER: Received message larger than max (17000040 vs. 16777216)",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_code(prediction, request_, code, details):
    with pytest.raises(grpc.RpcError) as raised:
        prediction.Predict(request_, timeout=TIMEOUT_S)
    assert (raised.value.code().name, raised.value.details()) == (code, details)


def test_an_unknown_output_is_told_with_those_that_there_are(prediction):
    with pytest.raises(grpc.RpcError, match=r"not found in signature: rank Outputs expected to be in the set {known_"):
        prediction.Predict(filtered("rank"), timeout=TIMEOUT_S)


def test_bytes_that_are_no_message_are_told_so(channel):
    predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError, match=r"the request is no tensorflow.serving.PredictRequest") as raised:
        predict(b"\xff", timeout=TIMEOUT_S)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
