"""A sample of an archive's rows, over files of all sizes, to be looked at before any work."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator

from beam_pipelines.archive import extents, read_extents
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject

# A job over less than this is over before a sample would have told much.
WORTH_BYTES = 64 << 20
FILES = 50
BYTES_OF_FILE = 1 << 17


@dataclasses.dataclass
class SampledRows:
    """What is known of the rows of a sample.

    Attributes:
      rows: How many there are.
      stored_bytes: About how much of their files they take.
      by_reason: How many of them would be rejected.
      remarks: What was noticed of them.
    """

    rows: int = 0
    stored_bytes: int = 0
    by_reason: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    remarks: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def add(self, block: Block, rejects: Iterable[Reject], remarks: collections.Counter[str]) -> None:
        """Adds a block, with those of its rows that would be rejected."""
        self.rows += block.rows_read
        self.stored_bytes += block.stored_bytes
        self.by_reason.update(reject.reason for reject in rejects)
        self.remarks.update(remarks)


def sample_blocks(found: list[FoundFile], options: ReadOptions) -> Iterator[Block]:
    """Yields the first rows of some files, from the smallest to the largest."""
    by_size = sorted((file for file in found if file.size_bytes), key=lambda file: (file.size_bytes, file.index))
    count = min(FILES, len(by_size))
    chosen = {len(by_size) - 1 - index * len(by_size) // count for index in range(count)}
    small = dataclasses.replace(options, block_bytes=BYTES_OF_FILE)
    for index in sorted(chosen):
        # Its further blocks are never made.
        yield next(read_extents.read(extents.of_small((by_size[index],)), small))


def count_extents(found: list[FoundFile], extent_bytes: int) -> int:
    """About how many extents some files have; what is compressed may have more."""
    groups = extents.pack(found, extent_bytes)
    return sum(-(-max(sum(file.size_bytes for file in group), 1) // extent_bytes) for group in groups)


def counted(extents: int) -> str:
    """A number of extents in words.

    >>> counted(1), counted(4000)
    ('1 extent', 'about 4,000 extents')
    """
    return "1 extent" if extents == 1 else f"about {extents:,} extents"
