"""REST's JSON to messages, as TensorFlow Serving's `util/json_tensor.cc` does it, in its words.

https://www.tensorflow.org/tfx/serving/api_rest says what requests hold.
"""

import base64
import binascii
import itertools
import json
from collections.abc import Sequence
from typing import Any

from serving.local_server import tensors
from serving.local_server.failures import Failure

JSON_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
MAX_SHOWN = 200
INT64 = range(-(2**63), 2**63)


def parse(body: bytes) -> dict:
    """Reads a request's body.

    What is no UTF-8 in a string is kept, for the model to replace.

    Raises:
      Failure: It is no JSON object.
    """
    try:
        document = json.loads(body.decode("utf-8-sig", "surrogateescape"))
    except json.JSONDecodeError as error:
        raise _invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (ValueError, RecursionError) as error:
        raise _invalid(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise _invalid(f"JSON Value: {_shown(document)} Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise _invalid(
            f"JSON Value: {_shown(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return document


def signature_name(document: dict) -> str:
    return document.get("signature_name", "").encode("utf-8", "replace").decode()


def fill_predict_request(document: dict, input_names: Sequence[str], request: Any) -> bool:
    """Fills the inputs of a PredictRequest.

    Args:
      document: What `parse` returned.
      input_names: Those of the signature.
      request: The message.

    Returns:
      Whether the answer goes by rows: it does where the request has `instances`.
    """
    if "instances" in document and "inputs" in document:
        raise _invalid(
            f"JSON Value: {_shown(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise _invalid(f"JSON Value: {_shown(document)} Excepting 'instances' to be an list/array")
        if not instances:
            raise _invalid(f"JSON Value: {_shown(document)} No values in 'instances' array")
        for name, column in _columns(instances, sorted(input_names)).items():
            _fill_tensor(column, request.inputs[name])
        return True
    if "inputs" not in document:
        raise _invalid("Missing 'inputs' or 'instances' key")
    for name, column in _named(document["inputs"], sorted(input_names)).items():
        _fill_tensor(column, request.inputs[name])
    return False


def _columns(instances: list, input_names: list[str]) -> dict[str, list]:
    """Turns rows into a column for each input."""
    if not isinstance(instances[0], dict) and len(input_names) > 1:
        raise _invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    are_named = _is_named(instances[0])
    for place, instance in enumerate(instances):
        if _is_named(instance) != are_named:
            expected = "Expecting object but got list" if are_named else "Expecting value/list but got object"
            raise _invalid(f"{expected} at item {place} of input list")
        if are_named and sorted(instance) != input_names:
            raise _invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: {_shown(instance)} "
                f"keys must be equal to: {','.join(input_names)}"
            )
    if are_named:
        return {name: [instance[name] for instance in instances] for name in input_names}
    return {input_names[0]: instances}


def _named(inputs: Any, input_names: list[str]) -> dict[str, Any]:
    """The value of each input."""
    if not _is_named(inputs):
        if len(input_names) > 1:
            raise _invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {input_names[0]: inputs}
    for name in input_names:
        if name not in inputs:
            raise _invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: inputs[name] for name in input_names}


def _is_named(value: Any) -> bool:
    """Whether a value holds named inputs: it is an object, and not bytes in base64."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _fill_tensor(value: Any, tensor: Any) -> None:
    """Fills a tensor of strings from nested lists, which are equally long at each level."""
    tensor.dtype = tensors.DATA_TYPE_NUMBERS["DT_STRING"]
    shape, inner = [], value
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    for size in shape:
        tensor.tensor_shape.dim.add().size = size
    _fill(value, 0, shape, tensor.string_val)


def _fill(value: Any, level: int, shape: list[int], texts: Any) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise _invalid(
                f"JSON Value: {_shown(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        texts.append(_bytes(value))
        return
    if level >= len(shape):
        raise _invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise _invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for each in value:
        _fill(each, level + 1, shape, texts)


def _bytes(value: Any) -> bytes:
    """The bytes of a string, or of an object {"b64": ...}."""
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise _invalid("JSON Parse error: The surrogate pair in string is invalid.") from error
    if _is_base64(value):
        encoded = value["b64"].rstrip("=").encode("utf-8", "replace")
        try:
            return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
        except binascii.Error as error:
            raise _invalid("Unable to base64 decode") from error
    if isinstance(value, dict):
        raise _invalid(f"JSON Value: {_shown(value)} not formatted correctly for base64 data")
    raise _invalid(f"JSON Value: {_shown(value)} Type: {_type(value)} is not of expected type: string")


def fill_regression_request(document: dict, request: Any) -> None:
    """Fills the examples, and their context, of a RegressionRequest."""
    has_context = "context" in document
    if has_context:
        _fill_example(document["context"], request.input.example_list_with_context.context)
    if "examples" not in document:
        raise _invalid(
            f"JSON Value: {_shown(document)} When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _invalid(f"JSON Value: {_shown(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise _invalid(f"JSON Value: {_shown(document)} 'examples' value is an empty array")
    filled = request.input.example_list_with_context if has_context else request.input.example_list
    for example in examples:
        _fill_example(example, filled.examples.add())


def _fill_example(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise _invalid(f"Example must be JSON object but got JSON {_type(value)}")
    for name, content in value.items():
        name = name.encode("utf-8", "replace").decode()
        feature = example.features.feature[name]
        for each in content if isinstance(content, list) else [content]:
            _add_to_feature(each, name, feature)


def _add_to_feature(value: Any, name: str, feature: Any) -> None:
    """Adds a value to a feature, whose values are all of one kind."""
    kind = _kind(value)
    if kind is None:
        raise _invalid(f"Feature: {name} has element with unexpected JSON type: {_type(value)}")
    if feature.WhichOneof("kind") not in (None, kind):
        expected = feature.WhichOneof("kind").removesuffix("_list")
        raise _invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    if kind == "int64_list" and int(value) not in INT64:
        raise _invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    converted = _bytes(value) if kind == "bytes_list" else value
    getattr(feature, kind).value.append(converted)


def _kind(value: Any) -> str | None:
    """The field of a feature that holds a value; None where none does."""
    if isinstance(value, str) or _is_base64(value):
        return "bytes_list"
    return {float: "float_list", int: "int64_list", bool: "int64_list"}.get(type(value))


def _invalid(message: str) -> Failure:
    return Failure("INVALID_ARGUMENT", message)


def _shown(value: Any) -> str:
    """The beginning of a value, for a message."""
    parts = itertools.islice(json.JSONEncoder(indent=4).iterencode(value), MAX_SHOWN)
    return "".join(parts)[:MAX_SHOWN]


def _type(value: Any) -> str:
    return str(value) if isinstance(value, bool) else JSON_TYPES[type(value)]
