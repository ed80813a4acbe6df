"""A call of a signature, however it is sent: to a SavedModel in this machine's memory, or to a server."""

import base64
import dataclasses
from typing import Any

from beam_pipelines.artifacts import exports
from serving.messages import Example


@dataclasses.dataclass(frozen=True)
class SignatureCall:
    """What a signature is asked.

    Attributes:
      signature: Its name, one of `exports.SIGNATURES`.
      values: Texts, or serialised tf.Examples that hold one each.
    """

    signature: str
    values: tuple[bytes, ...]

    @classmethod
    def of(cls, signature: str, texts: list[str]) -> "SignatureCall":
        """Asks a signature about texts, in whatever form it takes them."""
        encoded = (text.encode() for text in texts)
        if exports.INPUTS[signature] != exports.TEXT:
            encoded = (example(text).SerializeToString() for text in encoded)
        return cls(signature, tuple(encoded))

    @property
    def input(self) -> str:
        """The name of the signature's only input."""
        return exports.INPUTS[self.signature]

    def to_json(self, **more: Any) -> dict[str, Any]:
        values = [base64.b64encode(value).decode() for value in self.values]
        return {"signature": self.signature, "input": self.input, "values": values, **more}


def example(text: bytes) -> Any:
    """Makes the tf.Example of a text."""
    made = Example()
    made.features.feature[exports.TEXT].bytes_list.value.append(text)
    return made
