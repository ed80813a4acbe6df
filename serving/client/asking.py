"""What the clients have in common, whether they wait or await."""

import types
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from serving.client.answers import explanations_of, scores_of
from serving.client.chunks import RequestLimits, chunks
from serving.client.connection import Connection
from serving.client.protocol import SCORE, Call, Protocol
from serving.client.retries import Attempts, Deadline


class Asking:
    """Makes the calls for texts and the answers of their replies.

    Args:
      server: HOST:PORT, http:// or https:// for REST; grpc://HOST:PORT or grpcs://HOST:PORT for gRPC.
      model_name: The model's name on the server.
      version: The only version that shall answer; by default the newest that is served.
      label: Of the version that shall answer, such as "stable".
      timeout_s: How long a call may take, retries included. A call is one of a method, whatever the number of
        texts; of `score_each` and `explain_each` it is each request.
      token: Sent as `Authorization: Bearer`, for a proxy in front.
      ca_file: PEM file of the authorities that sign the server's certificate, for https:// and grpcs://.
      max_rows: Texts in a request. Keep it within `max_batch_size` where the server batches.
      max_request_bytes: Of a request.
      max_text_bytes: Of one text in UTF-8.
      retries: How often a request is sent again that nobody answered, or that the server was not available for.

    Raises:
      ValueError: An argument is none.
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
        self._limits = RequestLimits(max_rows, max_request_bytes, max_text_bytes)
        self._timeout_s = timeout_s
        self._retries = retries
        self._protocol, transports = spoken(self.connection)
        self._transport: Any = getattr(transports, self._TRANSPORT)(self.connection)

    def _calls(self, texts: Iterable[str], signature: str) -> Iterator[Call]:
        """Yields the calls for texts, in their order; each answer is a list of scores or explanations."""
        if isinstance(texts, str):
            raise TypeError("texts is one str; expected several, as in [text]")
        for pieces in chunks(texts, self._limits, self._protocol.encode, self._protocol.overhead):
            yield _read_as(signature, self._protocol.predict(pieces, signature), len(pieces))

    def _deadline(self) -> Deadline:
        return Deadline(self._timeout_s, str(self.connection))

    def _attempts(self, deadline: Deadline) -> Attempts:
        return Attempts(deadline, self._retries)


def _read_as(signature: str, call: Call, rows: int) -> Call:
    make = scores_of if signature == SCORE else explanations_of
    return Call(call.request, lambda reply: make(call.read(reply), rows))


def spoken(connection: Connection) -> tuple[Protocol, types.ModuleType]:
    """Returns the protocol of a server, and the module of its transports: only what is spoken is imported."""
    if connection.is_grpc:
        from serving.client import grpc_protocol, grpc_transport

        return grpc_protocol.GrpcProtocol(connection), grpc_transport
    from serving.client import rest_protocol, rest_transport

    return rest_protocol.RestProtocol(connection), rest_transport
