"""What --embeddings names is found, or it is said what is missing."""

import gzip
import zipfile

import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings import sources


@pytest.mark.parametrize("separator", [":", "/", "#", "!"])
def test_a_member_of_an_archive_of_any_name(tmp_path, separator):
    path = tmp_path / "glove.archive"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vectors/3d.txt", "the 1 2 3\n")
        archive.writestr("other.txt", "")
    named = f"{path}{separator}vectors/3d.txt"
    assert sources.locate(named) == (named, None)
    with sources.opened(named) as file:
        assert file.read() == b"the 1 2 3\n"


def test_a_file_whose_name_looks_like_a_member(tmp_path):
    path = tmp_path / "glove:3d#new.txt"
    path.write_bytes(b"the 1 2\n")
    with sources.opened(str(path)) as file:
        assert file.read() == b"the 1 2\n"


@pytest.mark.parametrize("source", ["no/such/file.txt", "no-such-package", "no.zip:member.txt"])
def test_what_is_not_there_is_said(source):
    with pytest.raises(UserError, match=f"--embeddings {source}: there is no such file, nor an installed package"):
        sources.locate(source)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder; name the file of vectors in it"):
        sources.locate(str(tmp_path))


@pytest.mark.parametrize("data", [gzip.compress(b"the 1 2\n" * 50)[:-9], b"PK\x03\x04broken"])
def test_a_damaged_file_is_named(tmp_path, data):
    path = tmp_path / "vectors.txt"
    path.write_bytes(data)
    with pytest.raises(UserError, match=f"^--embeddings {path} cannot be read: "), sources.opened(str(path)) as file:
        file.read()
