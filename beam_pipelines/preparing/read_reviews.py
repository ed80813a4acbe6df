"""The first reading: from extents to reviews; what is rejected is written."""

from collections.abc import Callable, Iterator

import apache_beam as beam

from beam_pipelines.archive import read_extents, rejects
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.positions import extent_name
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.execution import counters
from beam_pipelines.files.staged import StagedFile
from beam_pipelines.preparing.reviews import Reviews


class ReadReviews(beam.DoFn):
    """Reads the reviews of an extent and writes its rejects: PCollection[Extent] -> PCollection[Reviews].

    Args:
      read_options: How extents are read.
      reviews_of: Takes the reviews of a block.
      folder: The folder of the rejects.
      with_raw: Whether a reject holds what stood in its row.
      index_digits: How many digits the index of a file has in the names of extents.
      prefix: What stands before these in the names of the rejects' files.
    """

    def __init__(
        self,
        read_options: ReadOptions,
        reviews_of: Callable[[Block], Reviews],
        *,
        folder: str,
        with_raw: bool,
        index_digits: int,
        prefix: str = "",
    ):
        self.read_options = read_options
        self.reviews_of = reviews_of
        self.folder = folder
        self.with_raw = with_raw
        self.index_digits = index_digits
        self.prefix = prefix

    def process(self, extent: Extent) -> Iterator[Reviews]:
        rejected: StagedFile | None = None
        try:
            for block in counters.timed_iterator("read", read_extents.read(extent, self.read_options)):
                reviews = self.reviews_of(block)
                if reviews.rejects:
                    rejected = rejected or StagedFile(self.folder)
                    rejected.stream.write(rejects.json_lines(reviews.rejects, with_raw=self.with_raw))
                if rejected and block.next_extent:
                    rejected.close()
                    name = self.prefix + extent_name(block.extent, self.index_digits)
                    rejected.publish(rejects.REJECTED.format(extent=name))
                    rejected = None
                yield reviews
        finally:
            if rejected:
                rejected.discard()
