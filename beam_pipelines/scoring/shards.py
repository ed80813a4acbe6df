"""The shards of a bulk job: where they lie, and which blocks are done."""

import concurrent.futures
import dataclasses
from collections.abc import Iterator

import pyarrow as pa

from beam_pipelines.archive import rejects
from beam_pipelines.archive.block_names import BLOCK_GLOBS, is_block_name
from beam_pipelines.files import storage
from beam_pipelines.scoring.output_formats import encode_table
from beam_pipelines.scoring.summary.block_statistics import BlockStatistics

# Object stores answer slowly, so that many are asked at a time.
READERS = 16
_SCORES, _STATISTICS = "scores/{block}.{format}", "statistics/{block}.json"
FORMATS = ("parquet", "jsonl", "csv")
# What a job may write for its blocks, as patterns.
OUTPUTS = [
    *(_SCORES.format(block=block, format=name) for block in BLOCK_GLOBS for name in FORMATS),
    *(rejects.REJECTED.format(block=block) for block in BLOCK_GLOBS),
    *(_STATISTICS.format(block=block) for block in BLOCK_GLOBS),
]


def write_shard(folder: str, block: str, statistics: BlockStatistics, table: pa.Table, output_format: str) -> None:
    """Writes a block's statistics, then its scores: a shard of scores that stands is a block that is done."""
    storage.write_json(folder, _STATISTICS.format(block=block), statistics.to_json())
    data = encode_table(table, output_format)
    storage.write_bytes(folder, _SCORES.format(block=block, format=output_format), data)


def finished_blocks(folder: str, output_format: str) -> list[str]:
    """The names of the blocks whose shards stand in a job's folder, in the order of the archive."""
    listed = storage.listing(storage.join(folder, "scores"))
    scored = {name.removesuffix(f".{output_format}") for name in listed if name.endswith(f".{output_format}")}
    described = {name.removesuffix(".json") for name in storage.listing(storage.join(folder, "statistics"))}
    return sorted(name for name in scored & described if is_block_name(name))


def read_statistics(folder: str, names: list[str]) -> Iterator[tuple[str, BlockStatistics]]:
    """Yields the names and the statistics of blocks, never holding those of all."""
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(names), READERS):
            part = names[start : start + READERS]
            paths = [storage.join(folder, _STATISTICS.format(block=name)) for name in part]
            yield from zip(part, map(BlockStatistics.from_json, pool.map(storage.read_json, paths)), strict=True)


@dataclasses.dataclass(frozen=True)
class FinishedBlock:
    """What resuming and the progress line need of a block that is done.

    Attributes:
      end: Where the next block of its file starts; None where the file ends.
      engine: What scored it.
      rows: The rows that it had.
      rejected: How many of them were rejected.
      stored_bytes: The bytes of the archive that it took.
    """

    end: int | None
    engine: str
    rows: int
    rejected: int
    stored_bytes: int

    @classmethod
    def of(cls, block: BlockStatistics) -> "FinishedBlock":
        return cls(block.end, block.engine, block.rows_read, block.rows_rejected, block.stored_bytes)


class NewlyFinishedBlocks:
    """Returns, at each call, the blocks that were finished since the last one.

    Args:
      folder: The job's.
      output_format: Of its shards.
    """

    def __init__(self, folder: str, output_format: str):
        self._folder, self._format = folder, output_format
        self._known: set[str] = set()

    def __call__(self) -> dict[str, FinishedBlock]:
        names = [name for name in finished_blocks(self._folder, self._format) if name not in self._known]
        self._known.update(names)
        return {name: FinishedBlock.of(block) for name, block in read_statistics(self._folder, names)}
