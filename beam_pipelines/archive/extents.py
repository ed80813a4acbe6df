"""Cuts an archive into extents: what one worker takes from its first byte to its commit.

An extent is what is shuffled, written and told: a part of one large file, or several small files in a row. It is read
in blocks, which is what memory holds at a time.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position

# A job needs some 30 MB of memory for each MB of a block.
MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 1 << 20, 4 << 20
# Enough for a runner to share out evenly, and for a progress line to move.
WANTED_BLOCKS = 128
# Each extent becomes up to three files, and an archive of terabytes should not become millions.
WANTED_EXTENTS = 4000
MAX_EXTENT_BYTES = 256 << 20
Packed = TypeVar("Packed", FoundFile, InputFile)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How an archive is cut; fixed for a job, so that all of its attempts have the same extents.

    Attributes:
      block_bytes: Of a block.
      extent_bytes: Of an extent: about a four thousandth of the archive, but from a block to 256 MB.
    """

    block_bytes: int
    extent_bytes: int

    @classmethod
    def of(cls, archive_bytes: int) -> "Sizes":
        block = min(max(archive_bytes // WANTED_BLOCKS, MIN_BLOCK_BYTES), MAX_BLOCK_BYTES)
        return cls(block, min(max(archive_bytes // WANTED_EXTENTS, block), MAX_EXTENT_BYTES))


@dataclasses.dataclass(frozen=True)
class Span:
    """What is read of one file without a break.

    Attributes:
      file: The file, or a member of a .zip or .tar.
      start: The offset of its first byte; of Parquet, the number of rows before.
      end: Where it ends; None at the end of the file.
      row_number: The line (text) or row (Parquet) that it starts with, from 1.
      row_groups: Of Parquet, the indices of its row groups; None for all.
      share: Of Parquet, how much of the file's rows it has.
    """

    file: InputFile
    start: int = 0
    end: int | None = None
    row_number: int = 1
    row_groups: tuple[int, ...] | None = None
    share: float = 1.0

    @property
    def size_bytes(self) -> int:
        """About how many bytes of the file are read, as they lie."""
        if self.file.format == "parquet":
            return max(round(self.share * self.file.size_bytes), 1)
        return max((self.file.size_bytes if self.end is None else self.end) - self.start, 1)


@dataclasses.dataclass(frozen=True)
class Extent:
    """What one worker reads at a time, without its text.

    Where nothing can enter a file in the middle, as one that is compressed, it is all of that, and is cut into several
    extents while it is read.

    Attributes:
      begin: Where it begins.
      next: Where the next one begins; behind the last file at the end of the archive.
      spans: What it consists of; () of files that were not looked at.
      found: The small files that it consists of, if they were not looked at; their reader does that.
    """

    begin: Position
    next: Position
    spans: tuple[Span, ...] = ()
    found: tuple[FoundFile, ...] = ()


def pack(files: Iterable[Packed], extent_bytes: int) -> Iterator[tuple[Packed, ...]]:
    """Packs small files that follow each other up to the size of an extent; a larger file stands alone.

    >>> sizes = [3, 4, 5, 20, 1]
    >>> files = [FoundFile(str(index), size, index=index) for index, size in enumerate(sizes)]
    >>> [[file.index for file in group] for group in pack(files, 10)]
    [[0, 1], [2], [3], [4]]
    """
    group: list[Packed] = []
    size = 0
    for file in files:
        if group and size + file.size_bytes > extent_bytes:
            yield tuple(group)
            group, size = [], 0
        group.append(file)
        size += file.size_bytes
    if group:
        yield tuple(group)


def is_small(group: tuple[FoundFile, ...], extent_bytes: int) -> bool:
    """Whether a group of `pack` is an extent as it is."""
    return sum(file.size_bytes for file in group) <= extent_bytes


def of_small(group: tuple[FoundFile, ...]) -> Extent:
    """The extent of small files."""
    return Extent(Position(group[0].index), Position(group[-1].index + 1), found=group)


def behind(file: InputFile) -> Position:
    """Where the archive goes on behind a file."""
    return Position(file.index + 1)


def of_spans(begins: Iterable[tuple[Position, tuple[Span, ...]]], end: Position) -> Iterator[Extent]:
    """Makes extents that follow each other.

    Args:
      begins: Where each begins, and its spans.
      end: Where the archive goes on behind the last one.
    """
    listed = [*begins, (end, ())]
    for (begin, spans), (after, _) in itertools.pairwise(listed):
        yield Extent(begin, after, spans)
