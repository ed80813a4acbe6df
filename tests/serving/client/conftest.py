"""A client of each kind before a fake server: REST and gRPC, waiting and awaiting."""

import asyncio
import inspect
import socket

import pytest

from serving.client import AsyncReviewScorer, ReviewScorer
from tests.helpers import fake_serving


class Awaited:
    """`AsyncReviewScorer` with the methods of `ReviewScorer`, so that each test holds for both."""

    def __init__(self, *arguments, **options):
        self._runner = asyncio.Runner()

        async def make():
            return AsyncReviewScorer(*arguments, **options)

        try:
            self._client = self._runner.run(make())
        except BaseException:
            self._runner.close()
            raise

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def wait(*arguments):
            called = method(*arguments)
            if inspect.isasyncgen(called):
                return self._pull(called)
            return self._runner.run(called)

        return wait

    def _pull(self, generator):
        while True:
            try:
                yield self._runner.run(anext(generator))
            except StopAsyncIteration:
                return

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
        self._runner.close()


@pytest.fixture(params=["rest", "grpc"])
def server(request):
    with (fake_serving.rest if request.param == "rest" else fake_serving.grpc_server)() as fake:
        yield fake


@pytest.fixture
def rest():
    with fake_serving.rest() as fake:
        yield fake


@pytest.fixture
def grpc_server():
    with fake_serving.grpc_server() as fake:
        yield fake


@pytest.fixture(params=[ReviewScorer, Awaited])
def open_client(request):
    """Opens clients, all closed in the end."""
    opened = []

    def opening(address, **options):
        client = request.param(address, **options)
        opened.append(client)
        return client.__enter__()

    yield opening
    for client in opened:
        client.__exit__()


@pytest.fixture
def unused_port():
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
