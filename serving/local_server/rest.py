"""REST as TensorFlow Serving answers it: predict, regress, status, metadata, and a count of requests.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import asyncio
import collections
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import logger
from serving import messages
from serving.local_server import json_answers, json_requests, model_api
from serving.local_server.failures import Failure
from serving.local_server.json_requests import INT64
from serving.local_server.model_api import ModelApi
from serving.local_server.page import Page
from serving.local_server.workers import Workers

# Both are from model_servers/http_rest_api_util.cc.
MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
POSTED = re.compile(rf"{MODEL}:(?P<method>classify|regress|predict)", re.IGNORECASE)
GOT = re.compile(rf"(?:{MODEL}|/v1/models)(?:/(?P<part>metadata))?", re.IGNORECASE)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
TOO_LARGE = 413
# A request that arrives keeps its place for so long at most.
ARRIVAL_S = 60


class Rest:
    """The REST API of one model.

    Args:
      model: What answers.
      workers: Where it does so.
    """

    def __init__(self, model: ModelApi, workers: Workers):
        self._model = model
        self._workers = workers
        self._max_request_bytes = model.limits.request_bytes
        self._counts: collections.Counter[str] = collections.Counter()
        self._bodies = 0

    def app(self) -> Starlette:
        app = Starlette(
            routes=[
                Route("/v1/{rest:path}", self._answer, methods=METHODS),
                Route("/monitoring/prometheus/metrics", self._metrics),
                *Page(self._model, self._workers, self._body).routes(),
            ]
        )
        app.router.redirect_slashes = False
        return app

    async def _answer(self, request: Request) -> Response:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
        try:
            if request.method == "POST" and (posted := POSTED.fullmatch(path)):
                return await self._post(posted, request)
            if request.method == "GET" and (got := GOT.fullmatch(path)):
                return _response(self._get(got))
            raise Failure("INVALID_ARGUMENT", f"Malformed request: {request.method} {path}")
        except Failure as failure:
            return _response(json_answers.of_failure(failure), failure.http_status)

    def _get(self, got: re.Match) -> bytes:
        if not got["name"]:
            raise Failure("INVALID_ARGUMENT", "Missing model name in request.")
        if got["part"]:
            request = _request(messages.GetModelMetadataRequest, got)
            request.metadata_field.append(model_api.SIGNATURE_DEF)
            return json_answers.of_metadata(self._model.metadata(request))
        return json_answers.of_status(self._model.status(_request(messages.GetModelStatusRequest, got)))

    async def _post(self, posted: re.Match, request: Request) -> Response:
        method: Callable | None = {"predict": self._predict, "regress": self._regress}.get(posted["method"])
        if method is None:
            raise Failure("UNIMPLEMENTED", f"{posted['method']} is none of what a review scorer answers")
        code = "OK"
        try:
            body = await self._body(request)
            if body is None:
                message = f"the request has more bytes than the {self._max_request_bytes} allowed"
                failure = Failure(code := "RESOURCE_EXHAUSTED", message)
                # What is left of it is not read, so nothing can follow on this connection.
                return _response(json_answers.of_failure(failure), TOO_LARGE, {"connection": "close"})
            return _response(await self._workers.run(method, posted, body))
        except Failure as failure:
            code = failure.code
            raise
        except Exception as error:
            code = "INTERNAL"
            logger.exception("a request failed")
            raise Failure(code, f"{type(error).__name__}: {error}") from error
        finally:
            self._counts[code] += 1

    async def _body(self, request: Request) -> bytes | None:
        """Reads the body; None where it is too large, of which no more is read than shows it."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_request_bytes:
            return None
        # Those that arrive take memory before any is worked at.
        if self._bodies >= self._workers.max_in_flight:
            raise Failure("UNAVAILABLE", f"{self._bodies} requests are being received already; try again later")
        self._bodies += 1
        body = bytearray()
        try:
            async with asyncio.timeout(ARRIVAL_S):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._max_request_bytes:
                        return None
        except ClientDisconnect as error:
            raise Failure("CANCELLED", "the client has gone") from error
        except TimeoutError as error:
            raise Failure("DEADLINE_EXCEEDED", f"the request did not arrive within {ARRIVAL_S} s") from error
        finally:
            self._bodies -= 1
        return bytes(body)

    def _predict(self, posted: re.Match, body: bytes) -> bytes:
        request = _request(messages.PredictRequest, posted)
        document = json_requests.parse(body)
        name = json_requests.signature_name(document) or exports.SCORE
        servable = self._model.servable(request)
        if name not in servable.functions:
            raise Failure("INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def')
        request.model_spec.signature_name = name
        inputs = servable.signature_defs.signature_def[name].inputs
        by_rows = json_requests.fill_predict_request(document, list(inputs), request)
        return json_answers.of_prediction(model_api.predict(servable, request, self._model.limits), by_rows=by_rows)

    def _regress(self, posted: re.Match, body: bytes) -> bytes:
        request = _request(messages.RegressionRequest, posted)
        document = json_requests.parse(body)
        request.model_spec.signature_name = json_requests.signature_name(document)
        json_requests.fill_regression_request(document, request)
        return json_answers.of_regression(self._model.regress(request))

    async def _metrics(self, request: Request) -> Response:
        """Counts requests by status, as far as Prometheus is served here."""
        name = self._model.versions.name
        lines = [
            f':tensorflow:serving:request_count{{model_name="{name}",status="{code}"}} {count}'
            for code, count in sorted(self._counts.items())
        ]
        return PlainTextResponse("\n".join(["# TYPE :tensorflow:serving:request_count counter", *lines, ""]))


def _request(message: type, matched: re.Match) -> Any:
    """Makes a message for the model and version that an address names."""
    request = message()
    spec = request.model_spec
    spec.name = urllib.parse.unquote(matched["name"])
    if matched["version"]:
        if int(matched["version"][:20]) not in INT64:
            raise Failure("INVALID_ARGUMENT", f"Failed to convert version: {matched['version']} to numeric.")
        spec.version.value = int(matched["version"])
    if matched["label"]:
        spec.version_label = urllib.parse.unquote(matched["label"])
    return request


def _response(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status, headers, media_type="application/json")
