"""A file of an archive, and how it is opened; `look` finds them."""

import collections
import contextlib
import dataclasses
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from typing import IO

from beam_pipelines.archive.finding import zip_and_tar
from beam_pipelines.archive.finding.decompression import DamagedData, decompress
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.reporting.phrases import printable

# What is raised of a damaged file, and of much else: see `is_damage`. zipfile has NotImplementedError for a method that
# it lacks; the ArrowInvalid of pyarrow is a ValueError.
DAMAGE = (
    DamagedData, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile,
    NotImplementedError,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of the archive, or one member of a .zip or .tar among its files.

    Attributes:
      index: The index among all input files, from 0, of the file or of the .zip or .tar that it is in.
      path: Where it lies.
      format: "csv", "tsv", "jsonl" or "parquet".
      compression: "gzip", "bzip2", "xz" or "zstd" if it is compressed; of a member, if it is so itself.
      size_bytes: Its size as it lies there; of a member, in the .zip or .tar when that is unpacked.
      modified: When the file was last written, in seconds since 1970; None where that is not known.
      member: Of a member, its path in the .zip or .tar.
      member_index: Of a member, its index there.
      member_number: Of a member, its index among those that are read.
      container: Of a member, what the .zip or .tar is.
      pipe: Of the copy of a pipe, the pipe's path.
      partitions: Columns that the folders around it tell, as `stars=5/` does, and that it does not hold itself.
      name: What names it in ids: its label without the folders that all files have in common.
      header_line: Of CSV and TSV, the line on which the header begins, from 1.
      delimiter: Of CSV and TSV, what the file itself says stands between fields.
      header: Of CSV and TSV, the names in its header; None if it has none.
    """

    index: int
    path: str
    format: str
    compression: str | None
    size_bytes: int
    modified: float | None = None
    member: str | None = None
    member_index: int = 0
    member_number: int = 0
    container: Container | None = None
    pipe: str | None = None
    partitions: tuple[tuple[str, str | None], ...] = ()
    name: str = ""
    header_line: int = 1
    delimiter: str | None = None
    header: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """What names it in messages, rejects and counts."""
        path = printable(self.pipe or self.path)
        return f"{path}:{self.member}" if self.member else path

    @property
    def position(self) -> tuple[int, int]:
        """Where it stands among all files and their members."""
        return self.index, self.member_number

    @property
    def is_seekable(self) -> bool:
        """Whether reading can begin in its middle, so that several workers can share it."""
        return not self.compression and not self.container


@dataclasses.dataclass(frozen=True)
class OpenFile:
    """An open file.

    Attributes:
      data: Its bytes, decompressed.
      stored: The stream below it, whose position of `size_bytes` tells how far it is read.
    """

    data: IO[bytes]
    stored: IO[bytes]


def iter_open(group: tuple[InputFile, ...]) -> Generator[tuple[InputFile, OpenFile], None, None]:
    """Opens a group's files one after the other; each is read before the next is asked for.

    What is read of them is to be read within `damage_as_user_error`: this one ends where a file is yielded.
    """
    with storage.open_bytes(group[0].path) as raw:
        yield from iter_streams(group, raw)


def iter_streams(group: tuple[InputFile, ...], raw: IO[bytes]) -> Generator[tuple[InputFile, OpenFile], None, None]:
    """The same of a group's bytes as they lie, from their start; all members of a .zip are a group as well."""
    first = group[0]
    if first.container is None:
        with damage_as_user_error(first), decompress(raw, first.compression) as data:
            yield first, OpenFile(data, raw)
        return
    files = collections.defaultdict(list)
    for file in group:
        files[file.member_index].append(file)
    counts = {index: len(same) for index, same in files.items()}
    label = printable(first.pipe or first.path)
    with damage_as_user_error(label, first.container.kind), decompress(raw, first.container.compression) as stream:
        for index, member in zip_and_tar.iter_open(stream, first.container, counts):
            file = files[index].pop(0)
            with decompress(member, file.compression) as data:
                yield file, OpenFile(data, member)


@contextlib.contextmanager
def open_file(file: InputFile) -> Iterator[OpenFile]:
    """Opens a file for reading from its start.

    Raises:
      UserError: Within the context, when it is damaged or cut short.
    """
    with contextlib.closing(iter_open((file,))) as files, damage_as_user_error(file):
        _, stream = next(files)
        yield stream


class DamagedFile(UserError):
    """A file is damaged, or cut short."""


@contextlib.contextmanager
def damage_as_user_error(file: InputFile | str, kind: str = "") -> Iterator[None]:
    """Turns what a damaged file raises, or one that is cut short, into a UserError that names it.

    (Beam's own decompression, as of 2.77, takes a file that is cut short for one that ends there.)
    """
    try:
        yield
    except DAMAGE as error:
        if not is_damage(error):
            raise
        label, kind = (file, kind) if isinstance(file, str) else (file.label, file.format)
        raise DamagedFile(f"{label} cannot be read as {kind}: {error}") from error


def is_damage(error: BaseException) -> bool:
    """Tells whether the contents of a file are to blame for an error, and not a disk, a network or a store."""
    import pyarrow as pa

    if isinstance(error, ValueError):
        return isinstance(error, pa.ArrowInvalid)
    # Of damaged Parquet, pyarrow raises an OSError without a number.
    return isinstance(error, DAMAGE) and not (isinstance(error, OSError) and error.errno is not None)
