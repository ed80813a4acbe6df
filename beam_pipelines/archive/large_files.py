"""Cuts files that are larger than an extent: at rows, row groups or members, by whoever can read only a part."""

import dataclasses
import functools
import pickle
from collections.abc import Iterable, Iterator

from beam_pipelines.archive import extents, look, parquet_blocks, text_cuts
from beam_pipelines.archive.extents import Extent, Span
from beam_pipelines.archive.finding import input_files, unchanged, zip_and_tar
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.text_cuts import Cut, ScannedRange
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

# What one worker scans at a time.
RANGE_BYTES = 64 << 20
_SAVED = "extents/{index}.pickle"


@dataclasses.dataclass(frozen=True)
class TextRange:
    """A part of a text file, to be scanned for rows at which it can be cut.

    Attributes:
      file: The file.
      begin: The offset of its first byte.
      end: The offset behind its last byte.
    """

    file: InputFile
    begin: int
    end: int


def list_extents(found: FoundFile, options: ReadOptions) -> list[Extent] | list[TextRange]:
    """Lists the extents of a large file; of a text file, the ranges that are to be scanned first.

    Raises:
      UserError: It is not the file that was listed.
    """
    unchanged.check(found)
    try:
        files = [file for file, _ in look.look_at(found, options.look).files]
    except UserError:
        # Whoever reads it will reject it, with the reason.
        return [extents.of_small((found,))]
    end = Position(found.index + 1)
    if files[0].container:
        return list(_of_members(files, end, options.extent_bytes))
    if not files[0].is_seekable:
        return [Extent(Position(found.index), end, (Span(files[0]),))]
    if files[0].format == "parquet":
        return list(_of_row_groups(files[0], end, options.extent_bytes))
    return list(_ranges(files[0]))


def _of_members(files: list[InputFile], end: Position, extent_bytes: int) -> Iterator[Extent]:
    """Members of a .zip are read by several workers; a .tar is read in one pass."""
    is_tar = files[0].container is not None and files[0].container.kind == zip_and_tar.TAR
    groups = [tuple(files)] if is_tar else extents.pack(files, extent_bytes)
    begins = [(Position(*group[0].position), tuple(Span(file) for file in group)) for group in groups]
    return extents.of_spans(begins, end)


def _of_row_groups(file: InputFile, end: Position, extent_bytes: int) -> Iterator[Extent]:
    """Row groups that follow each other, up to the size of an extent."""
    with input_files.open_file(file) as stream:
        metadata = parquet_blocks.open_parquet(stream.data).metadata
        rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    begins: list[tuple[Position, tuple[Span, ...]]] = []
    groups: list[int] = []
    start, count, total = 0, 0, max(sum(rows), 1)
    for group, rows_of_group in enumerate(rows):
        if count and (count + rows_of_group) * file.size_bytes > extent_bytes * total:
            begins.append(_span_of_groups(file, start, groups, count / total))
            start, groups, count = start + count, [], 0
        groups.append(group)
        count += rows_of_group
    begins.append(_span_of_groups(file, start, groups, count / total))
    return extents.of_spans(begins, end)


def _span_of_groups(file: InputFile, start: int, groups: list[int], share: float) -> tuple[Position, tuple[Span, ...]]:
    span = Span(file, start=start, row_number=start + 1, row_groups=tuple(groups), share=share)
    return Position(*file.position, start), (span,)


def _ranges(file: InputFile) -> Iterator[TextRange]:
    for begin in range(0, file.size_bytes, RANGE_BYTES):
        yield TextRange(file, begin, min(begin + RANGE_BYTES, file.size_bytes))


def scan_range(text_range: TextRange, options: ReadOptions) -> ScannedRange:
    """Looks for the rows of a range at which its file can be cut."""
    file = text_range.file
    unchanged.check(file)
    with storage.open_bytes(file.path, text_range.end - text_range.begin) as stream:
        return text_cuts.scan_range(
            stream,
            options.text_format.dialect(file),
            options.max_row_bytes,
            size=options.extent_bytes,
            begin=text_range.begin,
            end=text_range.end,
        )


def join_ranges(file: InputFile, ranges: Iterable[ScannedRange], options: ReadOptions) -> list[Extent]:
    """The extents of a text file, of which all ranges were scanned."""
    cuts = text_cuts.join_ranges(
        sorted(ranges, key=lambda scanned: scanned.end),
        functools.partial(storage.open_bytes, file.path, 1 << 20),
        options.text_format.dialect(file),
        options.max_row_bytes,
        size=options.extent_bytes,
    )
    cuts = cuts or [Cut(0, 1)]
    ends = [*(cut.offset for cut in cuts[1:]), None]
    begins = [
        (Position(*file.position, cut.offset), (Span(file, cut.offset, end, cut.line),))
        for cut, end in zip(cuts, ends, strict=True)
    ]
    return list(extents.of_spans(begins, Position(file.index + 1)))


def save(folder: str, index: int, listed: list[Extent]) -> None:
    """Keeps the extents of a file for another reading of the archive."""
    storage.write_bytes(folder, _SAVED.format(index=index), pickle.dumps(listed))


def saved(folder: str, index: int) -> list[Extent] | None:
    """What `save` has kept; None if nothing."""
    try:
        return pickle.loads(storage.read_bytes(storage.join(folder, _SAVED.format(index=index))))
    except FileNotFoundError:
        return None
