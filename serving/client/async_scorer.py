"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Self

from serving.client.answers import Explanation, Metadata, Score, VersionStatus
from serving.client.base_scorer import BaseScorer
from serving.client.errors import Unavailable
from serving.client.protocol import EXPLAIN, SCORE, Call
from serving.client.retries import Deadline


class AsyncReviewScorer(BaseScorer):
    """`ReviewScorer` with methods to await, of the same arguments; tasks may share one.

        async with AsyncReviewScorer("127.0.0.1:8501") as reviews:
            await asyncio.gather(reviews.score(these), reviews.score(those))

    Make it where its event loop runs.
    """

    _TRANSPORT = "AsyncTransport"

    async def score(self, texts: Iterable[str]) -> list[Score]:
        """Returns the score of each text, in their order; nothing is sent if one of them exceeds a limit."""
        return await self._all(texts, SCORE)

    async def explain(self, texts: Iterable[str]) -> list[Explanation]:
        """Returns the score of each text with the phrases that moved it."""
        return await self._all(texts, EXPLAIN)

    def score_each(self, texts: Iterable[str]) -> AsyncIterator[Score]:
        """Yields the score of each of any number of texts, which are read request by request."""
        return self._each(texts, SCORE)

    def explain_each(self, texts: Iterable[str]) -> AsyncIterator[Explanation]:
        """Yields the explanation of each of any number of texts, likewise."""
        return self._each(texts, EXPLAIN)

    async def status(self) -> list[VersionStatus]:
        """Returns the versions of the model that the server has, or has had."""
        return await self._answer(self._protocol.status(), self._deadline())

    async def metadata(self) -> Metadata:
        """Returns the signatures of the version that answers."""
        return await self._answer(self._protocol.metadata(), self._deadline())

    async def _all(self, texts: Iterable[str], signature: str) -> list:
        deadline = self._deadline()
        return [answer for call in list(self._calls(texts, signature)) for answer in await self._answer(call, deadline)]

    async def _each(self, texts: Iterable[str], signature: str) -> AsyncIterator:
        for call in self._calls(texts, signature):
            for answer in await self._answer(call, self._deadline()):
                yield answer

    async def _answer(self, call: Call, deadline: Deadline) -> Any:
        attempts = self._attempts(deadline)
        while True:
            try:
                answer = call.read(await self._transport.send(call.request, deadline))
            except Unavailable as error:
                await asyncio.sleep(attempts.next_pause_s(error))
                continue
            if not isinstance(answer, Call):
                return answer
            call = answer

    async def close(self) -> None:
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
