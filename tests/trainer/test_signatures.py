"""What a server of the export is asked and answers: a contract, of names, types and shapes."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.helpers.exports import version

SERVED = {
    "score": "float32 (None,)",
    "score_low": "float32 (None,)",
    "score_high": "float32 (None,)",
    "tokens": "int64 (None,)",
    "known_share": "float32 (None,)",
    "truncated": "bool (None,)",
    "score_min": "float32 (None,)",
    "score_max": "float32 (None,)",
    "model_version": "int64 (None,)",
}
EXPLAINED = SERVED | {
    "phrases": "string (None, 6)",
    "phrase_starts": "int64 (None, 6)",
    "points": "float32 (None, 6)",
    "explained_score": "float32 (None,)",
    "explained_rest": "float32 (None,)",
    "values": "float32 (None, 9)",
    "probabilities": "float32 (None, 9)",
}
TEXTS = ["an excellent record", "unheardof zzz", "", "good " * 300]


@pytest.fixture(scope="session")
def loaded(trained):
    return tf.saved_model.load(str(version(trained)))


@pytest.fixture
def served(loaded) -> dict[str, np.ndarray]:
    return called(loaded.signatures["serving_default"], text=tf.constant(TEXTS))


def called(signature, **tensors) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in signature(**tensors).items()}


def example(**features: bytes) -> bytes:
    lists = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


def kinds(signature) -> tuple[dict, dict]:
    given, answered = signature.structured_input_signature[1], signature.structured_outputs
    return tuple(
        {name: f"{spec.dtype.name} {tuple(spec.shape)}" for name, spec in specs.items()} for specs in (given, answered)
    )


def test_names_types_and_shapes(loaded, trained):
    explained = dict(EXPLAINED)
    if "lstm" in str(trained):
        del explained["explained_rest"]
    if "notebook" in str(trained):
        del explained["values"], explained["probabilities"]
    assert {name: kinds(signature) for name, signature in loaded.signatures.items()} == {
        "serving_default": ({"text": "string (None,)"}, SERVED),
        "explain": ({"text": "string (None,)"}, explained),
        "examples": ({"examples": "string (None,)"}, SERVED),
        "regress": ({"inputs": "string (None,)"}, {"outputs": "float32 (None,)"}),
    }


def test_regress_is_saved_as_what_a_server_s_regress_takes(trained):
    saved = saved_model_pb2.SavedModel.FromString((version(trained) / "saved_model.pb").read_bytes())
    methods = {name: signature.method_name for name, signature in saved.meta_graphs[0].signature_def.items()}
    assert methods == {
        "__saved_model_init_op": "",
        "serving_default": "tensorflow/serving/predict",
        "explain": "tensorflow/serving/predict",
        "examples": "tensorflow/serving/predict",
        "regress": "tensorflow/serving/regress",
    }


def test_what_stands_beside_a_score(served, trained):
    assert served["tokens"].tolist() == [3, 2, 0, 300]
    assert served["truncated"].tolist() == [False, False, False, True]  # Prepared with --max_tokens 200.
    assert served["known_share"][:3] == pytest.approx([2 / 3, 0, 0])
    assert served["score_min"].tolist() == [0] * 4
    assert served["score_max"].tolist() == [100] * 4
    assert served["model_version"].tolist() == [int(pathlib.Path(version(trained)).name)] * 4


def test_examples_are_answered_as_texts_are(loaded, served):
    given = [example(text=text.encode(), other=b"x") for text in TEXTS]
    found = called(loaded.signatures["examples"], examples=tf.constant(given))
    assert found.keys() == served.keys()
    for name, values in served.items():
        assert found[name].tolist() == values.tolist()
    regressed = called(loaded.signatures["regress"], inputs=tf.constant(given))
    assert regressed["outputs"].tolist() == served["score"].tolist()


def test_an_example_without_a_text_is_refused_by_the_name_of_what_it_lacks(loaded):
    with pytest.raises(tf.errors.InvalidArgumentError, match="text"):
        loaded.signatures["regress"](inputs=tf.constant([example(review=b"good")]))


def test_one_request_tells_a_score_and_its_reasons(loaded, served):
    found = called(loaded.signatures["explain"], text=tf.constant(TEXTS))
    for name, values in served.items():
        assert found[name] == pytest.approx(values, abs=1e-3)


def test_the_median_of_the_probabilities_is_near_the_score(trained_once):
    explain = tf.saved_model.load(str(version(trained_once("cnn")))).signatures["explain"]
    found = called(explain, text=tf.constant(TEXTS))
    assert found["values"] == pytest.approx(np.array([[10, 20, 40, 60, 70, 80, 90, 95, 100]] * 4))
    assert found["probabilities"].sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    for score, values, probabilities in zip(found["score"], found["values"], found["probabilities"], strict=True):
        up_to = probabilities.cumsum()
        low, high = (values[np.searchsorted(up_to, level).clip(max=8)] for level in (0.47, 0.53))
        assert low - 0.01 <= score <= high + 0.01  # Rounded to float32.


def test_an_empty_batch_is_answered_empty(loaded):
    for name, signature in loaded.signatures.items():
        (given,) = signature.structured_input_signature[1]
        found = called(signature, **{given: tf.constant([], tf.string)})
        assert {len(values) for values in found.values()} == {0}, name


def test_phrases_are_valid_utf_8_whatever_the_text_is(loaded):
    texts = [
        b"excellent \xff\xfe record \xc3",
        "\ufeffexcellent caf\u00e9 \U0001f600 \u4e16\u754c".encode(),
        b"\xe2\x82 boring \xf0\x9f",
    ]
    phrases = called(loaded.signatures["explain"], text=tf.constant(texts))["phrases"]
    said = [phrase.decode() for row in phrases for phrase in row]
    assert any("excellent" in phrase for phrase in said)
    assert all(phrase in texts[1].decode() for phrase in (one.decode() for one in phrases[1]))
