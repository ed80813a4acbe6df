"""The files of an archive: found by globs, their format and compression known by name."""

import bz2
import collections
import contextlib
import dataclasses
import gzip
import itertools
import os
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from typing import IO, Any

from beam_pipelines.archive import formats, zip_and_tar
from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage

# What the standard library raises of a damaged file; zipfile has NotImplementedError for a method that it lacks.
DAMAGE = (EOFError, OSError, zlib.error, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of the archive, or one member of a .zip or .tar among its files.

    Attributes:
      index: Its index among all input files, from 0: they are sorted by path, members as they lie.
      path: Where it lies.
      format: "csv", "tsv", "jsonl" or "parquet".
      compressed: Whether its name ends like that of a compressed file.
      size_bytes: Its size as it lies there; of a member, in the .zip or .tar when that is unpacked.
      modified: When the file was last written, in seconds since 1970; None where that is not known.
      member: Of a member, its path in the .zip or .tar.
      member_index: Of a member, its index there.
      name: What names it in ids: its label without the folders that all files have in common.
      header_line: Of CSV and TSV, the line on which the header begins, from 1.
      delimiter: Of CSV and TSV, what the file itself says stands between fields.
    """

    index: int
    path: str
    format: str
    compressed: bool
    size_bytes: int
    modified: float | None = None
    member: str | None = None
    member_index: int = 0
    name: str = ""
    header_line: int = 1
    delimiter: str | None = None

    @property
    def label(self) -> str:
        """What names it in messages, rejects and counts."""
        return f"{self.path}:{self.member}" if self.member else self.path

    @property
    def is_seekable(self) -> bool:
        """Whether reading can begin in its middle, so that several workers can share it."""
        return not self.compressed and self.member is None


@dataclasses.dataclass(frozen=True)
class OpenFile:
    """An open file.

    Attributes:
      data: Its bytes, decompressed.
      stored: The stream below it, whose position of `size_bytes` tells how far it is read.
    """

    data: IO[bytes]
    stored: IO[bytes]


def group_containers(files: list[InputFile]) -> list[tuple[InputFile, ...]]:
    """Groups the members of a .tar, which are read in one pass; other files stand alone."""
    grouped = itertools.groupby(files, lambda file: file.label if zip_and_tar.is_zip(file.path) else file.path)
    return [tuple(group) for _, group in grouped]


def iter_open(group: tuple[InputFile, ...]) -> Generator[tuple[InputFile, OpenFile], None, None]:
    """Opens a group's files one after the other; each is read before the next is asked for.

    What is read of them is to be read within `damage_as_user_error`: this one ends where a file is yielded.
    """
    first = group[0]
    with damage_as_user_error(first), storage.open_bytes(first.path) as raw, _decompress(raw, first.path) as stream:
        if first.member is None:
            yield first, OpenFile(stream, raw)
            return
        files = {file.member_index: file for file in group}
        for index, member in zip_and_tar.iter_open(stream, first.path, set(files)):
            with _decompress(member, files[index].member or "") as data:
                yield files[index], OpenFile(data, member)


@contextlib.contextmanager
def open_file(file: InputFile) -> Iterator[OpenFile]:
    """Opens a file for reading from its start.

    Raises:
      UserError: Within the context, when it is damaged or cut short.
    """
    with contextlib.closing(iter_open((file,))) as files, damage_as_user_error(file):
        _, stream = next(files)
        yield stream


@contextlib.contextmanager
def damage_as_user_error(file: InputFile) -> Iterator[None]:
    """Turns what a damaged file raises, or one that is cut short, into a UserError that names it.

    (Beam's own decompression, as of 2.77, takes a file that is cut short for one that ends there.)
    """
    import pyarrow as pa

    try:
        yield
    except (*DAMAGE, pa.ArrowInvalid) as error:
        raise UserError(f"{file.label} cannot be read as {file.format}: {error}") from error


def _decompress(raw: IO[bytes], name: str) -> contextlib.AbstractContextManager[Any]:
    """Opens the decompressed bytes; the name says how they are compressed."""
    lower = name.lower()
    if lower.endswith((".gz", ".tgz")):
        return gzip.open(raw)
    if lower.endswith((".bz2", ".tbz2")):
        return bz2.open(raw)
    if lower.endswith(".zst"):
        import pyarrow as pa

        return pa.CompressedInputStream(raw, "zstd")
    return contextlib.nullcontext(raw)


def find(settings: ArchiveSettings) -> list[InputFile]:
    """Finds the files of `--input`, each once, sorted by path; a .zip or .tar gives its members.

    Raises:
      UserError: A glob matches no file, a name does not tell its format, or a .zip or .tar cannot be
        read.
    """
    matched: dict[str, tuple[int, float]] = {}
    for glob in settings.input:
        matched_by_glob = _match(storage.absolute(glob))
        if not matched_by_glob:
            raise UserError(f"--input {glob} matches no file")
        matched.update(matched_by_glob)
    files: list[InputFile] = []
    # Blocks are named by a file's index, so a resumed job has to find the same order, whatever that of the flags.
    for path in sorted(matched):
        if path.lower().endswith(zip_and_tar.EXTENSIONS):
            files += _list_members(path, *matched[path], settings)
        else:
            files.append(_make_file(path, *matched[path], settings.input_format))
    shared = _count_shared_folders(matched)
    return [
        dataclasses.replace(file, index=index, name="/".join(file.label.split("/")[shared:]))
        for index, file in enumerate(files)
    ]


def _count_shared_folders(paths: Iterable[str]) -> int:
    """Counts the folders from the root on that all files have in common.

    >>> _count_shared_folders(["/in/a/1.csv", "/in/b/1.csv"]), _count_shared_folders(["/in/a/1.csv"])
    (2, 3)
    """
    names_by_depth = zip(*(path.split("/")[:-1] for path in paths), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, names_by_depth))


def _make_file(path: str, size_bytes: int, modified: float, input_format: str | None) -> InputFile:
    if path.lower().endswith(formats.NOT_READ):
        raise UserError(
            f"{path}: of compressed files .gz, .bz2 and .zst are read, and .zip and .tar archives; unpack it first"
        )
    named, compressed = formats.format_of(path)
    file_format = input_format or named
    if file_format is None:
        raise UserError(f"{path}: the name does not tell the format; add --input_format csv, tsv, jsonl or parquet")
    file = InputFile(
        index=0, path=path, format=file_format, compressed=compressed, size_bytes=size_bytes, modified=modified
    )
    _refuse_compressed_parquet(file)
    return file


def _refuse_compressed_parquet(file: InputFile) -> None:
    if file.format == "parquet" and file.compressed:
        raise UserError(f"{file.label}: a Parquet file is compressed inside; decompress it first")


def _list_members(path: str, size_bytes: int, modified: float, settings: ArchiveSettings) -> list[InputFile]:
    """Lists the files in a .zip or .tar, and warns of those that are not read."""
    container = InputFile(index=0, path=path, format="an archive of files", compressed=False, size_bytes=size_bytes)
    with damage_as_user_error(container), storage.open_bytes(path) as raw, _decompress(raw, path) as stream:
        members = zip_and_tar.list_members(stream, path, settings.max_unpacked_gb * 1e9)
    files, skipped = [], []
    count_by_name: collections.Counter[str] = collections.Counter()
    for member in members:
        if zip_and_tar.is_hidden(member.name):
            continue
        named, compressed = formats.format_of(member.name)
        file_format = settings.input_format or named
        if file_format is None or member.name.lower().endswith((*formats.NOT_READ, *zip_and_tar.EXTENSIONS)):
            skipped.append(member.name)
            continue
        count_by_name[member.name] += 1
        count = count_by_name[member.name]
        file = InputFile(
            index=0,
            path=path,
            format=file_format,
            compressed=compressed,
            size_bytes=member.size_bytes,
            modified=modified,
            # A .tar that was added to may hold a name twice; a label has to name one file.
            member=member.name if count == 1 else f"({count}) {member.name}",
            member_index=member.index,
        )
        _refuse_compressed_parquet(file)
        files.append(file)
    if not files:
        raise UserError(f"{path} holds no file whose name tells its format; add --input_format csv, tsv or jsonl")
    if skipped:
        logger.warning("%s: not read, since the name tells no format that is read: %s", path, ", ".join(skipped))
    return files


def _match(glob: str) -> dict[str, tuple[int, float]]:
    """Finds the size in bytes and the time of writing of each file that matches."""
    # A name may hold brackets, which would be a class of characters.
    if storage.is_local(glob) and os.path.isfile(glob):
        return {glob: (os.path.getsize(glob), os.path.getmtime(glob))}
    if storage.is_local(glob) and os.path.isdir(glob):
        raise UserError(f"--input {glob} is a folder; name its files, such as '{glob}/*.csv'")
    return storage.match(glob)
