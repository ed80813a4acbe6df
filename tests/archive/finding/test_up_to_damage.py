"""All bytes before the damage of a stream are given, in reads of any size."""

import errno
import io

import pytest

from beam_pipelines.archive.finding.decompression import DamagedData
from beam_pipelines.archive.finding.up_to_damage import UpToDamage
from tests.helpers.broken_streams import Breaking


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("good_bytes", [0, 1, 999, 200_000])
def test_all_bytes_before_damage_are_given(size, good_bytes):
    error = DamagedData("it ends", io.BytesIO(), 0)
    stream = UpToDamage(Breaking(bytes(300_000), good_bytes, error))
    first = stream.read(good_bytes) if size * 1000 < good_bytes else b""
    pieces = [first, *(stream.read(size) for _ in range(-(-(good_bytes - len(first)) // size)))]
    assert sum(map(len, pieces)) == stream.position == good_bytes
    for _ in range(2):
        with pytest.raises(DamagedData, match="it ends") as caught:
            stream.read(1)
        assert caught.value is error


def test_a_stream_without_damage_ends_as_it_does():
    stream = UpToDamage(io.BytesIO(b"abc" * 50_000))
    assert (stream.read(0), stream.read(100_001), stream.position) == (b"", (b"abc" * 50_000)[:100_001], 100_001)
    assert (len(stream.read(1 << 20)), stream.read(1 << 20), stream.position) == (49_999, b"", 150_000)


def test_an_error_of_the_disk_is_no_damage():
    error = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output error"):
        UpToDamage(Breaking(b"abc", 1, error)).read(3)
