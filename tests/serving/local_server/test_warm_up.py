"""The first requests of a version: those that were exported with it, or made-up ones."""

import pathlib

import pytest
import tensorflow as tf

from serving import messages
from serving.local_server import servable, warm_up
from serving.local_server.failures import Failure
from serving.local_server.tensors import Limits
from tests.helpers.exports import version

LIMITS = Limits(rows=10, text_bytes=1_000, request_bytes=1_000)


@pytest.fixture(scope="module")
def loaded(cnn) -> servable.Servable:
    return servable.load(version(cnn))


class Noting(servable.Servable):
    """A version that notes the signatures that are called."""

    def run(self, signature, inputs, names):
        self.model.append((signature, [*inputs.values()]))
        return super().run(signature, inputs, names)


@pytest.fixture
def noting(loaded) -> Noting:
    return Noting(loaded.version, loaded.signature_defs, loaded.functions, [])


def record(folder: pathlib.Path, *logs) -> None:
    path = folder / warm_up.REQUESTS
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def prediction(signature: str):
    log = messages.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = "other", signature
    request.inputs["text"].dtype = tf.string.as_datatype_enum
    request.inputs["text"].tensor_shape.dim.add().size = 1
    request.inputs["text"].string_val.append(b"a")
    return log


def test_what_was_exported_is_replayed(noting, tmp_path):
    regression = messages.PredictionLog()
    regression.regress_log.request.model_spec.signature_name = "regress"
    example = regression.regress_log.request.input.example_list.examples.add()
    example.features.feature["text"].bytes_list.value.append(b"b")
    record(tmp_path, prediction("explain"), regression)
    warm_up.warm_up(noting, tmp_path, LIMITS)
    assert noting.model == [("explain", [[b"a"]]), ("regress", [[example.SerializeToString()]])]


def test_one_that_fails_is_told(noting, tmp_path):
    record(tmp_path, prediction("rank"))
    with pytest.raises(Failure, match='^Serving signature key "rank" not found.$'):
        warm_up.warm_up(noting, tmp_path, LIMITS)


def test_each_signature_is_called_where_none_were_exported(noting, tmp_path):
    warm_up.warm_up(noting, tmp_path, LIMITS)
    assert {name for name, _ in noting.model} == {"serving_default", "explain", "examples", "regress"}


def test_a_score_that_is_no_number_is_not_answered(loaded):
    broken = servable.Servable(7, None, {"a": lambda: {"score": tf.constant([1.0, float("nan")])}}, None)
    with pytest.raises(Failure, match="^score of version 7 has a value that is no finite number$") as raised:
        broken.run("a", {}, ["score"])
    assert raised.value.code == "INTERNAL"
