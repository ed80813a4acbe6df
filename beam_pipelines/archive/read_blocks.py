"""The Beam source of both jobs: from files to blocks of rows."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from beam_pipelines.archive import blocks, inputs, readers, rejects
from beam_pipelines.archive.blocks import Block, Extent
from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.read_options import Reading
from beam_pipelines.execution import counters
from beam_pipelines.files import storage


@dataclasses.dataclass
class ReadBlocks(beam.PTransform):
    """Reads the blocks of an archive: PBegin -> PCollection[Block].

    Only descriptions of blocks cross the shuffle; what is fused after this reads and drops one
    block after the other.

    Attributes:
      files: The files of the archive.
      reading: How they are read.
      done: The names of blocks that an earlier attempt has finished, to where the next one starts
        (None where the file ends). They are left out.
    """

    files: list[InputFile]
    reading: Reading
    done: dict[str, int | None] = dataclasses.field(default_factory=dict)

    def expand(self, root):
        return (
            root
            | "Files" >> beam.Create(inputs.together(self.files))
            | "ListExtents" >> beam.FlatMap(blocks.extents, self.reading)
            | "LeaveOutDone" >> beam.Filter(lambda extent: not is_done(extent, self.done))
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(_read, self.reading, frozenset(self.done))
        )


def _read(extent: Extent, reading: Reading, done: frozenset[str]) -> Iterator[Block]:
    return counters.timed_iterator("read", readers.read(extent, reading, done))


def is_done(extent: Extent, done: dict[str, int | None]) -> bool:
    """Whether finished blocks cover an extent from its start to its end."""
    return all(_is_covered(file, extent, done) for file in extent.files)


def _is_covered(file: InputFile, extent: Extent, done: dict[str, int | None]) -> bool:
    at = extent.start
    while (name := blocks.block_name(file.place, at)) in done:
        at = done[name]
        if at == extent.end:
            return True
        if at is None:
            break
    return False


def write_rejects(block: str, rejected: list[rejects.Reject], *, folder: str, with_raw: bool) -> None:
    """Writes `rejected/BLOCK.jsonl`, where the block of that name has rejects."""
    if rejected:
        storage.write_bytes(folder, f"rejected/{block}.jsonl", rejects.json_lines(rejected, with_raw=with_raw))
