"""TensorFlow Serving's REST API: https://www.tensorflow.org/tfx/serving/api_rest"""

import base64
import dataclasses
import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from serving.client.answers import Metadata, Tensor, VersionStatus
from serving.client.connection import Connection
from serving.client.errors import ServingError, Unavailable
from serving.client.protocol import LONGEST_SIGNATURE, Call

_SHOWN_CHARACTERS = 500
_UNAVAILABLE = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
# A proxy gives them where the server behind it is slow, or where a client asks too often; as gRPC takes them:
# https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md. TensorFlow Serving gives them where a
# request takes too long or too much memory, as it would the next time (model_servers/http_server.cc).
_UNAVAILABLE_BY_PROXY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.GATEWAY_TIMEOUT})


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    url: str
    body: bytes = b""


@dataclasses.dataclass(frozen=True)
class Reply:
    """A reply.

    Attributes:
      retry_after: Its header Retry-After, empty where it has none.
    """

    status: int
    body: bytes
    retry_after: str = ""


class RestProtocol:
    """Makes and reads the calls, in the columnar format, which names an output once for all texts."""

    def __init__(self, connection: Connection):
        self._connection = connection
        of_version = f"/versions/{connection.version}" if connection.version is not None else ""
        of_label = f"/labels/{quote(connection.label, safe='')}" if connection.label is not None else ""
        self._model = f"{connection}/v1/models/{quote(connection.model_name, safe='')}{of_version}{of_label}"
        self.overhead = len(self.predict([], LONGEST_SIGNATURE).request.body)

    def encode(self, text: str) -> bytes:
        return json.dumps(text, ensure_ascii=False).encode()

    def predict(self, pieces: Sequence[bytes], signature: str) -> Call:
        return self._predict(pieces, signature, "text")

    def predict_examples(self, examples: Sequence[bytes], signature: str, input_name: str) -> Call:
        pieces = [b'{"b64":"%s"}' % base64.b64encode(example) for example in examples]
        return self._predict(pieces, signature, input_name)

    def _predict(self, pieces: Sequence[bytes], signature: str, input_name: str) -> Call:
        names = [json.dumps(name).encode() for name in (signature, input_name)]
        body = b'{"signature_name":%s,"inputs":{%s:[%s]}}' % (*names, b",".join(pieces))
        return Call(Request("POST", f"{self._model}:predict", body), self._read_outputs)

    def regress(self, texts: Sequence[str], signature: str) -> Call:
        body = json.dumps({"signature_name": signature, "examples": [{"text": text} for text in texts]}).encode()
        return Call(Request("POST", f"{self._model}:regress", body), lambda reply: self._read(reply, "results"))

    def status(self) -> Call:
        return Call(Request("GET", self._model), self._read_status)

    def metadata(self) -> Call:
        return Call(Request("GET", f"{self._model}/metadata"), self._read_metadata)

    def _read_outputs(self, reply: Reply) -> dict[str, list]:
        outputs = self._read(reply, "outputs")
        if not isinstance(outputs, dict) or not all(isinstance(values, list) for values in outputs.values()):
            raise ServingError(f"{self._connection} answers outputs without names: it serves another model")
        return outputs

    def _read_status(self, reply: Reply) -> list[VersionStatus]:
        return [
            VersionStatus(int(found["version"]), found["state"], found.get("status", {}).get("error_message", ""))
            for found in self._read(reply, "model_version_status")
        ]

    def _read_metadata(self, reply: Reply) -> Metadata:
        about = self._read(reply)
        signatures = about["metadata"]["signature_def"]["signature_def"]
        inputs, outputs = (
            {name: _tensors(signature.get(way, {})) for name, signature in signatures.items()}
            for way in ("inputs", "outputs")
        )
        return Metadata(int(about["model_spec"]["version"]), inputs, outputs)

    def _read(self, reply: Reply, key: str = "") -> Any:
        """Returns what stands in an answer, or below a key of it.

        Raises:
          ServingError: It tells of an error, or is no answer of this API.
        """
        try:
            answer = json.loads(reply.body)
        except (ValueError, RecursionError):
            answer = None
        if reply.status != HTTPStatus.OK:
            raise self._failure(reply, answer)
        if not isinstance(answer, dict) or (key and key not in answer):
            raise ServingError(
                f"{self._connection} answers what TensorFlow Serving does not: {_excerpt(reply.body)}",
                str(reply.status),
            )
        return answer[key] if key else answer

    def _failure(self, reply: Reply, answer: Any) -> ServingError:
        told = answer.get("error") if isinstance(answer, dict) else None
        message = f"{self._connection} answers {reply.status}: {told or _excerpt(reply.body)}"
        is_of_proxy = bool(reply.retry_after) or not (isinstance(told, str) and len(answer) == 1)
        if reply.status in _UNAVAILABLE or (is_of_proxy and reply.status in _UNAVAILABLE_BY_PROXY):
            return Unavailable(message, str(reply.status), _seconds(reply.retry_after))
        return ServingError(message, str(reply.status))


def _tensors(listed: dict) -> dict[str, Tensor]:
    return {
        name: Tensor(about["dtype"], tuple(int(axis["size"]) for axis in about["tensor_shape"]["dim"]))
        for name, about in listed.items()
    }


def _seconds(retry_after: str) -> float:
    # The other form of the header is a date, whose clock need not be ours.
    return float(retry_after) if re.fullmatch("[0-9]{1,9}", retry_after) else 0.0


def _excerpt(body: bytes) -> str:
    # In one line, as a message is: a proxy's page has several.
    text = " ".join(body.decode("utf-8", "backslashreplace").split())
    return text[:_SHOWN_CHARACTERS] or "nothing"
