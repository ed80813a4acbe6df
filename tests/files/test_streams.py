"""A part of a stream ends where it should, and what is behind it is not read."""

import io

import pytest

from beam_pipelines.files.streams import FirstBytes


@pytest.mark.parametrize("size", [1, 3, 4, 100])
@pytest.mark.parametrize(("count", "expected"), [(0, b""), (4, b"cdef"), (6, b"cdefgh"), (99, b"cdefgh")])
def test_no_more_is_read_than_wanted(size, count, expected):
    whole = io.BytesIO(b"abcdefgh")
    whole.seek(2)
    part = FirstBytes(whole, count)
    pieces = list(iter(lambda: part.read(size), b""))
    assert b"".join(pieces) == expected
    assert max(map(len, pieces), default=0) <= size
    assert part.read(size) == b""
    assert whole.tell() == 2 + len(expected)
