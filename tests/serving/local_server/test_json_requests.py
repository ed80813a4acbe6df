"""REST's requests: what they become, and in which words they are refused."""

import json

import pytest

from serving import messages
from serving.local_server import json_requests
from serving.local_server.failures import Failure


def predict(document: object, names=("text",)) -> tuple[dict, bool]:
    """The texts of each input, by its name and shape, and whether the answer goes by rows."""
    request = messages.PredictRequest()
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    by_rows = json_requests.fill_predict_request(json_requests.parse(body), names, request)
    shapes = {name: [dim.size for dim in tensor.tensor_shape.dim] for name, tensor in request.inputs.items()}
    return {name: (shapes[name], [*tensor.string_val]) for name, tensor in request.inputs.items()}, by_rows


@pytest.mark.parametrize(
    ("document", "inputs", "by_rows"),
    [
        ({"instances": ["a", "ü"]}, {"text": ([2], [b"a", "ü".encode()])}, True),
        ({"instances": [{"text": "a"}]}, {"text": ([1], [b"a"])}, True),
        ({"instances": [{"b64": "/w"}]}, {"text": ([1], [b"\xff"])}, True),
        ({"instances": [["a", "b"]]}, {"text": ([1, 2], [b"a", b"b"])}, True),
        ({"inputs": ["a"]}, {"text": ([1], [b"a"])}, False),
        ({"inputs": {"text": ["a"], "more": 1}}, {"text": ([1], [b"a"])}, False),
        ({"inputs": []}, {"text": ([0], [])}, False),
        ({"inputs": "a"}, {"text": ([], [b"a"])}, False),
        ({"inputs": {"b64": "YQ=="}}, {"text": ([], [b"a"])}, False),
        (b'\xef\xbb\xbf{"inputs": ["\xff"]}', {"text": ([1], [b"\xff"])}, False),
    ],
)
def test_texts_come_as_rows_or_as_columns(document, inputs, by_rows):
    assert predict(document) == (inputs, by_rows)


def test_several_inputs_are_named():
    rows = {"instances": [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]}
    assert predict(rows, ("b", "a"))[0] == {"a": ([2], [b"1", b"3"]), "b": ([2], [b"2", b"4"])}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "JSON Parse error: Expecting value at offset: 0"),
        (b"[" * 100_000, "JSON Parse error: maximum recursion depth exceeded.*"),
        (b"9" * 5_000, "JSON Parse error: Exceeds the limit.*"),
        ([1], r"JSON Value: \[\n    1\n\] Is not object"),
        ({"signature_name": 1}, ".* not formatted correctly. 'signature_name' key must be a string value."),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [], "inputs": []}, ".* expecting only one of 'inputs' or 'instances' keys to exist "),
        ({"instances": "a"}, ".* Excepting 'instances' to be an list/array"),
        ({"instances": []}, ".* No values in 'instances' array"),
        ({"instances": [{"a": ""}]}, ".*element: 0 of 'instances' list. JSON object: .* keys must be equal to: text"),
        ({"instances": [{"text": "a"}, "b"]}, "Expecting object but got list at item 1 of input list"),
        ({"instances": ["a", {"text": "b"}]}, "Expecting value/list but got object at item 1 of input list"),
        ({"instances": ["a", ["b"]]}, "Encountered list at unexpected level: 1 expected < 1"),
        ({"instances": [["a"], "b"]}, 'JSON Value: "b" found at incorrect level: 2 in the JSON DOM. .* at level: 2'),
        ({"instances": [["a"], ["b", "c"]]}, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ({"inputs": {"a": []}}, "Missing named input: text in 'inputs' object."),
        ({"inputs": [1]}, "JSON Value: 1 Type: Number is not of expected type: string"),
        ({"inputs": [None]}, "JSON Value: null Type: Null is not of expected type: string"),
        ({"inputs": [True]}, "JSON Value: true Type: True is not of expected type: string"),
        ({"inputs": [{"a": 1}]}, "JSON Value: .* not formatted correctly for base64 data"),
        ({"inputs": [{"b64": "!"}]}, "Unable to base64 decode"),
        (b'{"inputs": ["\\ud800"]}', "JSON Parse error: The surrogate pair in string is invalid."),
    ],
)
def test_what_is_no_request_is_told_as_tensorflow_serving_tells_it(document, message):
    with pytest.raises(Failure, match=rf"(?s)^{message}$") as raised:
        predict(document)
    assert raised.value.code == "INVALID_ARGUMENT"
    assert len(raised.value.message) < 1_100


@pytest.mark.parametrize(("document"), [{"instances": ["a"]}, {"inputs": ["a"]}])
def test_a_plain_list_is_not_enough_for_two_inputs(document):
    with pytest.raises(Failure, match=" is a plain .*, but expecting .* as multiple input tensors required"):
        predict(document, ("a", "b"))


def regress(document: object):
    request = messages.RegressionRequest()
    json_requests.fill_regression_request(json_requests.parse(json.dumps(document).encode()), request)
    return request.input


def test_examples_have_features_of_all_kinds():
    (example,) = regress(
        {"examples": [{"text": "a", "n": [1, True], "x": 0.5, "b": {"b64": "/w=="}}]}
    ).example_list.examples
    features = example.features.feature
    assert [*features["text"].bytes_list.value, *features["b"].bytes_list.value] == [b"a", b"\xff"]
    assert [*features["n"].int64_list.value, *features["x"].float_list.value] == [1, 1, 0.5]


def test_a_context_stands_beside_its_examples():
    given = regress({"context": {"text": "a"}, "examples": [{}, {}]}).example_list_with_context
    assert given.context.features.feature["text"].bytes_list.value == [b"a"]
    assert len(given.examples) == 2


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, ".* key 'examples' is expected and was not found"),
        ({"examples": {}}, ".* Expecting 'examples' value to be an list/array"),
        ({"examples": []}, ".* 'examples' value is an empty array"),
        ({"examples": ["a"]}, "Example must be JSON object but got JSON String"),
        ({"examples": [{"text": None}]}, "Feature: text has element with unexpected JSON type: Null"),
        ({"examples": [{"text": [["a"]]}]}, "Feature: text has element with unexpected JSON type: Array"),
        ({"examples": [{"text": ["a", 1]}]}, "Unexpected element type in feature: text expecting type: bytes"),
        ({"examples": [{"n": 2**63}]}, "Feature: n has uint64 element. Only int64 is supported."),
    ],
)
def test_what_is_no_example_is_told_as_tensorflow_serving_tells_it(document, message):
    with pytest.raises(Failure, match=rf"(?s)^{message}$"):
        regress(document)
