"""The look at an archive before any work: which files it has, how they are packed, and which columns they hold.

Of many files a sample is looked at; a worker that reads another one looks at it first, in the same way.
"""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import itertools
from collections.abc import Iterator
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
from beam_pipelines.archive.finding.input_files import DamagedFile, InputFile, OpenFile
from beam_pipelines.archive.finding.zip_and_tar import Container
from beam_pipelines.archive.read_options import LookOptions
from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.commands import progress
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.reporting.phrases import printable

THREADS = 16
MOST_NOTES = 20
# Of more files, so many are looked at before any work.
MOST_FILES = 1000
# Of a compressed file, about what one core reads, scores and writes in a second.
COMPRESSED_PER_SECOND = 10e6
LARGE_COMPRESSED = 1e9


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive that has been looked at.

    Attributes:
      found: Its files, sorted by path.
      files: Those that were looked at, members as they lie in their .zip or .tar.
      columns: The columns of each of these; a file without rows that tell them is left out.
    """

    found: list[FoundFile]
    files: list[InputFile]
    columns: dict[InputFile, Columns]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.found)


@dataclasses.dataclass(frozen=True)
class Look:
    """What one found file holds.

    Attributes:
      files: The file, or its members if it is a .zip or .tar, with their columns.
      notes: What to tell the user, a sentence each.
    """

    files: list[tuple[InputFile, Columns | None]] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def look(settings: ArchiveSettings, name: str = "input") -> Archive:
    """Finds the files of `--input`, or of another flag of that name, and looks into each, or into a thousand of them.

    Raises:
      UserError: Names an input that matches no file, or a file that cannot be read.
    """
    found, notes = found_files.find(getattr(settings, name), settings.input_format, f"--{name}")
    options = LookOptions.of(settings)
    # Each file costs some requests to an object store, and an archive may be thousands of them.
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        looks = _without_damaged(list(pool.map(lambda file: _look_or_damage(file, options), sample(found))))
    notes += itertools.chain.from_iterable(seen.notes for seen in looks)
    notes += _notes_of_large_compressed(found, looks)
    for note in notes[:MOST_NOTES]:
        logger.warning("%s", note)
    if len(notes) > MOST_NOTES:
        logger.warning("... and so on, of %s more files", f"{len(notes) - MOST_NOTES:,}")
    seen = [pair for look_of_file in looks for pair in look_of_file.files]
    columns = {file: columns for file, columns in seen if columns is not None}
    return Archive(found, [file for file, _ in seen], columns)


def _notes_of_large_compressed(found: list[FoundFile], looks: list[Look]) -> Iterator[str]:
    """Tells of files that one worker alone has to read, since nothing can enter them in the middle, for how long."""
    for file in (seen.files[0][0] for seen in looks if seen.files):
        is_compressed = file.container.compression if file.container else file.compression
        size_bytes = found[file.index].size_bytes
        if is_compressed and size_bytes > LARGE_COMPRESSED:
            seconds = size_bytes / COMPRESSED_PER_SECOND
            yield (
                f"{printable(file.path)} is {size_bytes / 1e9:.1f} GB in one piece: a single worker reads it, for "
                f"some {progress.duration(seconds)} at {COMPRESSED_PER_SECOND / 1e6:.0f} MB/s; smaller files are shared"
            )


def _look_or_damage(found: FoundFile, options: LookOptions) -> Look | DamagedFile:
    try:
        return look_at(found, options)
    except DamagedFile as error:
        return error


def _without_damaged(looks: list[Look | DamagedFile]) -> list[Look]:
    """The looks that went well; a file that is damaged where it begins is told, and rejected by whoever reads it.

    Raises:
      DamagedFile: There is no other file.
    """
    if looks and all(isinstance(seen, DamagedFile) for seen in looks):
        raise next(seen for seen in looks if isinstance(seen, DamagedFile))
    return [Look(notes=[str(seen)]) if isinstance(seen, DamagedFile) else seen for seen in looks]


def sample(found: list[FoundFile]) -> list[FoundFile]:
    """Chooses the files to look at: all, or those whose paths have the least hashes."""
    if len(found) <= MOST_FILES:
        return found
    return sorted(sorted(found, key=_hash_of_path)[:MOST_FILES], key=lambda file: file.index)


def _hash_of_path(file: FoundFile) -> bytes:
    return hashlib.blake2b(file.path.encode("utf-8", "surrogateescape"), digest_size=8).digest()


def look_at(found: FoundFile, options: LookOptions) -> Look:
    """Tells how a file is packed, which files are in it, and their formats and columns; opens it once.

    Raises:
      UserError: It cannot be read, is of another kind than is read, or its name does not tell its format.
    """
    with _opened(found) as raw:
        return look_into(found, raw, options)


def look_into(found: FoundFile, raw: IO[bytes], options: LookOptions) -> Look:
    """Tells the same of a file that is open.

    Raises:
      UserError: It cannot be read, is of another kind than is read, or its name does not tell its format.
    """
    file, seen = _unseen(found, options), Look()
    container = _container_of(raw, file)
    if container:
        group = members.list_files(
            file,
            container,
            raw,
            found.members,
            input_format=options.input_format,
            max_bytes=options.max_unpacked_bytes,
            notes=seen.notes,
        )
    elif found.members:
        raise UserError(f"{file.label} is no .zip or .tar, so it has no member {found.members[0]}")
    else:
        group = (file,)
    raw.seek(0)
    streams = input_files.iter_streams(group, raw)
    while True:
        try:
            one, stream = next(streams)
        except StopIteration:
            break
        except DamagedFile:
            if not seen.files:
                raise
            break  # The list of its members has told so.
        _look_into(one, stream.data, options, seen)
    if container and not seen.files:
        raise UserError(f"{file.label} holds no file that is read: {'; '.join(seen.notes)}")
    return seen


def _unseen(found: FoundFile, options: LookOptions) -> InputFile:
    """What is known of a file before it is opened."""
    return InputFile(
        index=found.index,
        path=found.path,
        format=options.input_format or formats.format_of(found.label)[0] or "a file of rows",
        compression=None,
        size_bytes=found.size_bytes,
        modified=found.modified,
        pipe=found.pipe,
        name=found.name,
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


def _look_into(file: InputFile, stream: IO[bytes], options: LookOptions, seen: Look) -> None:
    """Looks at the contents of a file as it lies, or of a member as it is in its .zip or .tar."""
    with input_files.damage_as_user_error(file):
        compression = decompression.compression_of(_peek(stream))
    file = dataclasses.replace(file, compression=compression, member_number=len(seen.files))
    try:
        with input_files.damage_as_user_error(file), decompression.decompress(stream, compression) as data:
            _look_at_contents(file, OpenFile(data, stream), options, seen)
    except DamagedFile as error:
        if not file.container:
            raise
        # A member that is damaged where it begins costs itself alone.
        seen.files.append((file, None))
        seen.notes.append(str(error))


def _look_at_contents(file: InputFile, opened: OpenFile, options: LookOptions, seen: Look) -> None:
    start = _peek(opened.data)
    if file.container and zip_and_tar.kind_of(start, file.label):
        kind = first_bytes.office_kind_named(file.label)
        seen.notes.append(
            f"{file.label} is {kind}; {first_bytes.EXPORT}"
            if kind
            else f"{file.label} is an archive itself, and not read; unpack it first"
        )
        return
    file, notes = contents.identify(file, file.compression, start, options.input_format)
    seen.notes.extend(notes)
    seen.files.append(partitions.added(*input_columns.look_at(file, opened, options), options.text_column))
