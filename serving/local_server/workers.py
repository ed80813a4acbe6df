"""Threads in which TensorFlow works, so that the event loop goes on answering what needs none."""

import asyncio
import concurrent.futures
import os
from collections.abc import Callable
from typing import TypeVar

from serving.local_server.failures import Failure

Answer = TypeVar("Answer")


class Workers:
    """A thread for each core, and a bounded number of requests that they work at or that wait for them.

    Args:
      max_in_flight: That number.
    """

    def __init__(self, max_in_flight: int):
        self._pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count(), "answers")
        self.max_in_flight = max_in_flight
        self._in_flight = 0

    async def run(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        """Runs a function in a thread. Only the event loop's own thread may call this.

        Raises:
          Failure: Too many are in flight; it is what TensorFlow Serving says where its batching queue is full.
        """
        if self._in_flight >= self.max_in_flight:
            raise Failure("UNAVAILABLE", f"{self._in_flight} requests are in flight already; try again later")
        self._in_flight += 1
        loop = asyncio.get_running_loop()
        future = self._pool.submit(function, *arguments)
        # A request whose caller has gone keeps its place for as long as its thread works.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return await asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._in_flight -= 1

    def close(self) -> None:
        """Waits for what is running; what waits is dropped."""
        self._pool.shutdown(cancel_futures=True)
