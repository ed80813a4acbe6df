"""The threads that answer: how many requests may wait for them, and what goes on meanwhile."""

import asyncio
import threading

import pytest

from serving.local_server.failures import Failure
from serving.local_server.workers import Workers


def test_beyond_those_in_flight_a_request_is_told_to_come_again():
    async def two_at_once() -> str:
        workers, over = Workers(max_in_flight=1), threading.Event()
        first = asyncio.ensure_future(workers.run(over.wait, 60))
        await asyncio.sleep(0)
        with pytest.raises(Failure, match="^1 requests are in flight already; try again later$") as raised:
            await workers.run(int)
        over.set()
        assert await first
        assert await workers.run(int) == 0
        return raised.value.code

    assert asyncio.run(two_at_once()) == "UNAVAILABLE"


def test_a_request_whose_caller_has_gone_keeps_its_place_while_its_thread_works():
    async def abandoned() -> int:
        workers, over = Workers(max_in_flight=1), threading.Event()
        started = threading.Event()
        first = asyncio.ensure_future(workers.run(lambda: started.set() or over.wait(60)))
        await asyncio.to_thread(started.wait, 60)
        first.cancel()
        with pytest.raises(Failure, match="in flight already"):
            await workers.run(int)
        over.set()
        await asyncio.to_thread(workers.close)
        await asyncio.sleep(0)
        return workers._in_flight

    assert asyncio.run(abandoned()) == 0
