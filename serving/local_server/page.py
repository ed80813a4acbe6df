"""What a person sees who opens the server's address: one file without outside resources."""

import pathlib

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PAGE = pathlib.Path(__file__).with_name("page.html")
HEADERS = {
    # Nothing from elsewhere, and nothing of a text is ever run.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def routes() -> list[Route]:
    return [Route("/", _page)]


async def _page(request: Request) -> Response:
    return HTMLResponse(PAGE.read_text(), headers=HEADERS)
