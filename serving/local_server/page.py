"""What a person sees who opens the server's address: one file without outside resources, and what it asks for.

    GET  /                                             the page
    GET  /page/facts                                   of the version that answers, and of the limits, for the page
    POST /archive/columns?name=reviews.csv             which columns a file has, and which may hold its texts
    POST /archive?name=reviews.csv&column=text         the file with a score for each row

The page scores a text by the REST API, as anyone can. A file can be scored without it, too:

    curl --data-binary @reviews.csv 'http://127.0.0.1:8501/archive?name=reviews.csv&column=text' > scored.csv
"""

import base64
import hashlib
import pathlib
import re
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from serving.local_server.failures import Failure
from serving.local_server.model_api import ModelApi
from serving.local_server.scored_archive import scored_csv
from serving.local_server.servable import Servable
from serving.local_server.uploaded_archive import MAX_ROWS, Upload, likely_column
from serving.local_server.workers import Workers

HTML = pathlib.Path(__file__).with_name("page.html").read_text()
TOO_LARGE = 413


def _hashes(tag: str) -> str:
    """The hashes of the page's own elements of a kind, which alone a browser then runs or applies."""
    contents = re.findall(rf"<{tag}>(.*?)</{tag}>", HTML, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


HEADERS = {
    # Nothing from elsewhere, and nothing of a text is ever run: a script that would make elements of text fails.
    "content-security-policy": f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class Page:
    """The page of one model.

    Args:
      model: What answers.
      workers: Where it does so.
      read_body: Reads a request's body; None where that is larger than the model's limits allow.
    """

    def __init__(self, model: ModelApi, workers: Workers, read_body: Callable[[Request], Awaitable[bytes | None]]):
        self._model = model
        self._workers = workers
        self._read_body = read_body

    def routes(self) -> list[Route]:
        return [
            Route("/", _page),
            Route("/page/facts", _answered(self._facts)),
            Route("/archive/columns", _answered(self._columns), methods=["POST"]),
            Route("/archive", _answered(self._score), methods=["POST"]),
        ]

    async def _facts(self, request: Request) -> Response:
        versions, limits = self._model.versions, self._model.limits
        servable = versions.find(versions.name)
        about = {"model": versions.name, "version": str(servable.version), "file_rows": MAX_ROWS}
        bounds = {"text_bytes": limits.text_bytes, "request_bytes": limits.request_bytes}
        return JSONResponse(about | bounds | self._training(servable), headers=HEADERS)

    def _training(self, servable: Servable) -> dict[str, Any]:
        """What the export says of the scores that it learned from; nothing where its folder is gone."""
        try:
            info = self._info(servable)
        except UserError:
            return {}
        return {
            "score_min": info.score_min,
            "score_max": info.score_max,
            "max_tokens": info.max_tokens,
            "interval_share": info.interval.share,
            "training_scores": info.training.scores.histogram["train"],
        }

    def _info(self, servable: Servable) -> exports.ExportInfo:
        return exports.find(str(self._model.versions.folder_of(servable.version))).info

    async def _columns(self, request: Request) -> Response:
        found = await self._workers.run((await self._upload(request)).columns)
        # One without a name cannot be chosen.
        columns = list(filter(None, dict.fromkeys(found)))
        try:
            trained = self._info(self._model.versions.find(self._model.versions.name)).preprocess_settings
        except UserError:
            trained = {}
        likely = likely_column(columns, trained.get("text_column", ""))
        return JSONResponse({"columns": columns, "likely": likely}, headers=HEADERS)

    async def _score(self, request: Request) -> Response:
        upload, column = await self._upload(request), request.query_params.get("column", "")
        servable = self._model.versions.find(self._model.versions.name)
        table = await self._workers.run(upload.rows, column, self._model.limits.text_bytes)
        told = {
            "x-rows": str(len(table.rows)),
            # A tab would be trimmed.
            "x-delimiter": urllib.parse.quote(table.delimiter),
            "x-model-version": str(servable.version),
            "content-disposition": f"attachment; filename*=UTF-8''{urllib.parse.quote(_scored_name(upload.name))}",
        }
        body = scored_csv(table, servable, self._workers)
        return StreamingResponse(body, headers=HEADERS | told, media_type="text/csv; charset=utf-8")

    async def _upload(self, request: Request) -> Upload:
        body = await self._read_body(request)
        if body is None:
            limit = self._model.limits.request_bytes
            raise Failure("OUT_OF_RANGE", f"the file has more bytes than the {limit:,} allowed (--max_request_bytes)")
        return Upload(request.query_params.get("name") or "file.csv", body)


def _scored_name(name: str) -> str:
    """What the scored file is called.

    >>> _scored_name("reviews.csv.gz"), _scored_name("reviews.jsonl")
    ('reviews-scored.csv', 'reviews-scored.csv')
    """
    return f"{name.split('.')[0] or 'reviews'}-scored.csv"


def _answered(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Failure as failure:
            is_too_large = failure.code == "OUT_OF_RANGE"
            # What is left of a body that is too large is not read, so nothing can follow on this connection.
            headers = HEADERS | ({"connection": "close"} if is_too_large else {})
            status = TOO_LARGE if is_too_large else failure.http_status
            return JSONResponse({"error": failure.message}, status, headers)

    return endpoint


async def _page(request: Request) -> Response:
    return HTMLResponse(HTML, headers=HEADERS)
