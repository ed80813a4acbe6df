"""What the clients have in common, whether they wait or await."""

import threading
import types
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from serving.client.answers import explanations_of, has_scores, scores_of
from serving.client.chunks import RequestLimits, chunks
from serving.client.connection import Connection
from serving.client.protocol import EXPLAIN, SCORE, Call, Protocol
from serving.client.retries import Attempts, Deadline, check_seconds


class BaseScorer:
    """Makes the calls for texts and the answers of their replies.

    Args:
      server: HOST:PORT, http:// or https:// for REST; grpc://HOST:PORT or grpcs://HOST:PORT for gRPC.
      model_name: The model's name on the server.
      version: The only version that may answer; by default the newest that is served.
      label: Of the version to ask for, such as "stable".
      timeout_s: How long a call may take, retries included, at most a week. A call is one of a method, whatever the
        number of texts; of `score_each` and `explain_each` it is each request.
      token: Sent as `Authorization: Bearer`, for a proxy in front.
      ca_file: PEM file of the authorities that sign the server's certificate, for https:// and grpcs://.
      max_rows: Texts in a request. Keep it within `max_batch_size` where the server batches.
      max_request_bytes: Of a request.
      max_text_bytes: Of one text in UTF-8.
      retries: How often a request is sent again that nobody answered, or that the server was not available for. The
        pauses grow from 0.1 s to 2 s: five take some 3 s, twenty some 30 s, as a server may take to start anew.

    Raises:
      ValueError: An argument is invalid.
    """

    # The class in a protocol's module of transports.
    _TRANSPORT: ClassVar[str]

    def __init__(
        self,
        server: str,
        *,
        model_name: str = "reviews",
        version: int | None = None,
        label: str | None = None,
        timeout_s: float = 30.0,
        token: str | None = None,
        ca_file: str | None = None,
        max_rows: int = 32,
        max_request_bytes: int = 4_000_000,
        max_text_bytes: int = 1_048_576,
        retries: int = 5,
    ):
        self.connection = Connection.of(
            server, model_name=model_name, version=version, label=label, token=token, ca_file=ca_file
        )
        check_seconds("timeout_s", timeout_s)
        self._limits = RequestLimits(max_rows, max_request_bytes, max_text_bytes)
        self._timeout_s = timeout_s
        # It ends the pauses of other threads.
        self._closed = threading.Event()
        self._retries = retries
        self._protocol, transports = protocol_of(self.connection)
        self._transport: Any = getattr(transports, self._TRANSPORT)(self.connection)

    def _calls(self, texts: Iterable[str], signature: str) -> Iterator[Call]:
        """Yields the calls for texts, in their order; each answer is a list of scores or explanations."""
        if isinstance(texts, str):
            raise TypeError("texts is one str; expected several, as in [text]")
        for pieces in chunks(texts, self._limits, self._protocol.encode, self._protocol.overhead):
            if signature == SCORE:
                yield self._scores(pieces)
            else:
                yield self._explanations(pieces)

    def _scores(self, pieces: list[bytes]) -> Call:
        call = self._protocol.predict(pieces, SCORE)
        return Call(call.request, lambda reply: scores_of(call.read(reply), len(pieces)))

    def _explanations(self, pieces: list[bytes]) -> Call:
        call = self._protocol.predict(pieces, EXPLAIN)

        def read(reply: Any) -> Any:
            columns = call.read(reply)
            return explanations_of(columns, len(pieces)) if has_scores(columns) else self._completed(pieces, columns)

        return Call(call.request, read)

    def _completed(self, pieces: list[bytes], explained: dict[str, list]) -> Call:
        """Asks for the scores of what an export of an earlier version has explained, without its scores."""
        call = self._protocol.predict(pieces, SCORE)
        return Call(call.request, lambda reply: explanations_of({**call.read(reply), **explained}, len(pieces)))

    def _deadline(self) -> Deadline:
        return Deadline(self._timeout_s, str(self.connection))

    def _attempts(self, deadline: Deadline) -> Attempts:
        return Attempts(deadline, self._retries)


def protocol_of(connection: Connection) -> tuple[Protocol, types.ModuleType]:
    """Returns the protocol of a server, and the module of its transports: only what is spoken is imported."""
    if connection.is_grpc:
        from serving.client import grpc_protocol, grpc_transport

        return grpc_protocol.GrpcProtocol(connection), grpc_transport
    from serving.client import rest_protocol, rest_transport

    return rest_protocol.RestProtocol(connection), rest_transport
