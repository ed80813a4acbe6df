"""Messages to messages: what PredictionService and ModelService answer, over gRPC and under REST alike.

What is refused, and in which words, is TensorFlow Serving's, in `servables/tensorflow/` and `model_servers/`:
https://github.com/tensorflow/serving/tree/master/tensorflow_serving
"""

from collections.abc import Iterable
from typing import Any

from beam_pipelines.artifacts import exports
from serving import messages
from serving.local_server import tensors
from serving.local_server.failures import Failure
from serving.local_server.servable import Servable
from serving.local_server.tensors import Limits
from serving.local_server.versions import Versions

SIGNATURE_DEF = "signature_def"
STATES = {name: number for number, name in messages.enum_names("tensorflow.serving.ModelVersionStatus.State").items()}
INVALID_VERSION_CODE = 3


class ModelApi:
    """Answers requests about one model.

    Args:
      versions: Those of the model.
      limits: What a request may hold.
    """

    def __init__(self, versions: Versions, limits: Limits):
        self.versions = versions
        self.limits = limits

    def servable(self, request: Any) -> Servable:
        """Finds the version that a request asks for."""
        if not request.HasField("model_spec"):
            raise Failure("INVALID_ARGUMENT", "Missing ModelSpec")
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        return self.versions.find(spec.name, version, spec.version_label)

    def predict(self, request: Any) -> Any:
        return predict(self.servable(request), request, self.limits)

    def regress(self, request: Any) -> Any:
        return regress(self.servable(request), request, self.limits)

    def metadata(self, request: Any) -> Any:
        fields = request.metadata_field
        if request.HasField("model_spec") and not fields:
            raise Failure("INVALID_ARGUMENT", "GetModelMetadataRequest must specify at least one metadata_field")
        for field in fields:
            if field != SIGNATURE_DEF:
                raise Failure("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        servable = self.servable(request)
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = servable.version
        response.metadata[SIGNATURE_DEF].Pack(servable.signature_defs)
        return response

    def status(self, request: Any) -> Any:
        if not request.HasField("model_spec"):
            raise Failure("INVALID_ARGUMENT", "Missing ModelSpec")
        spec = request.model_spec
        statuses = self.versions.statuses if spec.name == self.versions.name else {}
        if spec.HasField("version"):
            number = spec.version.value
            if number not in statuses:
                raise Failure("NOT_FOUND", f"Could not find version {number} of model {spec.name}")
            statuses = {number: statuses[number]}
        if not statuses:
            raise Failure("NOT_FOUND", f"Could not find any versions of model {spec.name}")
        response = messages.GetModelStatusResponse()
        for number, status in sorted(statuses.items(), reverse=True):
            listed = response.model_version_status.add(version=number, state=STATES[status.state])
            listed.status.error_code = INVALID_VERSION_CODE if status.error else 0
            listed.status.error_message = status.error
        return response


def predict(servable: Servable, request: Any, limits: Limits) -> Any:
    """Answers a PredictRequest by a version that has been found for it."""
    name = request.model_spec.signature_name or exports.SCORE
    if name not in servable.functions:
        raise Failure("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    signature = servable.signature_defs.signature_def[name]
    _refuse_other_inputs(request.inputs.keys(), signature.inputs.keys())
    inputs = {alias: tensors.texts_of(alias, tensor, limits) for alias, tensor in request.inputs.items()}
    outputs = servable.run(name, inputs, _wanted(request.output_filter, signature.outputs.keys()))
    response = messages.PredictResponse()
    _fill_spec(response.model_spec, request, servable, name)
    for alias, values in outputs.items():
        tensors.write(values, response.outputs[alias])
    return response


def _refuse_other_inputs(given: Iterable[str], expected: Iterable[str]) -> None:
    given, expected = sorted(given), sorted(expected)
    if given == expected:
        return
    if len(given) == len(expected):
        unknown = next(alias for alias in given if alias not in expected)
        raise Failure(
            "INVALID_ARGUMENT",
            f"input tensor alias not found in signature: {unknown}. "
            f"Inputs expected to be in the set {{{','.join(expected)}}}.",
        )
    extra = ",".join(alias for alias in given if alias not in expected)
    missing = ",".join(alias for alias in expected if alias not in given)
    raise Failure(
        "INVALID_ARGUMENT",
        f"input size does not match signature: {len(given)}!={len(expected)} len({{{','.join(given)}}}) != "
        f"len({{{','.join(expected)}}}). Sent extra: {{{extra}}}. Missing but required: {{{missing}}}.",
    )


def _wanted(output_filter: Iterable[str], outputs: Iterable[str]) -> list[str]:
    """The outputs that a filter leaves, all where there is none."""
    outputs, wanted = sorted(outputs), list(output_filter)
    for place, alias in enumerate(wanted):
        if alias not in outputs:
            raise Failure(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {{{','.join(outputs)}}}.",
            )
        if alias in wanted[:place]:
            raise Failure("INVALID_ARGUMENT", f"duplicate output tensor alias: {alias}")
    return wanted or outputs


def regress(servable: Servable, request: Any, limits: Limits) -> Any:
    """Answers a RegressionRequest by a version that has been found for it."""
    name = request.model_spec.signature_name or exports.SCORE
    if name not in servable.functions:
        raise Failure("INVALID_ARGUMENT", f"No signature was found with the name: {name}")
    signature = servable.signature_defs.signature_def[name]
    ways = {"input": signature.inputs, "output": signature.outputs}
    for way, listed in ways.items():
        if len(listed) != 1:
            raise Failure("INVALID_ARGUMENT", f"Expected one {way} Tensor.")
    for way, listed in ways.items():
        if f"{way}s" not in listed:
            raise Failure("FAILED_PRECONDITION", f"No regression {way}s found in SignatureDef: {name}")
    examples = _serialized(request.input)
    limits.check(examples)
    (scores,) = servable.run(name, {"inputs": examples}, ["outputs"]).values()
    response = messages.RegressionResponse()
    _fill_spec(response.model_spec, request, servable, name)
    for score in scores.tolist():
        response.result.regressions.add(value=score)
    return response


def _serialized(given: Any) -> list[bytes]:
    """The tf.Examples of an Input, each with the context before it, which makes them one message."""
    with_context = given.example_list_with_context
    context = with_context.context.SerializeToString()
    examples = [*given.example_list.examples, *with_context.examples]
    if not examples:
        raise Failure("INVALID_ARGUMENT", "Input is empty.")
    return [context + example.SerializeToString() for example in examples]


def _fill_spec(spec: Any, request: Any, servable: Servable, signature: str) -> None:
    spec.name = request.model_spec.name
    spec.version.value = servable.version
    spec.signature_name = signature
