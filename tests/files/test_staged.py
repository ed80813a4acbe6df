"""A file that is written bit by bit is there whole or not at all, and is known again by what it holds."""

import hashlib
import pathlib
import tempfile

import pytest

from beam_pipelines.files import staged, storage
from beam_pipelines.files.staged import StagedFile, Written

DATA = [b"first ", bytes(3 << 20), b" last"]
WRITTEN = Written(len(b"".join(DATA)), hashlib.blake2b(b"".join(DATA), digest_size=16).hexdigest())


def write(file: StagedFile) -> Written:
    for piece in DATA:
        file.stream.write(piece)
    return file.close()


def names(folder: pathlib.Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]


def test_it_appears_when_it_is_published_and_not_before(tmp_path):
    file = StagedFile(str(tmp_path))
    assert write(file) == WRITTEN
    assert [name.startswith(".tmp/") for name in names(tmp_path)] == [True]
    file.publish("scores/a.csv")
    assert names(tmp_path) == ["scores/a.csv"]
    assert (tmp_path / "scores/a.csv").read_bytes() == b"".join(DATA)


def test_on_an_object_store_too(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file, other = StagedFile(bucket), StagedFile(bucket)
    with staged.discarded(file, other):
        assert (write(file), write(other)) == (WRITTEN, WRITTEN)
        assert storage.listing(bucket) == []
        assert len(names(tmp_path)) == 2
        file.publish("scores/a.csv")
        assert names(tmp_path) != []
    assert storage.listing(bucket) == ["scores/a.csv"]
    assert staged.holds(bucket, "scores/a.csv", WRITTEN)
    assert not staged.holds(bucket, "scores/b.csv", WRITTEN)
    assert names(tmp_path) == []


def test_what_was_there_is_replaced_at_once(tmp_path):
    storage.write_bytes(str(tmp_path), "a", b"old")
    file = StagedFile(str(tmp_path))
    write(file)
    assert (tmp_path / "a").read_bytes() == b"old"
    file.publish("a")
    assert staged.holds(str(tmp_path), "a", WRITTEN)


def test_what_is_discarded_leaves_nothing(tmp_path):
    half, closed, published = (StagedFile(str(tmp_path)) for _ in range(3))
    half.stream.write(b"half")

    def break_after_some() -> None:
        write(closed)
        write(published)
        published.publish("a")
        raise ValueError("it breaks")

    with pytest.raises(ValueError, match="it breaks"), staged.discarded(half, closed, published):
        break_after_some()
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "now",
    [b"", b"".join(DATA)[:-1], b"".join(DATA) + b"\n", b"F" + b"".join(DATA)[1:], b"".join(DATA)[:-1] + b"T"],
)
def test_other_bytes_are_not_what_was_written(tmp_path, now):
    storage.write_bytes(str(tmp_path), "a", now)
    assert not staged.holds(str(tmp_path), "a", WRITTEN)


def test_what_is_not_there_holds_nothing(tmp_path):
    assert not staged.holds(str(tmp_path), "a", WRITTEN)
    assert not staged.holds(str(tmp_path), "a", Written(0, hashlib.blake2b(digest_size=16).hexdigest()))


def test_an_empty_file(tmp_path):
    file = StagedFile(str(tmp_path))
    written = file.close()
    assert written == Written(0, hashlib.blake2b(digest_size=16).hexdigest())
    file.publish("a")
    assert staged.holds(str(tmp_path), "a", written)


def test_what_is_described_is_what_is_left_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdef")
    with (tmp_path / "a").open("rb") as file:
        file.seek(2)
        assert staged.describe(file) == Written(4, hashlib.blake2b(b"cdef", digest_size=16).hexdigest())
