"""10,000 requests of random bytes, over all ways that lead in: none ends the server, and none is its own error."""

import asyncio
import json
import random
import socket

import grpc
import httpx
import pytest

from serving.local_server import servable
from serving.local_server.model_api import ModelApi
from serving.local_server.rest import Rest
from serving.local_server.tensors import Limits
from serving.local_server.versions import Status, Versions
from serving.local_server.workers import Workers
from tests.helpers.exports import version
from tests.serving.local_server.test_rpc import request_of

WITHIN, RAW, MESSAGES = 8_000, 1_000, 1_000
STATUSES = {200, 400, 404, 405, 413, 501}
CODES = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}
PATHS = [
    "/v1/models/reviews:predict",
    "/v1/models/reviews:regress",
    "/v1/models/reviews/metadata",
    "/v1/models/reviews",
]
# Some that are answered, whose texts most changes leave a text, and some with faults of their own.
BODIES = [
    b'{"instances": [{"text": "a slow and beautiful film that never finds its feet"}], "signature_name": "explain"}',
    b'{"inputs": {"text": ["a masterpiece, \\ud83d\\ude00 from its first note to its very last", ""]}}',
    b'{"signature_name": "regress", "context": {"n": [1, 2]}, "examples": [{"text": "dull, but honest work"}]}',
    b'{"instances": [{"text": "a"}, "b", {"b64": "YQ=="}], "signature_name": "examples"}',
    b'{"signature_name": "regress", "context": {"n": [1, 2.5]}, "examples": [{"text": "a"}, {"text": true}]}',
]


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Changes, drops or repeats some bytes, or takes others altogether."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(60))
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = start + chance.randrange(6)
        data = data[:start] + chance.choice([b"", chance.randbytes(3), data[start:end] * 2]) + data[end:]
    return data


@pytest.fixture(scope="module")
def app(cnn):
    versions = Versions("reviews", cnn, load=None)
    versions.statuses = {1: Status("AVAILABLE", servable.load(version(cnn)))}
    return Rest(ModelApi(versions, Limits(10, 1_000, 10_000)), Workers(4)).app()


async def called(app, method: str, path: bytes, headers: list, body: bytes) -> tuple[int, bytes]:
    """Calls an ASGI application, and returns the status and the body of its answer."""
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": body}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path.decode("latin-1"), "raw_path": path}
    scope |= {"query_string": b"", "headers": headers, "root_path": "", "scheme": "http", "server": ("a", 80)}
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_within_the_process(app):
    chance = random.Random(7)

    async def all_of_them() -> set[tuple[str, int]]:
        answered = set()
        for _ in range(WITHIN):
            path = chance.choice(PATHS).encode()
            path = path if chance.random() < 0.8 else mutated(chance, path)
            headers = [(b"content-length", mutated(chance, b"10")), (b"host", chance.randbytes(5))]
            method, body = chance.choice(["POST", "POST", "POST", "GET", "PUT"]), mutated(chance, chance.choice(BODIES))
            status, answer = await called(app, method, path, headers, body)
            assert status in STATUSES, (path, body, answer)
            # No address on the wire has a line break.
            if path.startswith(b"/v1/") and b"\n" not in path:
                assert ("error" in json.loads(answer)) == (status != 200)
            answered.add((method, int(status)))
        return answered

    assert asyncio.run(all_of_them()) >= {("POST", status) for status in (200, 400, 404, 413)}


def code(call, request: bytes) -> str:
    try:
        call(request, timeout=60)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def test_over_sockets_and_grpc(served_cnn):
    chance = random.Random(8)
    host, port = served_cnn.rest.split(":")
    for _ in range(RAW):
        body = mutated(chance, chance.choice(BODIES))
        request = b"POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
            chance.choice(PATHS).encode(),
            len(body),
            body,
        )
        with socket.create_connection((host, int(port)), timeout=60) as client:
            client.sendall(mutated(chance, request))
            client.shutdown(socket.SHUT_WR)
            client.recv(100)
    with grpc.insecure_channel(served_cnn.grpc) as channel:
        message = request_of().SerializeToString()
        for method in ("Predict", "Regress", "GetModelMetadata"):
            call = channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
            for _ in range(MESSAGES // 3):
                assert code(call, mutated(chance, message)) in CODES
    assert served_cnn.process.poll() is None
    assert httpx.post(f"{served_cnn.url}:predict", json={"inputs": ["a"]}).status_code == 200
    assert "Traceback" not in served_cnn.printed()
