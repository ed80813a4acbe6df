"""Carries REST calls over HTTP, with httpx: connections are kept and used again."""

import asyncio
import concurrent.futures
import os
import socket
import ssl
import threading
import weakref
from collections.abc import Coroutine
from typing import Any

import httpx

from serving.client.connection import Connection
from serving.client.errors import ServingError, Unavailable
from serving.client.rest_protocol import Reply, Request
from serving.client.retries import Deadline

# So long closing connections may take.
_CLOSE_S = 5.0


class AsyncTransport:
    """Sends requests; tasks may share one."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._client = httpx.AsyncClient(**_options(connection))

    async def send(self, request: Request, deadline: Deadline) -> Reply:
        """Sends a request.

        Raises:
          Unavailable: The server is not there, or went away before it had answered.
          ServingError: It does not speak HTTP, or shows no certificate that is trusted.
          DeadlineExceeded: The time is over.
        """
        try:
            # httpx limits each read and each write, but not their sum (httpx 0.28).
            async with asyncio.timeout(deadline.left_s()):
                response = await self._client.request(request.method, request.url, **_content(request, deadline))
            return Reply(response.status_code, response.content, response.headers.get("Retry-After", ""))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise deadline.exceeded() from error
        except httpx.HTTPError as error:
            raise _failure(self._connection, error) from error

    async def close(self) -> None:
        await self._client.aclose()


class Transport:
    """The same for callers that wait, by an event loop in a thread: it keeps the deadline; threads may share one."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._transport = AsyncTransport(connection)
        self._is_closed = False
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = runner.get_loop()
        threading.Thread(target=_run, args=(runner,), name=f"asks {connection}", daemon=True).start()
        # Also of a client that nobody has closed.
        self._stop = weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    def send(self, request: Request, deadline: Deadline) -> Reply:
        if self._is_closed:
            raise ServingError(f"the client of {self._connection} is closed")
        return self._wait(self._transport.send(request, deadline), deadline)

    def close(self) -> None:
        """Closes the connections; whoever waits for an answer in another thread gets a ServingError."""
        if not self._is_closed:
            self._is_closed = True
            self._wait(self._transport.close(), Deadline(_CLOSE_S, str(self._connection)))
            self._stop()

    def _wait(self, sending: Coroutine, deadline: Deadline) -> Any:
        future = asyncio.run_coroutine_threadsafe(sending, self._loop)
        try:
            # The loop keeps the deadline itself, unless its thread is gone, as after a fork.
            return future.result(deadline.left_s() + _CLOSE_S)
        except concurrent.futures.CancelledError as error:
            raise ServingError(f"the client of {self._connection} is closed") from error
        except TimeoutError as error:
            raise deadline.exceeded() from error
        finally:
            future.cancel()


def _run(runner: asyncio.Runner) -> None:
    # In the end it cancels what is still under way.
    with runner:
        runner.get_loop().run_forever()


def _options(connection: Connection) -> dict:
    # Reading the system's certificates takes 50 ms, which plain HTTP need not wait for.
    verify = ssl.create_default_context(cafile=connection.ca_file) if connection.is_secure else False
    authorization = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
    # A proxy of the environment would be shown the token, and has another loopback.
    return {"verify": verify, "headers": authorization, "trust_env": not connection.is_loopback}


def _content(request: Request, deadline: Deadline) -> dict:
    headers = {"Content-Type": "application/json"} if request.body else {}
    return {"content": request.body, "headers": headers, "timeout": deadline.left_s()}


def _failure(connection: Connection, error: httpx.HTTPError) -> ServingError:
    if isinstance(error, httpx.ConnectError) and "SSL" in str(error):
        if "WRONG_VERSION_NUMBER" in str(error):
            return ServingError(f"{connection} does not speak TLS: write http://, or name the port that does")
        return ServingError(f"{connection} cannot be trusted: {error}; ca_file names an authority of your own")
    if isinstance(error, httpx.ConnectError):
        return Unavailable(f"{connection} cannot be reached: {_reason(error)}")
    if isinstance(error, httpx.NetworkError):
        return Unavailable(f"{connection} has closed the connection before it answered")
    if isinstance(error, httpx.RemoteProtocolError):
        return Unavailable(
            f"{connection} gives no HTTP answer ({error}); a server's gRPC port is written grpc://HOST:PORT"
        )
    return ServingError(f"{connection} cannot be asked: {error}")


def _reason(error: BaseException) -> str:
    """The system's own words, in whose place anyio (4.16) says "All connection attempts failed"."""
    found: BaseException | None = error
    while found:
        if isinstance(found, socket.gaierror):
            return found.strerror or str(found)
        if isinstance(found, OSError) and found.errno and not isinstance(found, ssl.SSLError):
            return os.strerror(found.errno)
        below = found.__cause__ or found.__context__
        # Of several addresses, the first.
        found = found.exceptions[0] if isinstance(found, BaseExceptionGroup) else below
    return str(error)
