"""Servers that answer as TensorFlow Serving does, and on demand as no test could make the real one answer."""

import concurrent.futures
import contextlib
import dataclasses
import http.server
import json
import pathlib
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np

from serving import messages

VERSION = 20260101120000


@dataclasses.dataclass
class Fake:
    """A fake server.

    Attributes:
      address: For the client.
      script: What the next requests are answered with, in their place: each is given the server's own handle of
        the request and returns whether it has answered. Afterwards the fake answers as it should.
      texts: Of each request to `predict`.
      seen: The path or model spec, and the headers, of each request.
      peers: The client's socket of each request.
      outputs: From texts to the outputs by name.
      over: Set when the test is over.
    """

    address: str = ""
    script: list[Callable[[Any], bool]] = dataclasses.field(default_factory=list)
    texts: list[list[str]] = dataclasses.field(default_factory=list)
    seen: list[tuple[Any, dict[str, str]]] = dataclasses.field(default_factory=list)
    peers: list[Any] = dataclasses.field(default_factory=list)
    sizes: list[int] = dataclasses.field(default_factory=list)
    outputs: Callable[[list[str], str], dict[str, list]] = None
    over: threading.Event = dataclasses.field(default_factory=threading.Event)


def outputs(texts: list[str], signature: str) -> dict[str, list]:
    """Outputs by which a test knows its texts: a score is the number of characters, as a tenth."""
    rows = len(texts)
    answered: dict[str, list] = {
        "score": [len(text) / 10 for text in texts],
        "score_low": [len(text) / 10 - 1 for text in texts],
        "score_high": [len(text) / 10 + 1 for text in texts],
        "tokens": [len(text.split()) for text in texts],
        "known_share": [0.5] * rows,
        "truncated": [len(text) > 100 for text in texts],
        "score_min": [-4.0] * rows,
        "score_max": [4.0] * rows,
        "model_version": [VERSION] * rows,
    }
    if signature == "explain":
        answered["phrases"] = [[text[:5], "", text[-5:]] for text in texts]
        answered["phrase_starts"] = [[0, -1, len(text.encode()) - len(text[-5:].encode())] for text in texts]
        answered["points"] = [[0.1, 0.0, -0.3]] * rows
        answered["explained_score"] = [0.25] * rows
    return answered


def outputs_of(folder: pathlib.Path) -> Callable[[list[str], str], dict[str, list]]:
    """The outputs of an export's signatures."""

    def answer(texts: list[str], signature: str) -> dict[str, list]:
        answered = exports.signatures(folder)[signature](text=tf.constant(texts))
        return {name: as_list(values.numpy()) for name, values in answered.items()}

    def as_list(values: np.ndarray) -> list:
        return np.char.decode(values.astype(np.bytes_)).tolist() if values.dtype == object else values.tolist()

    import tensorflow as tf

    from tests.helpers import exports

    return answer


SIGNATURES = {"inputs": {"text": ("DT_STRING", [-1])}, "outputs": {"score": ("DT_FLOAT", [-1])}}


@contextlib.contextmanager
def rest(ssl_context=None) -> Iterator[Fake]:
    """Serves REST."""
    fake = Fake(outputs=outputs)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def do_GET(self):
            self.respond(lambda _: _of_model_as_json(self.path))

        def do_POST(self):
            self.respond(self.predict)

        def respond(self, answer):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fake.seen.append((self.path, dict(self.headers)))
            fake.peers.append(self.client_address)
            fake.sizes.append(len(body))
            if not (fake.script and fake.script.pop(0)(self)):
                self.reply(200, json.dumps(answer(body)).encode())

        def reply(self, status, body, headers=None):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def predict(self, body):
            asked = json.loads(body)
            fake.texts.append(asked["inputs"]["text"])
            return {"outputs": fake.outputs(asked["inputs"]["text"], asked["signature_name"])}

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if ssl_context:
        server.socket = ssl_context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.address = f"{'https' if ssl_context else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        fake.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _of_model_as_json(path: str) -> dict:
    if not path.endswith("/metadata"):
        status = {"error_code": "OK", "error_message": ""}
        return {"model_version_status": [{"version": str(VERSION), "state": "AVAILABLE", "status": status}]}
    listed = {
        way: {
            name: {"dtype": dtype, "tensor_shape": {"dim": [{"size": str(size), "name": ""} for size in shape]}}
            for name, (dtype, shape) in tensors.items()
        }
        for way, tensors in SIGNATURES.items()
    }
    return {
        "model_spec": {"name": "reviews", "signature_name": "", "version": str(VERSION)},
        "metadata": {"signature_def": {"signature_def": {"serving_default": listed}}},
    }


@contextlib.contextmanager
def grpc_server(credentials=None) -> Iterator[Fake]:
    """Serves gRPC."""
    fake = Fake(outputs=outputs)

    def method(request_class, answer):
        def respond(request, context):
            fake.seen.append((request.model_spec, dict(context.invocation_metadata())))
            fake.peers.append(context.peer())
            fake.sizes.append(request.ByteSize())
            if fake.script:
                fake.script.pop(0)(context)
            return answer(request)

        return grpc.unary_unary_rpc_method_handler(
            respond, request_class.FromString, lambda message: message.SerializeToString()
        )

    def predict(request):
        texts = [text.decode() for text in request.inputs["text"].string_val]
        fake.texts.append(texts)
        response = messages.PredictResponse()
        for name, values in fake.outputs(texts, request.model_spec.signature_name).items():
            response.outputs[name].CopyFrom(tensor(values))
        return response

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    predicting = {
        "Predict": method(messages.PredictRequest, predict),
        "GetModelMetadata": method(messages.GetModelMetadataRequest, _metadata),
    }
    of_models = {"GetModelStatus": method(messages.GetModelStatusRequest, _status)}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(messages.PREDICTION_SERVICE, predicting),
            grpc.method_handlers_generic_handler(messages.MODEL_SERVICE, of_models),
        )
    )
    if credentials:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    fake.address = f"{'grpcs' if credentials else 'grpc'}://127.0.0.1:{port}"
    try:
        yield fake
    finally:
        fake.over.set()
        server.stop(None).wait()


NUMBERS = {name: number for number, name in messages.enum_names("tensorflow.DataType").items()}


def tensor(values: list) -> Any:
    """A TensorProto of one or two axes; equal floats stand once, and whole numbers as bytes, as they may."""
    flat = [value for row in values for value in row] if values and isinstance(values[0], list) else values
    proto = messages.TensorProto()
    proto.tensor_shape.dim.add(size=len(values))
    if flat is not values:
        proto.tensor_shape.dim.add(size=len(values[0]))
    if isinstance(flat[0], str):
        proto.dtype = NUMBERS["DT_STRING"]
        proto.string_val.extend(text.encode() for text in flat)
    elif isinstance(flat[0], bool):
        proto.dtype = NUMBERS["DT_BOOL"]
        proto.bool_val.extend(flat)
    elif isinstance(flat[0], int):
        proto.dtype = NUMBERS["DT_INT64"]
        proto.tensor_content = struct.pack(f"<{len(flat)}q", *flat)
    else:
        proto.dtype = NUMBERS["DT_FLOAT"]
        proto.float_val.extend(flat[:1] if len(set(flat)) == 1 else flat)
    return proto


def _metadata(request) -> Any:
    response = messages.GetModelMetadataResponse()
    response.model_spec.version.value = VERSION
    listed = messages.SignatureDefMap()
    for way, tensors in SIGNATURES.items():
        for name, (dtype, shape) in tensors.items():
            info = getattr(listed.signature_def["serving_default"], way)[name]
            info.dtype = NUMBERS[dtype]
            for size in shape:
                info.tensor_shape.dim.add(size=size)
    response.metadata["signature_def"].value = listed.SerializeToString()
    return response


def _status(request) -> Any:
    response = messages.GetModelStatusResponse()
    response.model_version_status.add(version=VERSION, state=30)
    return response
