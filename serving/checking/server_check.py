"""The check of a live server: it answers over REST and gRPC as the export did when it was exported."""

import dataclasses
import time
from typing import Any

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.errors import UserError
from serving import warm_up
from serving.calls import SignatureCall
from serving.checking import recorded_answers
from serving.checking.export_check import Latency, latency
from serving.client.base_scorer import protocol_of
from serving.client.connection import Connection
from serving.client.errors import ServingError, Unavailable
from serving.client.protocol import Call
from serving.client.retries import Attempts, Deadline

# For a request; a server that is asked for the first time may take long.
TIMEOUT_S = 60.0
RETRIES = 10
# How often a request of so many reviews is timed: others are served meanwhile.
RUNS = {1: 200, 32: 50}


@dataclasses.dataclass(frozen=True)
class CheckedServer:
    """What is known of a server that passed, by one protocol.

    Attributes:
      signatures: Those that were asked.
      largest_gap: Between its scores of the fixed texts and the recorded ones, in the archive's unit.
      tokens: How long a review is that is timed.
      latency: By the number of reviews in a request.
    """

    signatures: list[str]
    largest_gap: float
    tokens: int
    latency: dict[int, Latency]


class _Asker:
    """Asks a server by one protocol, and again where it is not available, as behind a proxy that bounds the rate.

    Attributes:
      last_ms: What the last answer took, in milliseconds, from its own request on.
    """

    def __init__(self, connection: Connection):
        self.protocol, transports = protocol_of(connection)
        self.last_ms = 0.0
        self._connection = connection
        self._transport: Any = transports.Transport(connection)

    def ask(self, call: Call) -> Any:
        """Sends a call and reads its answer.

        Raises:
          UserError: The server fails at it; it has the server's words.
        """
        deadline = Deadline(TIMEOUT_S, str(self._connection))
        attempts = Attempts(deadline, RETRIES)
        try:
            while True:
                started = time.perf_counter()
                try:
                    answer = call.read(self._transport.send(call.request, deadline))
                    self.last_ms = 1000 * (time.perf_counter() - started)
                    return answer
                except Unavailable as error:
                    if not self.last_ms:
                        raise  # It has never answered.
                    time.sleep(attempts.next_pause_s(error))
        except ServingError as error:
            is_lost = isinstance(error, Unavailable) and self._connection.is_grpc
            hint = " (--grpc_port names its port, behind a proxy that of REST; 0 leaves gRPC out)" if is_lost else ""
            raise UserError(f"{error}{hint}", status=1) from error

    def predict(self, call: SignatureCall) -> dict[str, list]:
        if call.input == exports.TEXT:
            pieces = [self.protocol.encode(value.decode()) for value in call.values]
            return self.ask(self.protocol.predict(pieces, call.signature))
        return self.ask(self.protocol.predict_examples(call.values, call.signature, call.input))

    def close(self) -> None:
        self._transport.close()


def check(export: Export, connection: Connection, tokens: int) -> CheckedServer:
    """Asks a server for what was recorded in an export, by one protocol.

    Args:
      export: What it should serve, under its version.
      connection: The server and the model; its version is the export's, or its label should name that one.
      tokens: How long the timed reviews are.

    Raises:
      UserError: It cannot be reached, serves another version, or answers otherwise.
    """
    _refuse_unavailable(export, connection)
    asker = _Asker(connection)
    try:
        served = asker.ask(asker.protocol.metadata())
        signatures = [name for name in exports.SIGNATURES if name in served.inputs]
        if exports.SCORE not in signatures:
            raise UserError(f"{connection} serves no signature {exports.SCORE}: it is another model", status=1)
        gaps = [_largest_gap(asker, signature, export, connection) for signature in signatures]
        times = {rows: _milliseconds(asker, tokens, rows, runs) for rows, runs in RUNS.items()}
    finally:
        asker.close()
    return CheckedServer(
        signatures=signatures,
        largest_gap=max(gaps),
        tokens=tokens,
        latency={rows: latency(first, later) for rows, (first, *later) in times.items()},
    )


def _refuse_unavailable(export: Export, connection: Connection) -> None:
    """Looks whether a server has the version.

    Raises:
      UserError: It has it not, or not yet; names those that it has.
    """
    # Of one version it tells nothing of the others.
    asker = _Asker(dataclasses.replace(connection, version=None, label=None))
    try:
        found = {version.version: version for version in asker.ask(asker.protocol.status())}
    finally:
        asker.close()
    known = found.get(export.version)
    if known is None or not known.is_available:
        state = f"has version {export.version} in state {known.state}" if known else f"does not serve {export.version}"
        told = f" ({known.error})" if known and known.error else ""
        others = ", ".join(str(version) for version, status in found.items() if status.is_available)
        raise UserError(f"{connection} {state}{told}, but {others or 'nothing'}", status=1)


def _largest_gap(asker: _Asker, signature: str, export: Export, connection: Connection) -> float:
    """Compares a signature's answers about the fixed texts, and about no text at all.

    Raises:
      UserError: They differ from what was recorded.
    """
    texts = [fixed.text for fixed in export.info.fixed_texts]
    if signature == exports.REGRESS:
        outputs = {"outputs": asker.ask(asker.protocol.regress(texts, signature))}
    else:
        outputs = asker.predict(SignatureCall.of(signature, texts))
        # Regress has no answer without an example.
        for name, values in asker.predict(SignatureCall.of(signature, [])).items():
            if values:
                raise UserError(f"{connection}: {signature} answers no text with {len(values)} of {name}", status=1)
    named = set(outputs.get("model_version", [])) if connection.label else set()
    if named - {export.version}:
        raise UserError(
            f"{connection}: the label {connection.label} names version {', '.join(map(str, named))}, not "
            f"{export.version}",
            status=1,
        )
    compared = recorded_answers.compare(signature, outputs, export, exports.SERVER_TOLERANCE)
    if compared.fault:
        raise UserError(f"{connection}: {signature} {compared.fault}", status=1)
    return compared.largest_gap


def _milliseconds(asker: _Asker, tokens: int, rows: int, runs: int) -> list[float]:
    """How long each of some requests of so many reviews takes; their messages are made before."""
    call = SignatureCall.of(exports.SCORE, [warm_up.review(tokens)] * rows)
    times = []
    for _ in range(runs + 1):
        asker.predict(call)
        times.append(asker.last_ms)
    return times
