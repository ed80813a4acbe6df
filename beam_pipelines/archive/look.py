"""The look at an archive before any work: which files it has, how they are packed, and which columns they hold."""

import collections
import concurrent.futures
import dataclasses
import itertools
from collections.abc import Iterable
from typing import IO

from beam_pipelines.archive import formats, found_files, input_columns, input_files, zip_and_tar
from beam_pipelines.archive.decompression import decompress
from beam_pipelines.archive.found_files import FoundFile
from beam_pipelines.archive.input_columns import Columns
from beam_pipelines.archive.input_files import InputFile
from beam_pipelines.archive.read_options import TextFormat
from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.archive.zip_and_tar import Container
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage

THREADS = 16


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
      notes: What to tell the user of it, a sentence each.
    """

    files: list[tuple[InputFile, Columns | None]]
    notes: list[str]


def look(settings: ArchiveSettings) -> Archive:
    """Finds the files of `--input` and looks into each.

    Raises:
      UserError: Names a glob that matches no file, or a file that cannot be read.
    """
    # Each file costs some requests to an object store, and an archive may be thousands of them.
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        looks = list(pool.map(lambda found: look_at(found, settings), found_files.find(settings.input)))
    for note in itertools.chain.from_iterable(seen.notes for seen in looks):
        logger.warning("%s", note)
    shared = _count_shared_folders(file.path for seen in looks for file, _ in seen.files)
    files, columns = [], {}
    for index, (file, found) in enumerate(itertools.chain.from_iterable(seen.files for seen in looks)):
        name = "/".join(file.label.split("/")[shared:])
        files.append(dataclasses.replace(file, index=index, name=name))
        if found is not None:
            columns[files[-1]] = found
    return Archive(files, columns)


def look_at(found: FoundFile, settings: ArchiveSettings) -> Look:
    """Tells how a file is packed, which files are in it, and their formats and columns; opens it once.

    Raises:
      UserError: It cannot be read, or its name does not tell its format.
    """
    with storage.open_bytes(found.path) as raw:
        container = zip_and_tar.container_of(found.path)
        if container is None:
            group: tuple[InputFile, ...] = (_make_file(found, settings.input_format),)
            notes: list[str] = []
        else:
            group, notes = _list_members(found, container, raw, settings)
            raw.seek(0)
        return Look(_look_at_columns(group, raw, TextFormat.of(settings)), notes)


def _look_at_columns(
    group: tuple[InputFile, ...], raw: IO[bytes], text_format: TextFormat
) -> list[tuple[InputFile, Columns | None]]:
    looked_at = []
    for file, stream in input_files.iter_streams(group, raw):
        with input_files.damage_as_user_error(file):
            looked_at.append(input_columns.look_at(file, stream, text_format))
    return looked_at


def _make_file(found: FoundFile, input_format: str | None) -> InputFile:
    if found.path.lower().endswith(formats.NOT_READ):
        raise UserError(
            f"{found.path}: of compressed files .gz, .bz2, .xz and .zst are read, and .zip and .tar archives; unpack "
            "it first"
        )
    named, compression = formats.format_of(found.path)
    file_format = input_format or named
    if file_format is None:
        raise UserError(
            f"{found.path}: the name does not tell the format; add --input_format csv, tsv, jsonl or parquet"
        )
    file = InputFile(
        index=0,
        path=found.path,
        format=file_format,
        compression=compression,
        size_bytes=found.size_bytes,
        modified=found.modified,
    )
    _refuse_compressed_parquet(file)
    return file


def _refuse_compressed_parquet(file: InputFile) -> None:
    if file.format == "parquet" and file.compression:
        raise UserError(f"{file.label}: a Parquet file is compressed inside; decompress it first")


def _list_members(
    found: FoundFile, container: Container, raw: IO[bytes], settings: ArchiveSettings
) -> tuple[tuple[InputFile, ...], list[str]]:
    """Lists the files in a .zip or .tar, and tells of those that are not read."""
    path = found.path
    with (
        input_files.damage_as_user_error(path, "an archive of files"),
        decompress(raw, container.compression) as stream,
    ):
        members = zip_and_tar.list_members(stream, container, path, settings.max_unpacked_gb * 1e9)
    files, skipped = [], []
    count_by_name: collections.Counter[str] = collections.Counter()
    for member in members:
        if zip_and_tar.is_hidden(member.name):
            continue
        named, compression = formats.format_of(member.name)
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
            compression=compression,
            size_bytes=member.size_bytes,
            modified=found.modified,
            # A .tar that was added to may hold a name twice; a label has to name one file.
            member=member.name if count == 1 else f"({count}) {member.name}",
            member_index=member.index,
            container=container,
        )
        _refuse_compressed_parquet(file)
        files.append(file)
    if not files:
        raise UserError(f"{path} holds no file whose name tells its format; add --input_format csv, tsv or jsonl")
    notes = []
    if skipped:
        notes.append(f"{path}: not read, since the name tells no format that is read: {', '.join(skipped)}")
    return tuple(files), notes


def _count_shared_folders(paths: Iterable[str]) -> int:
    """Counts the folders from the root on that all files have in common.

    >>> _count_shared_folders(["/in/a/1.csv", "/in/b/1.csv"]), _count_shared_folders(["/in/a/1.csv"])
    (2, 3)
    """
    names_by_depth = zip(*(path.split("/")[:-1] for path in paths), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, names_by_depth))
