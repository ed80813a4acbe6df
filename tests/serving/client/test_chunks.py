"""Cutting texts into requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.client.base_scorer import protocol_of
from serving.client.chunks import RequestLimits, TextRefused, chunks
from serving.client.connection import Connection

PROTOCOLS = {name: protocol_of(Connection.of(f"{name}://a:1", model_name="reviews"))[0] for name in ("http", "grpc")}


def sent_bytes(protocol, pieces: list[bytes]) -> int:
    """The size of the request, as it is sent."""
    request = protocol.predict(pieces, "serving_default").request
    return len(request.body) if hasattr(request, "body") else request.message.ByteSize()


@pytest.mark.parametrize("name", PROTOCOLS)
@given(st.lists(st.text(max_size=60), max_size=30), st.integers(1, 9), st.integers(600, 900))
def test_no_request_exceeds_a_limit_and_no_text_is_lost(name, texts, max_rows, max_bytes):
    protocol = PROTOCOLS[name]
    cut = list(chunks(texts, RequestLimits(max_rows, max_bytes, 1000), protocol.encode, protocol.overhead))
    assert [piece for pieces in cut for piece in pieces] == [protocol.encode(text) for text in texts]
    assert all(0 < len(pieces) <= max_rows and sent_bytes(protocol, pieces) <= max_bytes for pieces in cut)


def test_requests_are_as_full_as_they_may_be():
    cut = chunks(["a" * 94] * 5, RequestLimits(100, 310, 1000), str.encode, 10)
    assert [len(pieces) for pieces in cut] == [3, 2]


def test_a_text_that_grows_over_a_request_is_refused():
    cut = chunks(["a", "\x00" * 200], RequestLimits(32, 1000, 1000), PROTOCOLS["http"].encode, 100)
    expected = r"^text 1 needs a request of 1,308 bytes, more than max_request_bytes \(1,000\)$"
    with pytest.raises(TextRefused, match=expected):
        list(cut)


def test_what_is_no_text_is_refused():
    with pytest.raises(TypeError, match="^text 1 is of type bytes; expected str$"):
        list(chunks(["a", b"b"], RequestLimits(1, 1000, 1000), str.encode, 10))


@pytest.mark.parametrize("name", ["max_rows", "max_request_bytes", "max_text_bytes"])
def test_a_limit_allows_something(name):
    with pytest.raises(ValueError, match=f"^{name} is 0; it must be at least 1$"):
        RequestLimits(**{"max_rows": 1, "max_request_bytes": 1, "max_text_bytes": 1, name: 0})
