"""Leads from bytes to blocks in one call, for the tests of the readers."""

import bz2
import contextlib
import gzip
import io
import lzma
import pathlib
import tarfile
import zipfile
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from beam_pipelines.archive import extents, large_files, look, read_extents
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.finding import found_files, input_files
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.large_files import TextRange
from beam_pipelines.archive.look import Archive
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows import row_scanner
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.archive.settings import ArchiveSettings

COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
MEGABYTE = 1 << 20


def parquet(columns: dict[str, pa.Array | list] | pa.Table, rows_per_group: int = 1000) -> bytes:
    file = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, file, row_group_size=rows_per_group)
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A .zip of some files, and of a folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("dump")
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    """A .tar of some files, and of a link to one outside."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("dump/link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return file.getvalue()


def look_at(*globs: object, **settings) -> Archive:
    """Looks at an archive as a job would."""
    globs = tuple(str(glob) for glob in globs)
    return look.look(ArchiveSettings(input=globs, output="out", text_column="text", **settings))


def find_files(*globs: object, **settings) -> list[input_files.InputFile]:
    """Finds the files that a job would find."""
    return look_at(*globs, **settings).files


def input_file(path: pathlib.Path, content: bytes, **settings) -> input_files.InputFile:
    """Writes a file and finds it as a job would."""
    path.write_bytes(content)
    return find_files(path, **settings)[0]


def unseen_file(path: pathlib.Path, content: bytes) -> input_files.InputFile:
    """Writes a file that no job looks at before, whatever is wrong with it."""
    path.write_bytes(content)
    return input_files.InputFile(0, str(path), path.suffix[1:], None, len(content), name=path.name)


def found_file(path: pathlib.Path, content: bytes) -> FoundFile:
    """Writes a file and finds it, without looking into it."""
    path.write_bytes(content)
    return found_files.find([str(path)])[0][0]


def list_extents(found: list[FoundFile], options: ReadOptions) -> list[Extent]:
    """Lists the extents of files as the jobs do."""
    listed: list[Extent] = []
    for group in extents.pack(found, options.extent_bytes):
        if extents.is_small(group, options.extent_bytes):
            listed.append(extents.of_small(group))
            continue
        of_file = large_files.list_extents(group[0], options)
        ranges = [item for item in of_file if isinstance(item, TextRange)]
        scanned = [large_files.scan_range(text_range, options) for text_range in ranges]
        listed += large_files.join_ranges(ranges[0].file, scanned, options) if ranges else of_file
    return listed


def read_found(found: list[FoundFile], options: ReadOptions) -> list[Block]:
    """Reads the blocks that a job would read."""
    return [block for extent in list_extents(found, options) for block in read_extents.read(extent, options)]


def read_all(
    files: InputFile | list[InputFile] | Archive,
    columns: tuple[str, ...],
    *,
    size: int = MEGABYTE,
    max_row_bytes: int = MEGABYTE,
    all_columns: bool = False,
    binary: tuple[str, ...] = (),
    nullable: tuple[str, ...] = (),
    input_format: str | None = None,
    encoding: str = "utf-8",
    **text_format: Any,
) -> list[Block]:
    """Reads the blocks that a job would read of an archive, or of the files that some were found in."""
    options = ReadOptions(
        columns=columns,
        text_format=TextFormat(encodings=tuple(encoding.split(",")), **text_format),
        block_bytes=size,
        extent_bytes=size,
        max_row_bytes=max_row_bytes,
        all_columns=all_columns,
        binary=binary,
        nullable=nullable,
        input_format=input_format,
    )
    if isinstance(files, Archive):
        return read_found(files.found, options)
    paths = dict.fromkeys(file.path for file in (files if isinstance(files, list) else [files]))
    return read_found(found_files.find(paths)[0], options)


def read_one(file: InputFile, columns: tuple[str, ...] = ("text", "band"), **how) -> Block:
    """Reads the only block of a small file."""
    [block] = read_all(file, columns, **how)
    return block


def texts_of(blocks: list[Block]) -> list[str | None]:
    """The texts of all blocks."""
    return [text for block in blocks for text in block.rows["text"].to_pylist()]


def rejects_of(block: Block) -> list[tuple]:
    return [(reject.row_number, reject.reason, reject.raw) for reject in block.rejects]


def compiled(is_wanted: bool) -> contextlib.AbstractContextManager:
    """Reads with compiled code however little there is, or never."""
    return mock.patch.object(row_scanner, "LONG_BYTES", 0 if is_wanted else float("inf"))
