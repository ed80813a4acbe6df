"""Cuts texts into requests that a server takes."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from serving.client.errors import TextRefused


@dataclasses.dataclass(frozen=True)
class RequestLimits:
    """What a request may hold.

    Attributes:
      max_rows: Texts. TensorFlow Serving refuses more than the `max_batch_size` of its batching, where that is on.
      max_request_bytes: Bytes, as they are sent. gRPC's default for what a server reads is 4 MiB, proxies have less.
      max_text_bytes: Bytes of one text in UTF-8.
    """

    max_rows: int
    max_request_bytes: int
    max_text_bytes: int

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} is {getattr(self, field.name)}; it must be at least 1")


def chunks(
    texts: Iterable[str], limits: RequestLimits, encode: Callable[[str], bytes], overhead: int
) -> Iterator[list[bytes]]:
    """Encodes texts and cuts them, in their order, into the parts of one request each.

    Args:
      texts: Read no further than the part needs.
      limits: Of a request.
      encode: Makes of a text what a request holds of it.
      overhead: Bytes of a request beside its texts; each text is given as many as a separator takes.

    Raises:
      TextRefused: A text exceeds a limit by itself, or holds half of a surrogate pair.
    """
    chunk: list[bytes] = []
    size = overhead
    for place, text in enumerate(texts):
        piece = _encoded(place, text, limits, encode)
        needed = len(piece) + SEPARATOR_BYTES
        if overhead + needed > limits.max_request_bytes:
            raise TextRefused(
                place,
                f"needs a request of {overhead + needed:,} bytes, more than max_request_bytes "
                f"({limits.max_request_bytes:,})",
            )
        if chunk and (len(chunk) == limits.max_rows or size + needed > limits.max_request_bytes):
            yield chunk
            chunk, size = [], overhead
        chunk.append(piece)
        size += needed
    if chunk:
        yield chunk


# A comma of JSON; or a field's number and its length, up to 4 GiB, in a Protocol Buffer.
SEPARATOR_BYTES = 6


def _encoded(place: int, text: str, limits: RequestLimits, encode: Callable[[str], bytes]) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"text {place} is of type {type(text).__name__}; expected str")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise TextRefused(place, f"holds half of a surrogate pair at {error.start}, which is no text") from error
    if size > limits.max_text_bytes:
        raise TextRefused(place, f"has {size:,} bytes, more than max_text_bytes ({limits.max_text_bytes:,})")
    return encode(text)
