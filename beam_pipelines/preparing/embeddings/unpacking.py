"""Unpacks compressed files and archives, which are known by their first bytes: names may say anything."""

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from typing import IO, Any, cast

from beam_pipelines.archive.finding import decompression, first_bytes
from beam_pipelines.archive.finding.zip_and_tar import is_hidden
from beam_pipelines.errors import UserError

# The first bytes of a file that are looked at.
HEAD_BYTES = 1 << 16
# The members that a message lists.
_LISTED = 20


# Unlike those of `decompression`, all but the last can go back, as a tar needs it.
_OPENERS: dict[str, Callable[[io.BufferedReader], Any]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstd": lambda stream: decompression.decompress(stream, "zstd"),
}


def unpacked(stack: contextlib.ExitStack, stream: IO[bytes], member: str | None, source: str) -> io.BufferedReader:
    """Takes off all that a file is packed in, one inside the other.

    Args:
      stack: Closes what is opened.
      stream: The file's bytes.
      member: The name of the file in an archive; None where it holds one alone.
      source: What --embeddings says, for the messages.

    Raises:
      UserError: An archive holds no such member, or several; or there is no archive.
    """
    reader = cast(io.BufferedReader, io.BufferedReader(cast(io.RawIOBase, stream), HEAD_BYTES))
    head = reader.peek(HEAD_BYTES)
    if compression := decompression.compression_of(head):
        return unpacked(stack, stack.enter_context(_OPENERS[compression](reader)), member, source)
    is_zip, is_tar = first_bytes.is_zip(head), first_bytes.is_tar(head)
    if (is_zip or is_tar) and not reader.seekable():
        raise UserError(f"--embeddings {source}: it holds an archive that can only be read forward; unpack it first")
    if is_zip:
        archive = stack.enter_context(zipfile.ZipFile(reader))
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        inside = stack.enter_context(archive.open(_chosen(names, member, source)))
        return unpacked(stack, inside, None, source)
    if is_tar:
        tar = stack.enter_context(_open_tar(reader))
        data = tar.extractfile(_chosen([info.name for info in tar if info.isfile()], member, source))
        assert data is not None  # Of a file it never is.
        return unpacked(stack, stack.enter_context(data), None, source)
    if member:
        raise UserError(f"--embeddings {source}: it is no zip or tar archive, so it has no member {member}")
    return reader


def _open_tar(reader: io.BufferedReader) -> tarfile.TarFile:
    # By seeking, so that a member is found after all have been listed.
    return tarfile.open(fileobj=reader, mode="r:")


def _chosen(names: list[str], member: str | None, source: str) -> str:
    shown = [name for name in names if not is_hidden(name)]
    if member in names:
        return cast(str, member)
    if member is None and len(shown) == 1:
        return shown[0]
    if not shown:
        raise UserError(f"--embeddings {source} is an archive without files")
    listed = ", ".join(shown[:_LISTED]) + (", ..." if len(shown) > _LISTED else "")
    if member:
        raise UserError(f"--embeddings {source}: the archive has no member {member}; it has: {listed}")
    raise UserError(f"--embeddings {source}: name one member of the archive, FILE:MEMBER: {listed}")
