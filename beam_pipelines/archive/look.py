"""The look at an archive before any work: which files it has, how they are packed, and which columns they hold."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import IO, Any

from beam_pipelines.archive import input_columns, partitions
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding import (
    contents,
    decompression,
    first_bytes,
    formats,
    found_files,
    input_files,
    members,
    zip_and_tar,
)
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile, OpenFile
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage

THREADS = 16
MOST_NOTES = 20


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive that has been looked at.

    Attributes:
      files: Its files in the order of their index: sorted by path, members as they lie in a .zip or .tar.
      columns: The columns of each; a file without rows that tell them is left out.
    """

    files: list[InputFile]
    columns: dict[InputFile, Columns]


@dataclasses.dataclass(frozen=True)
class Look:
    """What one found file holds.

    Attributes:
      files: The file, or its members if it is a .zip or .tar, with their columns; they have no index and no name yet.
      notes: What to tell the user, a sentence each.
    """

    files: list[tuple[InputFile, Columns | None]] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def look(settings: ArchiveSettings) -> Archive:
    """Finds the files of `--input` and looks into each.

    Raises:
      UserError: Names an input that matches no file, or a file that cannot be read.
    """
    found, notes = found_files.find(settings.input, settings.input_format)
    # Each file costs some requests to an object store, and an archive may be thousands of them.
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        looks = list(pool.map(lambda file: look_at(file, settings), found))
    notes += itertools.chain.from_iterable(seen.notes for seen in looks)
    for note in notes[:MOST_NOTES]:
        logger.warning("%s", note)
    if len(notes) > MOST_NOTES:
        logger.warning("... and so on, of %s more files", f"{len(notes) - MOST_NOTES:,}")
    return _numbered(list(itertools.chain.from_iterable(seen.files for seen in looks)))


def _numbered(seen: list[tuple[InputFile, Columns | None]]) -> Archive:
    """Gives the files their indices, and names without the folders that they have in common."""
    archive = Archive([], {})
    shared = _count_shared_folders(file.pipe or file.path for file, _ in seen)
    for index, (file, columns) in enumerate(seen):
        name = "/".join(file.label.split("/")[shared:])
        archive.files.append(dataclasses.replace(file, index=index, name=name))
        if columns is not None:
            archive.columns[archive.files[-1]] = columns
    return archive


def _count_shared_folders(paths: Iterable[str]) -> int:
    """Counts the folders from the root on that all files have in common.

    >>> _count_shared_folders(["/in/a/1.csv", "/in/b/1.csv"]), _count_shared_folders(["/in/a/1.csv"])
    (2, 3)
    """
    names_by_depth = zip(*(path.split("/")[:-1] for path in paths), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, names_by_depth))


def look_at(found: FoundFile, settings: ArchiveSettings) -> Look:
    """Tells how a file is packed, which files are in it, and their formats and columns; opens it once.

    Raises:
      UserError: It cannot be read, is of another kind than is read, or its name does not tell its format.
    """
    file, seen = _unseen(found, settings), Look()
    with _opened(found) as raw:
        container = _container_of(raw, file)
        if container:
            group = members.list_files(
                file,
                container,
                raw,
                found.members,
                input_format=settings.input_format,
                max_bytes=settings.max_unpacked_gb * 1e9,
                notes=seen.notes,
            )
        elif found.members:
            raise UserError(f"{file.label} is no .zip or .tar, so it has no member {found.members[0]}")
        else:
            group = (file,)
        raw.seek(0)
        for one, stream in input_files.iter_streams(group, raw):
            _look_into(one, stream.data, settings, seen)
    if container and not seen.files:
        raise UserError(f"{file.label} holds no file that is read: {'; '.join(seen.notes)}")
    return seen


def _unseen(found: FoundFile, settings: ArchiveSettings) -> InputFile:
    """What is known of a file before it is opened."""
    return InputFile(
        index=0,
        path=found.path,
        format=settings.input_format or formats.format_of(found.label)[0] or "a file of rows",
        compression=None,
        size_bytes=found.size_bytes,
        modified=found.modified,
        pipe=found.pipe,
    )


@contextlib.contextmanager
def _opened(found: FoundFile) -> Iterator[IO[bytes]]:
    with contextlib.ExitStack() as stack:
        try:
            raw = stack.enter_context(storage.open_bytes(found.path))
        except OSError as error:
            raise UserError(f"{found.label} cannot be read: {error.strerror or error}") from error
        yield raw


def _container_of(raw: IO[bytes], file: InputFile) -> Container | None:
    with input_files.damage_as_user_error(file):
        compression = decompression.compression_of(_peek(raw))
        with decompression.decompress(raw, compression) as data:
            kind = zip_and_tar.kind_of(_peek(data), file.label)
    raw.seek(0)
    if kind == zip_and_tar.ZIP and compression:
        raise UserError(f"{file.label} is a .zip that was compressed once more; decompress it first")
    return Container(kind, compression) if kind else None


def _peek(stream: Any) -> bytes:
    # Members cannot go back to their start, and not every store's stream can be peeked into.
    if hasattr(stream, "peek"):
        return stream.peek(first_bytes.COUNT)[: first_bytes.COUNT]
    start = stream.read(first_bytes.COUNT)
    stream.seek(0)
    return start


def _look_into(file: InputFile, stream: IO[bytes], settings: ArchiveSettings, seen: Look) -> None:
    """Looks at the contents of a file as it lies, or of a member as it is in its .zip or .tar."""
    with input_files.damage_as_user_error(file):
        compression = decompression.compression_of(_peek(stream))
        with decompression.decompress(stream, compression) as data:
            start = _peek(data)
            if file.container and zip_and_tar.kind_of(start, file.label):
                kind = first_bytes.office_kind_named(file.label)
                seen.notes.append(
                    f"{file.label} is {kind}; {first_bytes.EXPORT}"
                    if kind
                    else f"{file.label} is an archive itself, and not read; unpack it first"
                )
                return
            file, notes = contents.identify(file, compression, start, settings.input_format)
            seen.notes.extend(notes)
            opened = OpenFile(data, stream)
            seen.files.append(
                partitions.added(*input_columns.look_at(file, opened, TextFormat.of(settings)), settings.text_column)
            )
