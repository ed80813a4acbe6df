"""REST as a client of TensorFlow Serving knows it, against the server as a process."""

import asyncio
import contextlib
import json
import pathlib
import socket
import threading

import httpx
import numpy as np
import pytest

from serving.local_server import rest
from serving.local_server.model_api import ModelApi
from serving.local_server.rest import Rest
from serving.local_server.tensors import Limits
from serving.local_server.versions import Status, Versions
from serving.local_server.workers import Workers
from tests.helpers import exports
from tests.helpers.exports import version

TEXTS = ["A masterpiece.", "Dull and boring, \U0001f600 really."]


def post(server, method: str, document: object, at: str = "") -> httpx.Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return httpx.post(f"{server.url}{at}:{method}", content=body, timeout=60)


@pytest.fixture(scope="module")
def expected(cnn) -> dict[str, np.ndarray]:
    return exports.serve(version(cnn), TEXTS)


@pytest.mark.parametrize("at", ["", "/versions/{}"])
def test_columns_and_rows_are_the_signatures_outputs(cnn, served_cnn, expected, at):
    at = at.format(version(cnn).name)
    columns = post(served_cnn, "predict", {"inputs": TEXTS}, at).json()["outputs"]
    assert columns.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(np.array(columns[name], values.dtype), values), name
    rows = post(served_cnn, "predict", {"instances": [{"text": text} for text in TEXTS]}, at).json()["predictions"]
    assert rows == [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_an_explanation_has_lists_in_each_row(served_cnn):
    document = {"signature_name": "explain", "instances": TEXTS}
    rows = post(served_cnn, "predict", document).json()["predictions"]
    assert [len(row["phrases"]) == len(row["points"]) > 0 for row in rows] == [True, True]
    assert all(isinstance(phrase, str) for row in rows for phrase in row["phrases"])


def test_examples_and_regress_score_the_same_texts(served_cnn, expected):
    scores = expected["score"].tolist()
    given = {"signature_name": "regress", "examples": [{"text": text} for text in TEXTS]}
    assert post(served_cnn, "regress", given).json() == {"results": pytest.approx(scores, abs=1e-5)}
    given = {"signature_name": "regress", "context": {"text": TEXTS[1]}, "examples": [{}, {"text": TEXTS[0]}]}
    results = post(served_cnn, "regress", given).json()["results"]
    assert results == pytest.approx(scores[::-1], abs=1e-5)


def test_nothing_is_answered_to_nothing(served_cnn, expected):
    outputs = post(served_cnn, "predict", {"inputs": []}).json()["outputs"]
    assert outputs == {name: [] for name in expected}


def test_a_megabyte_of_text_is_answered(served_cnn):
    text = "a masterpiece and a bore " * 42_000
    for signature in ("serving_default", "explain"):
        outputs = post(served_cnn, "predict", {"signature_name": signature, "inputs": [text]}).json()["outputs"]
        assert outputs["truncated"] == [True]
        assert outputs["tokens"] == [5 * 42_000]


@pytest.mark.parametrize(
    ("method", "document", "status", "error"),
    [
        (
            "predict",
            {"signature_name": "x", "inputs": []},
            400,
            'Serving signature name: "x" not found in signature def',
        ),
        ("predict", {"inputs": ["a"] * 1_025}, 400, "1025 rows in one request, more than the 1024 allowed"),
        ("predict", {"inputs": ["a" * 4_194_305]}, 400, "a text has 4194305 bytes, more than the 4194304 allowed"),
        ("regress", {"signature_name": "x", "examples": [{}]}, 400, "No signature was found with the name: x"),
        ("regress", {"examples": [{}]}, 400, "Expected one output Tensor."),
        ("classify", {"examples": [{}]}, 501, "classify is none of what a review scorer answers"),
        ("PREDICT", {}, 501, "PREDICT is none of what a review scorer answers"),
    ],
)
def test_what_is_wrong_is_told_with_its_status(served_cnn, method, document, status, error):
    answer = post(served_cnn, method, document)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_what_tensorflow_refuses_is_the_requests_fault(served_cnn):
    for bad in ({"b64": "/////w=="}, "no example"):
        answer = post(served_cnn, "predict", {"signature_name": "examples", "inputs": [bad]})
        assert answer.status_code == 400
        assert "Could not parse example input" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/reviews/versions/5", 404, "Could not find version 5 of model reviews"),
        ("GET", "/v1/models/other/metadata", 404, "Servable not found for request: Latest(other)"),
        ("GET", f"/v1/models/a/versions/{2**63}", 400, f"Failed to convert version: {2**63} to numeric."),
        ("GET", f"/v1/models/a/versions/{10**99}", 400, f"Failed to convert version: {10**99} to numeric."),
        ("GET", "/v1/models/reviews:predict", 400, "Malformed request: GET /v1/models/reviews:predict"),
        ("POST", "/v1/models/reviews", 400, "Malformed request: POST /v1/models/reviews"),
        ("DELETE", "/v1/models/reviews", 400, "Malformed request: DELETE /v1/models/reviews"),
    ],
)
def test_addresses_that_name_nothing(served_cnn, method, path, status, error):
    answer = httpx.request(method, f"http://{served_cnn.rest}{path}")
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_model_or_version_that_is_not_served_predicts_nothing(served_cnn):
    answer = httpx.post(f"http://{served_cnn.rest}/v1/models/other%20one:predict", content=b"{}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Servable not found for request: Latest(other one)"})
    answer = post(served_cnn, "predict", {"inputs": []}, "/labels/stable")
    assert (answer.status_code, answer.json()) == (400, {"error": "Unrecognized servable version label: stable"})


def test_metadata_lists_the_signatures(cnn, served_cnn):
    listed = httpx.get(f"{served_cnn.url}/metadata").json()
    assert listed["model_spec"] == {"name": "reviews", "signature_name": "", "version": version(cnn).name}
    signatures = listed["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "explain", "examples", "regress"} <= signatures.keys()
    text = signatures["serving_default"]["inputs"]["text"]
    assert text["dtype"] == "DT_STRING"
    assert text["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}


def test_requests_are_counted_for_prometheus(served_cnn):
    post(served_cnn, "predict", {"inputs": []})
    lines = httpx.get(f"http://{served_cnn.rest}/monitoring/prometheus/metrics").text.splitlines()
    assert lines[0] == "# TYPE :tensorflow:serving:request_count counter"
    assert any(
        line.startswith(':tensorflow:serving:request_count{model_name="reviews",status="OK"} ') for line in lines
    )


@pytest.mark.parametrize("head", ["Content-Length: 99999999999", "Transfer-Encoding: chunked"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(served_cnn, head):
    host, port = served_cnn.rest.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(f"POST /v1/models/reviews:predict HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n".encode())
        if "chunked" in head:
            with contextlib.suppress(OSError):  # It may refuse before all is sent.
                for _ in range(17):
                    client.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        answer = b""
        while not answer.endswith(b"}") and (part := client.recv(65_536)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"error":"the request has more bytes than the 16777216 allowed"}')


def test_status_is_answered_while_all_threads_work(tmp_path):
    """In this process: the model is one that works until it is told to stop."""
    begun, over = threading.Event(), threading.Event()

    class Busy(ModelApi):
        def servable(self, request):
            begun.set()
            over.wait(60)
            return super().servable(request)

    async def status_and_two_requests() -> list[int]:
        versions = Versions("reviews", tmp_path, load=None)
        versions.statuses = {1: Status("END")}
        app = Rest(Busy(versions, Limits(1, 1, 1_000)), Workers(max_in_flight=1)).app()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            first = asyncio.ensure_future(client.post("/v1/models/reviews:predict", content="{}"))
            await asyncio.to_thread(begun.wait, 60)
            status = await client.get("/v1/models/reviews")
            second = await client.post("/v1/models/reviews:predict", content="{}")
            over.set()
            return [status.status_code, second.status_code, (await first).status_code]

    assert asyncio.run(status_and_two_requests()) == [200, 503, 404]


def test_requests_that_arrive_are_bounded_too():
    """Each takes memory before it is worked at."""
    model = ModelApi(Versions("reviews", pathlib.Path(), lambda folder: None), Limits(1, 1, 1_000))
    app = Rest(model, Workers(max_in_flight=1)).app()

    async def two_at_once() -> list[httpx.Response]:
        arriving, over = asyncio.Event(), asyncio.Event()

        async def slowly():
            yield b"{"
            arriving.set()
            await over.wait()
            yield b"}"

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://local") as client:
            first = asyncio.ensure_future(client.post("/v1/models/reviews:predict", content=slowly()))
            await arriving.wait()
            second = await client.post("/v1/models/reviews:predict", content=b"{}")
            over.set()
            return [await first, second]

    first, second = asyncio.run(two_at_once())
    assert second.status_code == 503
    assert second.json() == {"error": "1 requests are being received already; try again later"}
    assert first.status_code == 404


def test_a_request_that_does_not_arrive_gives_its_place_back(monkeypatch):
    monkeypatch.setattr(rest, "ARRIVAL_S", 0.1)
    model = ModelApi(Versions("reviews", pathlib.Path(), lambda folder: None), Limits(1, 1, 1_000))
    app = Rest(model, Workers(max_in_flight=1)).app()

    async def never():
        yield b"{"
        await asyncio.Event().wait()

    async def one_after_the_other() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://local") as client:
            return [await client.post("/v1/models/reviews:predict", content=body) for body in (never(), b"{}")]

    late, next_one = asyncio.run(one_after_the_other())
    assert (late.status_code, late.json()) == (504, {"error": "the request did not arrive within 0.1 s"})
    assert next_one.status_code == 404
