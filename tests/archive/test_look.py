"""An archive is looked at before any work: its files, how they are packed, and their columns."""

import contextlib
import gzip
import io
import pickle
import tarfile
import zipfile

import pytest

from beam_pipelines.archive import look
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.archive.read_options import LookOptions
from beam_pipelines.files import storage
from tests.helpers.archives import look_at, parquet

OPTIONS = LookOptions(text_column="text")


def packed() -> dict[str, bytes]:
    """An archive of each kind, of two files."""
    with zipfile.ZipFile(zipped := io.BytesIO(), "w") as archive:
        archive.writestr("a.csv", "text,n\n")
        archive.writestr("b.parquet", parquet({"text": ["b"]}))
    with tarfile.open(fileobj=(tarred := io.BytesIO()), mode="w:gz") as archive:
        for name, content in {"a.csv.gz": gzip.compress(b"text,n\n"), "b.jsonl": b'{"text": "b"}'}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return {"a.zip": zipped.getvalue(), "b.tgz": tarred.getvalue()}


FILES = {"c.csv": b"text\n", "d.jsonl.gz": gzip.compress(b'{"text": "a"}\n'), "e.parquet": parquet({"text": ["a"]})}


def test_a_file_that_tells_no_columns_has_none(tmp_path):
    contents = {"a.csv": b"text\n", "b.csv": b"", "c.jsonl": b"[1]\n[2]\n", "d.jsonl": b'{"n": 1}\n'}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    archive = look_at(f"{tmp_path}/*")
    assert [file.name for file in archive.files] == list(contents)
    assert {file.name: columns.names for file, columns in archive.columns.items()} == {
        "a.csv": ("text",),
        "d.jsonl": ("n",),
    }


def test_what_one_file_holds_is_told_by_one_function(tmp_path):
    """A worker can call it too: what it takes and gives can be sent."""
    seen = {}
    for name, content in (packed() | FILES).items():
        (tmp_path / name).write_bytes(content)
        found = FoundFile(str(tmp_path / name), len(content))
        looked = pickle.loads(pickle.dumps(look.look_at(pickle.loads(pickle.dumps(found)), OPTIONS)))
        seen[name] = [
            (file.member, file.container, file.format, file.compression, columns.names)
            for file, columns in looked.files
        ]
    zip, tar = Container("zip"), Container("tar", "gzip")
    assert seen == {
        "a.zip": [("a.csv", zip, "csv", None, ("text", "n")), ("b.parquet", zip, "parquet", None, ("text",))],
        "b.tgz": [("a.csv.gz", tar, "csv", "gzip", ("text", "n")), ("b.jsonl", tar, "jsonl", None, ("text",))],
        "c.csv": [(None, None, "csv", None, ("text",))],
        "d.jsonl.gz": [(None, None, "jsonl", "gzip", ("text",))],
        "e.parquet": [(None, None, "parquet", None, ("text",))],
    }


def test_each_file_is_opened_once(tmp_path, monkeypatch):
    """Each costs some requests to an object store, and there may be thousands."""
    for name, content in (packed() | FILES).items():
        (tmp_path / name).write_bytes(content)
    opened = []

    @contextlib.contextmanager
    def open_bytes(path, wanted_bytes=1):
        opened.append(path)
        with open(path, "rb") as file:
            yield file

    monkeypatch.setattr(storage, "open_bytes", open_bytes)
    assert len(look_at(f"{tmp_path}/*").files) == 7
    assert sorted(opened) == [f"{tmp_path}/{name}" for name in packed() | FILES]


@pytest.mark.parametrize("name", packed() | FILES)
def test_a_stream_that_cannot_be_peeked_into_is_read(tmp_path, monkeypatch, name):
    """Not every store's stream can."""
    content = (packed() | FILES)[name]

    class Stream:
        def __init__(self):
            self._bytes = io.BytesIO(content)

        def __getattr__(self, attribute):
            if attribute == "peek":
                raise AttributeError
            return getattr(self._bytes, attribute)

    monkeypatch.setattr(storage, "open_bytes", lambda path, wanted_bytes=1: contextlib.nullcontext(Stream()))
    seen = look.look_at(FoundFile(f"/in/{name}", len(content)), OPTIONS)
    assert [columns.names[0] for _, columns in seen.files] == ["text"] * len(seen.files)
    assert seen.files


def test_what_is_told_of_each_of_many_files_is_cut_short(tmp_path, caplog):
    for number in range(23):
        (tmp_path / f"{number:02}.csv.gz").write_bytes(b"text\n")
    assert len(look_at(f"{tmp_path}/*").files) == 23
    assert len(caplog.messages) == 21
    assert "19.csv.gz is not compressed" in caplog.messages[19]
    assert caplog.messages[20] == "... and so on, of 3 more files"
