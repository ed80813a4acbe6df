"""REST's answers: numbers, strings and shapes as TensorFlow Serving writes them."""

import json

import numpy as np
import pytest

from serving import messages
from serving.local_server import json_answers, tensors

SCORES = np.array([0.1, 72.300003], np.float32)


def written(outputs: dict[str, np.ndarray], *, by_rows: bool) -> dict:
    response = messages.PredictResponse()
    for name, values in outputs.items():
        tensors.write(values, response.outputs[name])
    return json.loads(json_answers.of_prediction(response, by_rows=by_rows))


def test_a_number_is_the_shortest_that_is_the_same_float32():
    assert written({"score": SCORES, "tokens": np.array([1, 2])}, by_rows=False) == {
        "outputs": {"score": [0.1, 72.3], "tokens": [1, 2]}
    }


def test_rows_have_a_value_of_each_output():
    phrases = np.array([["a", ""], ["ü", "b"]], object)
    outputs = {"phrases": np.vectorize(str.encode, otypes=[object])(phrases), "long": np.array([True, False])}
    rows = [{"long": True, "phrases": ["a", ""]}, {"long": False, "phrases": ["ü", "b"]}]
    assert written(outputs, by_rows=True) == {"predictions": rows}


@pytest.mark.parametrize(("by_rows", "key"), [(True, "predictions"), (False, "outputs")])
def test_one_output_has_no_name(by_rows, key):
    assert written({"score": SCORES}, by_rows=by_rows) == {key: [0.1, 72.3]}


def test_bytes_come_as_base64_where_the_name_says_that_they_are_bytes():
    values = np.array([b"\xff", b"a"], object)
    assert written({"a_bytes": values}, by_rows=False) == {"outputs": [{"b64": "/w=="}, {"b64": "YQ=="}]}
    assert written({"a": values}, by_rows=False) == {"outputs": ["�", "a"]}


def test_nothing_is_answered_to_nothing():
    empty = {"points": np.zeros([0, 3], np.float32), "phrases": np.zeros([0, 3], object)}
    assert written(empty, by_rows=False) == {"outputs": {"points": [], "phrases": []}}
