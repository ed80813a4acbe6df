"""A file appears whole or not at all, in a local folder and on an object store."""

import errno
import gzip
import os
import pathlib
import shutil
import time
from typing import ClassVar

import pytest
from apache_beam.io import filesystem, localfilesystem

from beam_pipelines.files import leases, storage

SCHEME = "shelf://"


class ShelfFileSystem(localfilesystem.LocalFileSystem):
    """An object store for tests: shelf://NAME is the file NAME in ROOT.

    Like a real one it has no folders. It notes each object that it creates.
    """

    ROOT: ClassVar[pathlib.Path]
    created: ClassVar[list[str]]

    @classmethod
    def scheme(cls):
        return "shelf"

    def has_dirs(self):
        return False

    def _local(self, path):
        return str(self.ROOT / path.removeprefix(SCHEME))

    def _list(self, prefix):
        for file in self.ROOT.rglob("*"):
            path = SCHEME + file.relative_to(self.ROOT).as_posix()
            if file.is_file() and path.startswith(prefix):
                yield filesystem.FileMetadata(path, file.stat().st_size)

    def create(self, path, *arguments, **options):
        self.created.append(path)
        return super().create(self._local(path), *arguments, **options)

    def open(self, path, *arguments, **options):
        return super().open(self._local(path), *arguments, **options)

    def exists(self, path):
        return os.path.isfile(self._local(path))

    def delete(self, paths):
        super().delete([self._local(path) for path in paths])


@pytest.fixture
def store(tmp_path, monkeypatch) -> str:
    """What stands for a folder on an object store."""
    monkeypatch.setattr(ShelfFileSystem, "ROOT", tmp_path / "shelf", raising=False)
    monkeypatch.setattr(ShelfFileSystem, "created", [], raising=False)
    return SCHEME + "bucket/job"


@pytest.fixture(params=["local", "store", "s3", "gs"])
def root(request, tmp_path) -> str:
    if request.param == "local":
        return str(tmp_path / "job")
    if request.param == "store":
        return request.getfixturevalue("store")
    return request.getfixturevalue("new_bucket")(request.param) + "/job"


def write(root: str, *names: str) -> None:
    for name in names:
        storage.write_bytes(root, name, name.encode())


@pytest.mark.parametrize(
    ("root", "names", "expected"),
    [
        ("a/b", [], "a/b"),
        ("a/b", ["c", "d.txt"], "a/b/c/d.txt"),
        ("a/b/", ["c"], "a/b/c"),
        ("gs://bucket", ["c"], "gs://bucket/c"),
        ("gs://bucket/", ["c"], "gs://bucket/c"),
        ("/", ["c"], "/c"),
    ],
)
def test_join(root, names, expected):
    assert storage.join(root, *names) == expected


def test_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert storage.absolute("a/../b/") == f"{tmp_path}/b"
    assert storage.absolute("~/a") == "/home/me/a"
    assert storage.absolute("gs://bucket/../a/") == "gs://bucket/../a/"


@pytest.mark.parametrize(("path", "expected"), [("/a", True), ("a:b", True), ("gs://a", False), ("s3://a", False)])
def test_is_local(path, expected):
    assert storage.is_local(path) is expected


@pytest.mark.parametrize("name", ["a.bin", "train/deep/a.tfrecord.gz", "a.json.zst"])
def test_what_is_written_is_read_byte_by_byte(root, name):
    """A name that ends in .gz must not be compressed a second time on its way, nor decompressed."""
    data = gzip.compress(b"\x00\xff\r\n") * 3
    assert not storage.exists(storage.join(root, name))
    storage.write_bytes(root, name, b"the old one, which is longer than the new one" * 9)
    storage.write_bytes(root, name, data)
    assert storage.exists(storage.join(root, name))
    assert storage.read_bytes(storage.join(root, name)) == data
    assert storage.listing(root) == [name]


def test_an_empty_file(root):
    storage.write_bytes(root, "a.jsonl", b"")
    assert storage.listing(root) == ["a.jsonl"]
    assert storage.read_bytes(storage.join(root, "a.jsonl")) == b""


def test_a_file_that_does_not_exist(root):
    write(root, "a.txt")
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(storage.join(root, "b.txt"))


def test_a_file_is_read_from_the_middle(root):
    write(root, "a.txt")
    with storage.open_bytes(storage.join(root, "a.txt")) as file:
        file.seek(2)
        assert file.read() == b"txt"


def test_what_lies_on_an_object_store_is_the_data_itself(store):
    """TensorFlow, and any other program, reads the object without knowing of Beam."""
    data = gzip.compress(b"examples")
    storage.write_bytes(store, "train/a.tfrecord.gz", data)
    assert (ShelfFileSystem.ROOT / "bucket/job/train/a.tfrecord.gz").read_bytes() == data


def test_json_is_readable_and_comes_back(root):
    value = {"band": "Été", "n": [1, None, 0.5]}
    storage.write_json(root, "a.json", value)
    assert storage.read_json(storage.join(root, "a.json")) == value
    assert storage.read_bytes(storage.join(root, "a.json")).startswith('{\n  "band": "Été"'.encode())


def test_json_keeps_what_is_no_character(tmp_path):
    """So Python reads bytes of a path that the locale's encoding lacks."""
    storage.write_json(str(tmp_path), "a.json", {"input": "b\udce9.csv", "text": "日本"})
    assert storage.read_json(f"{tmp_path}/a.json") == {"input": "b\udce9.csv", "text": "日本"}
    assert (tmp_path / "a.json").read_bytes() == '{\n  "input": "b\\udce9.csv",\n  "text": "日本"\n}\n'.encode()


def test_an_object_is_created_once_and_nothing_is_written_aside(store):
    """There is no rename on an object store: a second object would be copied, and paid for."""
    storage.write_bytes(store, "a.bin", b"data")
    assert ShelfFileSystem.created == [f"{store}/a.bin"]


def test_a_local_file_is_whole_before_it_has_its_name(tmp_path, monkeypatch):
    """A reader, or a crash, sees the old file or the new one and nothing between."""
    write(str(tmp_path), "a.txt")
    seen = []

    def replace(source, target):
        seen.append((pathlib.Path(source).read_bytes(), pathlib.Path(target).read_bytes()))
        os.rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    storage.write_bytes(str(tmp_path), "a.txt", b"new")
    assert seen == [(b"new", b"a.txt")]
    assert storage.listing(str(tmp_path)) == ["a.txt"]
    assert storage.read_bytes(f"{tmp_path}/a.txt") == b"new"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    write(str(tmp_path), "a.txt")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device: .*a.txt"):
        storage.write_bytes(str(tmp_path), "a.txt", b"new")
    assert storage.read_bytes(f"{tmp_path}/a.txt") == b"a.txt"
    assert storage.listing(f"{tmp_path}/.tmp") == []


def test_an_object_that_fails_while_written_is_not_published(store, monkeypatch):
    """Closing publishes, so after a failed write nothing may close the object."""

    class Broken:
        closed = False

        def write(self, data):
            raise OSError("connection reset")

        def close(self):
            self.closed = True

    file = Broken()
    monkeypatch.setattr(ShelfFileSystem, "create", lambda *arguments, **options: file)
    with pytest.raises(OSError, match="connection reset"):
        storage.write_bytes(store, "a.bin", b"data")
    assert not file.closed


def test_listing(root):
    assert storage.listing(root) == []
    write(root, "b.txt", "a/c/d.txt", "a.txt", ".tmp/e")
    assert storage.listing(root) == [".tmp/e", "a.txt", "a/c/d.txt", "b.txt"]
    assert storage.listing(root + "/") == storage.listing(root)
    assert storage.listing(storage.join(root, "a")) == ["c/d.txt"]


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_the_folders_that_a_console_makes_are_no_files(new_bucket, scheme):
    bucket = new_bucket(scheme)
    write(f"{bucket}/job", "", "in/", "in/a.csv")
    assert storage.listing(f"{bucket}/job") == ["in/a.csv"]
    [(path, (size, modified))] = storage.match(f"{bucket}/job/in/*").files.items()
    assert (path, size) == (f"{bucket}/job/in/a.csv", 8)
    assert abs(modified - time.time()) < 600


def test_delete(root):
    write(root, "a/b/c.txt", "a/b/d.txt", "a/e.txt", "f.txt")
    storage.delete(root, ["a/b/c.txt", "f.txt"])
    assert storage.listing(root) == ["a/b/d.txt", "a/e.txt"]
    storage.delete(root, [])
    assert storage.listing(root) == ["a/b/d.txt", "a/e.txt"]


def test_delete_takes_the_folders_that_it_empties(tmp_path):
    write(str(tmp_path), "a/b/c.txt", "a/e.txt")
    leases.clear_temporary(str(tmp_path))
    storage.delete(str(tmp_path), ["a/b/c.txt"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "e.txt"]
    storage.delete(str(tmp_path), ["a/e.txt"])
    assert tmp_path.exists()
    assert list(tmp_path.iterdir()) == []


def test_clear_temporary(root):
    leases.clear_temporary(root)
    write(root, ".tmp/left", ".tmp/deep/over", ".tmpl", "a/.tmp/mine")
    leases.clear_temporary(root)
    assert storage.listing(root) == [".tmpl", "a/.tmp/mine"]


def test_local_copy(root):
    write(root, "saved_model.pb", "variables/a.data.gz")
    with storage.local_copy(root) as folder:
        assert storage.is_local(folder)
        assert storage.listing(folder) == ["saved_model.pb", "variables/a.data.gz"]
        assert storage.read_bytes(f"{folder}/variables/a.data.gz") == b"variables/a.data.gz"
        assert (folder == root) == storage.is_local(root)
    assert os.path.exists(folder) == storage.is_local(root)


def test_a_write_outlives_the_clearing_of_its_temporary_folder(tmp_path, monkeypatch):
    """Another attempt may take this one for dead, and must not make it fail."""
    replace, calls = os.replace, []

    def cleared(source, target):
        if not calls:
            shutil.rmtree(tmp_path / ".tmp")
        calls.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", cleared)
    write(str(tmp_path), "scores/a")
    assert storage.read_bytes(f"{tmp_path}/scores/a") == b"scores/a"
    assert len(calls) == 2
