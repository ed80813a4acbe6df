"""Carries REST calls over HTTP, with httpx: connections are kept and used again."""

import asyncio
import ssl

import httpx

from serving.client.connection import Connection
from serving.client.errors import ServingError, Unavailable
from serving.client.rest_protocol import Reply, Request
from serving.client.retries import Deadline


class Transport:
    """Sends requests and waits; threads may share one."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._client = httpx.Client(**_options(connection))

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Sends a request.

        Raises:
          Unavailable: The server is not there, or went away before it had answered.
          ServingError: It does not speak HTTP, or shows no certificate that is trusted.
          DeadlineExceeded: The time is over.
        """
        body = bytearray()
        try:
            with self._client.stream(request.method, request.url, **_content(request, deadline)) as response:
                # httpx limits each read, but not their sum (httpx 0.28).
                for part in response.iter_bytes():
                    body += part
                    deadline.left_s()
            return Reply(response.status_code, bytes(body))
        except httpx.TimeoutException as error:
            raise deadline.exceeded() from error
        except httpx.HTTPError as error:
            raise _failure(self._connection, error) from error

    def close(self) -> None:
        self._client.close()


class AsyncTransport:
    """The same for asyncio."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._client = httpx.AsyncClient(**_options(connection))

    async def send(self, request: Request, deadline: Deadline) -> Reply:
        try:
            async with asyncio.timeout(deadline.left_s()):
                response = await self._client.request(request.method, request.url, **_content(request, deadline))
            return Reply(response.status_code, response.content)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise deadline.exceeded() from error
        except httpx.HTTPError as error:
            raise _failure(self._connection, error) from error

    async def close(self) -> None:
        await self._client.aclose()


def _options(connection: Connection) -> dict:
    # Reading the system's certificates takes 50 ms, which plain HTTP need not wait for.
    verify = ssl.create_default_context(cafile=connection.ca_file) if connection.is_secure else False
    authorization = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
    return {"verify": verify, "headers": authorization}


def _content(request: Request, deadline: Deadline) -> dict:
    headers = {"Content-Type": "application/json"} if request.body else {}
    return {"content": request.body, "headers": headers, "timeout": deadline.left_s()}


def _failure(connection: Connection, error: httpx.HTTPError) -> ServingError:
    if isinstance(error, httpx.ConnectError) and "SSL" in str(error):
        return ServingError(f"{connection} cannot be trusted: {error}")
    if isinstance(error, httpx.ConnectError):
        return Unavailable(f"{connection} cannot be reached: {error}")
    if isinstance(error, httpx.NetworkError):
        return Unavailable(f"{connection} has closed the connection before it answered")
    if isinstance(error, httpx.RemoteProtocolError):
        return Unavailable(
            f"{connection} gives no HTTP answer ({error}); a server's gRPC port is written grpc://HOST:PORT"
        )
    return ServingError(f"{connection} cannot be asked: {error}")
