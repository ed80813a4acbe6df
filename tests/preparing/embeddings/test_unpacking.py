"""Archives and compressed files are known by their bytes, one inside the other too."""

import bz2
import contextlib
import gzip
import io
import tarfile
import zipfile

import pytest
import zstandard

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings import unpacking


def tar(mode: str, **members: bytes) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def zipped(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def unpack(data: bytes, member: str | None = None) -> bytes:
    with contextlib.ExitStack() as stack:
        return unpacking.unpacked(stack, io.BytesIO(data), member, "some.file").read()


@pytest.mark.parametrize(
    "data",
    [
        b"text",
        gzip.compress(b"te") + gzip.compress(b"xt"),
        zstandard.compress(bz2.compress(b"text")),
        zipped(a=gzip.compress(b"text")),
        *(tar(mode, a=b"text") for mode in ("w:", "w:gz", "w:bz2", "w:xz")),
        zipped(**{"__MACOSX/._a": b"x", "a": b"text"}),
    ],
)
def test_all_that_it_is_packed_in_is_taken_off(data):
    assert unpack(data) == b"text"


@pytest.mark.parametrize("archive", [zipped(a=b"one", b=b"two"), tar("w:gz", a=b"one", b=b"two")])
def test_of_several_members_one_is_named(archive):
    assert unpack(archive, "b") == b"two"
    with pytest.raises(UserError, match=r"--embeddings some.file: name one member of the archive, FILE:MEMBER: a, b\n"):
        unpack(archive)
    with pytest.raises(UserError, match=r"--embeddings some.file: the archive has no member c; it has: a, b\n"):
        unpack(archive, "c")


@pytest.mark.parametrize("archive", [zipped(a=b"one"), tar("w:gz", a=b"one")])
def test_the_only_member_is_not_taken_for_another_that_was_named(archive):
    with pytest.raises(UserError, match=r"--embeddings some.file: the archive has no member b; it has: a\n"):
        unpack(archive, "b")


@pytest.mark.parametrize(
    ("data", "member", "message"),
    [
        (b"text", "a", "some.file: it is no zip or tar archive, so it has no member a"),
        (zipped(**{".DS_Store": b""}), None, "some.file is an archive without files"),
        (zstandard.compress(tar("w:", a=b"")), None, "it holds an archive that can only be read forward; unpack it"),
    ],
)
def test_what_cannot_be_unpacked_is_said(data, member, message):
    with pytest.raises(UserError, match=message):
        unpack(data, member)
