"""What a fake server does on demand in the place of an answer: a script of these stands in its `script`."""

import http.server
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

import grpc

from tests.helpers.fake_serving import Fake


def refuse(status: int, code: grpc.StatusCode, told: str) -> Callable[[Any], bool]:
    """An answer that tells of an error, by either protocol."""

    def action(handle: Any) -> bool:
        if isinstance(handle, grpc.ServicerContext):
            handle.abort(code, told)
        handle.reply(status, json.dumps({"error": told}).encode())
        return True

    return action


def unavailable(handle: Any) -> bool:
    return refuse(503, grpc.StatusCode.UNAVAILABLE, "the queue is full")(handle)


def later(retry_after: str) -> Callable[[Any], bool]:
    """An answer of a proxy that limits how often it is asked, over REST."""

    def action(handle: Any) -> bool:
        handle.reply(429, b"too many requests", {"Retry-After": retry_after})
        return True

    return action


def silent(fake: Fake) -> Callable[[Any], bool]:
    """No answer until the test is over."""

    def action(handle: Any) -> bool:
        fake.over.wait(60)
        if not isinstance(handle, grpc.ServicerContext):
            handle.close_connection = True
        return True

    return action


def reset(handle: http.server.BaseHTTPRequestHandler) -> bool:
    """Resets the connection in the place of an answer."""
    handle.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handle.connection.close()
    handle.close_connection = True
    handle.wfile = open("/dev/null", "wb")  # noqa: SIM115
    return True


def says(body: bytes, status: int = 200) -> Callable[[Any], bool]:
    """An answer of any bytes, over REST."""

    def action(handle: Any) -> bool:
        handle.reply(status, body)
        return True

    return action
