"""An object is read in few requests, and hardly more than is wanted of it."""

import random

import pytest

from beam_pipelines.files import object_reader
from beam_pipelines.files.object_reader import LEAST_AHEAD, MOST_AHEAD

SIZE = 100 << 10
DATA = random.Random(1).randbytes(SIZE)


class Store:
    """Keeps what it was asked for."""

    def __init__(self, data: bytes = DATA):
        self.data, self.asked = data, []

    def fetch(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self.data)
        self.asked.append((start, end))
        return self.data[start:end]

    def open(self, wanted_bytes: int = 1):
        return object_reader.open_object(self.fetch, len(self.data), wanted_bytes)


def test_the_start_of_an_object_is_asked_for_once_and_no_more():
    store = Store()
    with store.open() as file:
        assert file.peek(512)[:512] == DATA[:512]
        assert file.read(3000) == DATA[:3000]
        file.seek(0)
        assert file.read(5000) == DATA[:5000]
    assert store.asked == [(0, LEAST_AHEAD)]


def test_requests_that_go_on_grow():
    store = Store()
    with store.open() as file:
        assert b"".join(iter(lambda: file.read(1000), b"")) == DATA
        file.seek(0)
        assert file.read(100) == DATA[:100]
    unit = LEAST_AHEAD
    assert store.asked == [(0, unit), (unit, 2 * unit), (2 * unit, 4 * unit), (4 * unit, SIZE)]


def test_behind_a_jump_little_is_read_ahead():
    store = Store()
    with store.open() as file:
        file.seek(-8, 2)
        assert file.read(8) == DATA[-8:]
        file.seek(20_000)
        assert file.read(40_000) == DATA[20_000:60_000]
    assert store.asked[0] == (SIZE - 8, SIZE)
    assert sum(end - start for start, end in store.asked) < 40_000 + 3 * LEAST_AHEAD


def test_what_is_wanted_is_read_in_parts_of_equal_size():
    data = bytes(20 << 20)
    store, start = Store(data), 1 << 20
    with store.open(wanted_bytes=18 << 20) as file:
        file.seek(start)
        assert sum(map(len, iter(lambda: file.read(min(1 << 20, start + (18 << 20) - file.tell())), b""))) == 18 << 20
    assert store.asked == [(start + part * (6 << 20), start + (part + 1) * (6 << 20)) for part in range(3)]
    assert MOST_AHEAD >= 6 << 20


def test_all_of_an_object_is_one_request():
    store = Store()
    with store.open(wanted_bytes=1 << 62) as file:
        assert file.read() == DATA
        assert file.read() == b""
    assert store.asked == [(0, SIZE)]


@pytest.mark.parametrize("wanted", [1, 1 << 62])
def test_an_empty_object_is_not_asked_for(wanted):
    store = Store(b"")
    with store.open(wanted) as file:
        assert (file.peek(1), file.read(5), file.read()) == (b"", b"", b"")
    assert store.asked == []


@pytest.mark.parametrize("wanted", [1, 30_000, SIZE])
def test_seeks_and_reads_give_what_a_file_gives(wanted):
    chance = random.Random(2)
    with Store().open(wanted) as file:
        for _ in range(300):
            place, size = chance.randrange(SIZE + 10), chance.choice([1, 100, 5000, 70_000])
            assert file.seek(place) == place
            assert file.read(size) == DATA[place : place + size]
