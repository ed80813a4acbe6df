"""Carries gRPC calls, over one channel that is kept."""

import pathlib
from typing import Any

import grpc
import grpc.aio

from serving.client.connection import Connection
from serving.client.errors import ServingError, Unavailable
from serving.client.grpc_protocol import Request
from serving.client.retries import LONGEST_PAUSE_S, Deadline

_CHANNEL = [
    # An explanation may be longer than its text; it is ours that we asked for.
    ("grpc.max_receive_message_length", -1),
    # By default it waits up to two minutes before it looks for a server that was lost. min_reconnect_backoff_ms stays:
    # it also bounds how long making a connection may take, and TLS with a distant server takes its time.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", int(1000 * LONGEST_PAUSE_S)),
]
# What gRPC's C++ server says before it looks at a request, while all its threads are taken (--grpc_max_threads).
_NO_THREAD = "Server Threadpool Exhausted"

_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


class Transport:
    """Sends requests and waits; threads may share one."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._channel = _open(grpc, connection)

    def send(self, request: Request, deadline: Deadline) -> Any:
        """Sends a request.

        Raises:
          Unavailable: The server is not there, or says so.
          ServingError: It refuses the request or fails at it.
          DeadlineExceeded: The time is over.
        """
        call = _method(self._channel, request)
        try:
            return call(request.message, timeout=deadline.left_s(), metadata=_headers(self._connection))
        except grpc.RpcError as error:
            raise _failure(self._connection, error, deadline) from error

    def close(self) -> None:
        self._channel.close()


class AsyncTransport:
    """The same for asyncio."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._channel = _open(grpc.aio, connection)

    async def send(self, request: Request, deadline: Deadline) -> Any:
        call = _method(self._channel, request)
        try:
            return await call(request.message, timeout=deadline.left_s(), metadata=_headers(self._connection))
        except grpc.RpcError as error:
            raise _failure(self._connection, error, deadline) from error

    async def close(self) -> None:
        await self._channel.close()


def _open(library: Any, connection: Connection) -> Any:
    # A proxy of the environment would be shown the token, and has another loopback.
    options = [*_CHANNEL, ("grpc.enable_http_proxy", int(not connection.is_loopback))]
    if not connection.is_secure:
        return library.insecure_channel(connection.target, options=options)
    authorities = pathlib.Path(connection.ca_file).read_bytes() if connection.ca_file else None
    return library.secure_channel(connection.target, grpc.ssl_channel_credentials(authorities), options=options)


def _method(channel: Any, request: Request) -> Any:
    return channel.unary_unary(
        request.method,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=request.reply_class.FromString,
    )


def _headers(connection: Connection) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {connection.token}")] if connection.token else []


def _failure(connection: Connection, error: Any, deadline: Deadline) -> ServingError:
    code, told = error.code(), error.details()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return deadline.exceeded()
    if code is grpc.StatusCode.UNAVAILABLE and _UNTRUSTED in (told or ""):
        return ServingError(f"{connection} cannot be trusted: {_UNTRUSTED}; ca_file names an authority of your own")
    is_busy = code is grpc.StatusCode.RESOURCE_EXHAUSTED and told == _NO_THREAD
    kind = Unavailable if is_busy or code is grpc.StatusCode.UNAVAILABLE else ServingError
    return kind(f"{connection} answers {code.name}: {told}", code.name)
