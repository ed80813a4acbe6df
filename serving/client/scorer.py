"""The client that waits for its answers."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

from serving.client.answers import Explanation, Metadata, Score, VersionStatus
from serving.client.base_scorer import BaseScorer
from serving.client.errors import Unavailable
from serving.client.protocol import EXPLAIN, SCORE, Call
from serving.client.retries import Deadline


class ReviewScorer(BaseScorer):
    """Asks a server for scores, and keeps its connections until it is closed; threads may share one.

    Its arguments are those of `BaseScorer`. Each method raises ServingError, with the server's own words, where it
    fails: Unavailable where nobody answers, DeadlineExceeded where the time is over. For a text that is not sent it
    raises TextRefused.
    """

    _TRANSPORT = "Transport"

    def score(self, texts: Iterable[str]) -> list[Score]:
        """Returns the score of each text, in their order; nothing is sent if one of them exceeds a limit."""
        return self._all(texts, SCORE)

    def explain(self, texts: Iterable[str]) -> list[Explanation]:
        """Returns the score of each text with the phrases that moved it."""
        return self._all(texts, EXPLAIN)

    def score_each(self, texts: Iterable[str]) -> Iterator[Score]:
        """Yields the score of each of any number of texts, which are read request by request."""
        return self._each(texts, SCORE)

    def explain_each(self, texts: Iterable[str]) -> Iterator[Explanation]:
        """Yields the explanation of each of any number of texts, likewise."""
        return self._each(texts, EXPLAIN)

    def status(self) -> list[VersionStatus]:
        """Returns the versions of the model that the server has, or has had."""
        return self._answer(self._protocol.status(), self._deadline())

    def metadata(self) -> Metadata:
        """Returns the signatures of the version that answers."""
        return self._answer(self._protocol.metadata(), self._deadline())

    def _all(self, texts: Iterable[str], signature: str) -> list:
        deadline = self._deadline()
        return [answer for call in list(self._calls(texts, signature)) for answer in self._answer(call, deadline)]

    def _each(self, texts: Iterable[str], signature: str) -> Iterator:
        for call in self._calls(texts, signature):
            yield from self._answer(call, self._deadline())

    def _answer(self, call: Call, deadline: Deadline) -> Any:
        attempts = self._attempts(deadline)
        while True:
            try:
                answer = call.read(self._transport.send(call.request, deadline))
            except Unavailable as error:
                self._closed.wait(attempts.next_pause_s(error))
                continue
            if not isinstance(answer, Call):
                return answer
            call = answer

    def close(self) -> None:
        """Closes the connections; whoever still waits for an answer, in another thread, gets a ServingError."""
        self._closed.set()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
