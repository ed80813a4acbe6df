"""The Beam source of both jobs: from files to blocks of rows."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from beam_pipelines.archive import blocks, read_extents
from beam_pipelines.archive.block_names import block_name
from beam_pipelines.archive.blocks import Block, Extent
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.execution import counters


@dataclasses.dataclass
class ReadBlocks(beam.PTransform):
    """Reads the blocks of an archive: PBegin -> PCollection[Block].

    Only descriptions of blocks cross the shuffle; what is fused after this reads and drops one
    block after the other.

    Attributes:
      files: The files of the archive.
      read_options: How they are read.
      done: The names of blocks that an earlier attempt has finished, to where the next one starts
        (None where the file ends). They are left out.
    """

    files: list[InputFile]
    read_options: ReadOptions
    done: dict[str, int | None] = dataclasses.field(default_factory=dict)

    def expand(self, root: beam.pvalue.PBegin) -> beam.PCollection[Block]:
        return (
            root
            | "Files" >> beam.Create(input_files.group_containers(self.files))
            | "ListExtents" >> beam.FlatMap(blocks.list_extents, self.read_options)
            | "LeaveOutDone" >> beam.Filter(lambda extent: not is_done(extent, self.done))
            # Else a worker would read all that it has listed itself: runners fuse these steps.
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(_read, self.read_options, frozenset(self.done))
        )


def _read(extent: Extent, read_options: ReadOptions, done: frozenset[str]) -> Iterator[Block]:
    return counters.timed_iterator("read", read_extents.read(extent, read_options, done))


def is_done(extent: Extent, done: dict[str, int | None]) -> bool:
    """Whether finished blocks cover an extent from its start to its end."""
    return all(_is_covered(file, extent, done) for file in extent.files)


def _is_covered(file: InputFile, extent: Extent, done: dict[str, int | None]) -> bool:
    # Several blocks may cover it, of a compressed file or of a row group; any gap has to be read again.
    start: int | None = extent.start
    while start is not None and (name := block_name(file.index, start)) in done:
        start = done[name]
        if start == extent.end:
            return True
    return False
