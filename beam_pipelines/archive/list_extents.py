"""The Beam source of both jobs: from the list of inputs to extents, spread over all workers."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from beam_pipelines.archive import extents, inputs, large_files
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.large_files import TextRange
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.text_cuts import ScannedRange

SMALL, LARGE, EXTENTS, RANGES = "small", "large", "extents", "ranges"


@dataclasses.dataclass
class ListExtents(beam.PTransform):
    """Lists the extents of an archive: PBegin -> PCollection[Extent].

    Small files are packed by their sizes alone. A large file is looked at by one worker; a text file is then scanned by
    several, since only its rows tell where it can be cut.

    Attributes:
      folder: The job's, which holds the list of inputs.
      read_options: How they are read.
      rounds: The index of the first file of each round: a round adds files to an archive, and has extents of its own.
      first: The index of the first file that is wanted; those of rounds before were read by an earlier job.
      listed: The name of the list of inputs.
      saved_in: A folder that keeps what was scanned, for the next reading of the same archive; None for none.
    """

    folder: str
    read_options: ReadOptions
    rounds: tuple[int, ...] = (0,)
    first: int = 0
    listed: str = inputs.INPUTS
    saved_in: str | None = None

    def expand(self, root: beam.pvalue.PBegin) -> beam.PCollection[Extent]:
        options = self.read_options
        listed = (
            root
            # One element, so that neither the list of inputs nor that of what is done lies in the graph.
            | "Inputs" >> beam.Create([self.folder])
            | "Pack"
            >> beam.FlatMap(_pack, self.listed, options.extent_bytes, self.rounds, self.first).with_outputs(
                SMALL, LARGE
            )
        )
        seen = (
            listed[LARGE]
            | "SpreadFiles" >> beam.Reshuffle()
            | "LookAtLarge" >> beam.FlatMap(_list_large, options, self.saved_in).with_outputs(EXTENTS, RANGES)
        )
        scanned = (
            seen[RANGES]
            | "SpreadRanges" >> beam.Reshuffle()
            | "ScanRange" >> beam.Map(_scan_range, options)
            | "ByFile" >> beam.GroupByKey()
            | "JoinRanges" >> beam.FlatMap(_join_ranges, options, self.saved_in)
        )
        return (
            (listed[SMALL], seen[EXTENTS], scanned)
            | "AllExtents" >> beam.Flatten()
            # Else a worker would read all that it has listed itself: runners fuse these steps.
            | "Spread" >> beam.Reshuffle()
        )


def _pack(folder: str, name: str, extent_bytes: int, rounds: tuple[int, ...], first: int) -> Iterator[Any]:
    listed = inputs.read(folder, name)
    for begin, end in itertools.pairwise([*rounds, len(listed)]):
        if begin < first:
            continue
        for group in extents.pack(listed[begin:end], extent_bytes):
            if extents.is_small(group, extent_bytes):
                yield beam.pvalue.TaggedOutput(SMALL, extents.of_small(group))
            else:
                yield beam.pvalue.TaggedOutput(LARGE, group[0])


def _list_large(found: FoundFile, options: ReadOptions, saved_in: str | None) -> Iterator[Any]:
    if saved_in is not None and (kept := large_files.saved(saved_in, found.index)) is not None:
        listed: list = kept
    else:
        listed = large_files.list_extents(found, options)
    for item in listed:
        if isinstance(item, TextRange):
            yield beam.pvalue.TaggedOutput(RANGES, item)
        else:
            yield beam.pvalue.TaggedOutput(EXTENTS, item)


def _scan_range(text_range: TextRange, options: ReadOptions) -> tuple[int, tuple[InputFile, ScannedRange]]:
    return text_range.file.index, (text_range.file, large_files.scan_range(text_range, options))


def _join_ranges(
    scanned: tuple[int, Iterable[tuple[InputFile, ScannedRange]]], options: ReadOptions, saved_in: str | None
) -> list[Extent]:
    index, values = scanned
    files, ranges = zip(*values, strict=True)
    listed = large_files.join_ranges(files[0], ranges, options)
    if saved_in is not None:
        large_files.save(saved_in, index, listed)
    return listed
