"""Finds and opens what `--embeddings` names: a file, a member of an archive, or what an installed package holds."""

import contextlib
import importlib.metadata
import io
import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.preparing.embeddings import unpacking

_MEMBER_SEPARATOR = re.compile(r"[:/#!]")
# On an object store, only such a name is asked for: each question takes a while.
_ARCHIVE_NAME = re.compile(r"\.(zip|tar|tgz|tbz2|txz|tar\.\w+)$", re.IGNORECASE)
# What the libraries that unpack raise where a file is damaged, encrypted or packed in a way that they do not know.
_UNPACKING_ERRORS = (
    EOFError,
    OSError,
    RuntimeError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def locate(source: str) -> tuple[str, str | None]:
    """Finds the file of vectors, and that of their words where it is another.

    Raises:
      UserError: There is neither such a file nor such a package, or it is a folder.
    """
    path, _ = _split_member(source)
    if storage.is_local(path) and os.path.isdir(path):
        raise UserError(f"--embeddings {source} is a folder; name the file of vectors in it")
    if storage.exists(path):
        return source, None
    try:
        files = importlib.metadata.files(source) or []
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise UserError(
            f"--embeddings {source}: there is no such file, nor an installed package of that name"
        ) from None
    by_suffix = {file.suffix: str(file.locate()) for file in files}
    if {".npy", ".parquet"} <= by_suffix.keys():
        return by_suffix[".npy"], by_suffix[".parquet"]
    for suffix in (".vec", ".zip", ".gz"):
        if suffix in by_suffix:
            return by_suffix[suffix], None
    raise UserError(f"--embeddings {source}: the package holds neither an array (.npy, .parquet) nor a text of vectors")


def is_pipe(path: str) -> bool:
    """Tells whether a file can be read once only."""
    return storage.is_local(path) and os.path.exists(path) and not os.path.isfile(path)


@contextlib.contextmanager
def opened(source: str) -> Iterator[io.BufferedReader]:
    """Opens a file of vectors, unpacked.

    Raises:
      UserError: It cannot be read, or it is an archive and the name of one of its members is missing.
    """
    path, member = _split_member(source)
    try:
        with contextlib.ExitStack() as stack:
            # The bytes are unpacked here: Beam's own decompression is much slower on GloVe's sizes.
            file = stack.enter_context(storage.open_bytes(path))
            yield unpacking.unpacked(stack, file, member, source)
    except _UNPACKING_ERRORS as error:
        raise UserError(f"--embeddings {source} cannot be read: {error}") from error


def _split_member(source: str) -> tuple[str, str | None]:
    """Parts FILE:MEMBER, also with /, # or ! between, where there is such a file."""
    for separator in () if storage.is_local(source) and os.path.exists(source) else _MEMBER_SEPARATOR.finditer(source):
        path, member = source[: separator.start()], source[separator.end() :]
        is_file = os.path.isfile(path) if storage.is_local(path) else _ARCHIVE_NAME.search(path) is not None
        if is_file and member:
            return path, member
    return source, None
