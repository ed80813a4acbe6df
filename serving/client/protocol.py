"""What REST and gRPC have in common: calls that are made and read without a socket."""

import dataclasses
import struct
from collections.abc import Callable, Sequence
from typing import Any
from typing import Protocol as Interface

from serving.client.errors import ServingError

# The signatures that are asked.
SCORE = "serving_default"
EXPLAIN = "explain"
LONGEST_SIGNATURE = max(SCORE, EXPLAIN, key=len)


@dataclasses.dataclass(frozen=True)
class Call:
    """A request, and what makes an answer of the reply to it; both are the protocol's own.

    The answer may be a further call, where the reply needs one to be complete.
    """

    request: Any
    reader: Callable[[Any], Any]

    def read(self, reply: Any) -> Any:
        """Makes the answer.

        Raises:
          ServingError: The reply tells of an error, or is none of TensorFlow Serving's.
        """
        try:
            return self.reader(reply)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as error:
            raise ServingError(
                f"the server's answer is none of TensorFlow Serving's ({type(error).__name__}: {error})"
            ) from error


class Protocol(Interface):
    """Makes the calls of a server's API."""

    # Bytes of a request beside its texts, at most.
    overhead: int

    def encode(self, text: str) -> bytes:
        """Makes of a text what a request holds of it."""

    def predict(self, pieces: Sequence[bytes], signature: str) -> Call:
        """Asks a signature of encoded texts; the answer is its outputs by name."""

    def predict_examples(self, examples: Sequence[bytes], signature: str, input_name: str) -> Call:
        """Asks a signature of serialised tf.Examples; the answer is likewise."""

    def regress(self, texts: Sequence[str], signature: str) -> Call:
        """Asks for Regress of tf.Examples that hold a text each; the answer is a list of numbers."""

    def status(self) -> Call:
        """The answer is a list of `VersionStatus`."""

    def metadata(self) -> Call:
        """The answer is `Metadata`."""
