"""The Beam source of both jobs: from files to blocks of rows."""

import dataclasses

import apache_beam as beam

from beam_pipelines import storage
from beam_pipelines.archive import blocks, readers, rejects
from beam_pipelines.archive.inputs import InputFile


@dataclasses.dataclass
class ReadBlocks(beam.PTransform):
    """Reads the blocks of an archive: PBegin -> PCollection[Block].

    Only descriptions of blocks cross the shuffle; what is fused after this reads and drops one
    block after the other.

    Attributes:
      files: The files of the archive.
      columns: The wanted columns, the review's text first.
      max_field_mb: A row of a text format that is longer is rejected.
    """

    files: list[InputFile]
    columns: tuple[str, ...]
    max_field_mb: float

    def expand(self, root):
        size = blocks.block_bytes(self.files)
        max_row_bytes = int(self.max_field_mb * 2**20)
        return (
            root
            | "Files" >> beam.Create(self.files)
            | "ListExtents" >> beam.FlatMap(blocks.extents, size, max_row_bytes)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(readers.read, self.columns, size, max_row_bytes)
        )


def write_rejects(block: str, rejected: list[rejects.Reject], *, folder: str) -> None:
    """Writes `rejected/BLOCK.jsonl`, where the block of that name has rejects."""
    if rejected:
        storage.write_bytes(folder, f"rejected/{block}.jsonl", rejects.json_lines(rejected))
