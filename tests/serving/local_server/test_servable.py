"""A loaded version: the requests that warm it up, and what it never answers."""

import pathlib

import pytest
import tensorflow as tf

from serving import warm_up
from serving.calls import SignatureCall
from serving.local_server import servable
from serving.local_server.failures import Failure
from tests.helpers.exports import version


@pytest.fixture(scope="module")
def loaded(cnn) -> servable.Servable:
    return servable.load(version(cnn))


class Noting(servable.Servable):
    """A version that notes the signatures that are called."""

    def run(self, signature, inputs, names):
        self.model.append((signature, len(*inputs.values())))
        return super().run(signature, inputs, names)


@pytest.fixture
def noting(loaded) -> Noting:
    return Noting(loaded.version, loaded.signature_defs, dict(loaded.functions), [])


def recorded(path: pathlib.Path, *calls: SignatureCall) -> pathlib.Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for call in calls:
            writer.write(warm_up.prediction_log(call).SerializeToString())
    return path


def test_the_requests_that_were_exported_are_made(noting, tmp_path):
    calls = SignatureCall.of("explain", ["a", "b"]), SignatureCall.of("regress", ["c"])
    servable.warm(noting, recorded(tmp_path / "requests", *calls))
    assert noting.model == [("explain", 2), ("regress", 1)]


def test_one_that_fails_is_told(noting, tmp_path):
    del noting.functions["explain"]
    with pytest.raises(Failure, match='^Serving signature key "explain" not found.$'):
        servable.warm(noting, recorded(tmp_path / "requests", SignatureCall.of("explain", ["a"])))


def test_each_signature_is_called_where_none_were_exported(noting, tmp_path):
    servable.warm(noting, tmp_path / "requests")
    names = ("serving_default", "explain", "examples", "regress")
    assert noting.model == [(name, rows) for name in names for rows in (1, 32)]


def test_a_score_that_is_no_number_is_not_answered():
    broken = servable.Servable(7, None, {"a": lambda: {"score": tf.constant([1.0, float("nan")])}}, None)
    with pytest.raises(Failure, match="^score of version 7 has a value that is no finite number$") as raised:
        broken.run("a", {}, ["score"])
    assert raised.value.code == "INTERNAL"
