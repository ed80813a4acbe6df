"""The totals of a job, summed in the pipeline, and the rows of each file.

Where an archive grows, each round that adds files has totals of its own.
"""

import contextlib
import dataclasses
import io
import operator
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.archive.positions import Position
from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.files import storage
from beam_pipelines.scoring.summary.finished_extent import FileRows, FinishedExtent
from beam_pipelines.scoring.summary.statistics import Statistics
from beam_pipelines.scoring.summary.totals import Totals

_TOTALS, _BY_FILE = "totals/{first:06d}.json", "by_file/{first:06d}.parquet"
# What a job may write, as patterns.
OUTPUTS = ["totals/*.json", "by_file/*.parquet"]
# Far more than the summary shows, since rounds add up.
MOST_TOKENS = 10_000
# So many files are counted in one element of the pipeline.
_FILES_OF_PART = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobTotals(TypedJson):
    """What all extents of some files sum up to.

    Attributes:
      first: The index of the first of these files.
      files: The index behind the last one.
      extents: How many extents there are.
      gap: Where in the archive an extent should begin and none does, a `Position`; None where all of it is covered.
      statistics: Of all rows.
      doubled: Where an extent begins that was added up twice; None of none.
    """

    first: int
    files: int
    extents: int
    gap: list[int] | None
    statistics: Statistics
    doubled: list[int] | None = None


class Sum(NamedTuple):
    """Extents that were added up.

    Attributes:
      totals: Their statistics.
      ends: Where each ends, by where it begins.
      doubled: Where those begin that came more than once.
    """

    totals: Totals
    ends: dict[Position, Position]
    doubled: set[Position]

    def add_ends(self, ends: dict[Position, Position]) -> None:
        self.doubled.update(self.ends.keys() & ends.keys())
        self.ends.update(ends)


class SumExtents(beam.CombineFn):
    """Sums extents in any order: PCollection[FinishedExtent] -> JobTotals.

    Args:
      first: The index of the first file.
      files: The index behind the last one.
    """

    def __init__(self, first: int, files: int):
        self._first, self._files = first, files

    def create_accumulator(self) -> Any:
        return Sum(Totals(), {}, set())

    def add_input(self, total: Any, extent: FinishedExtent) -> Any:
        total.totals.add(extent.statistics, extent.begin)
        total.add_ends({Position(*extent.begin): Position(*extent.next)})
        return total

    def merge_accumulators(self, sums: Iterable[Any]) -> Any:
        merged = self.create_accumulator()
        for each in sums:
            merged.totals.merge(each.totals)
            merged.doubled.update(each.doubled)
            merged.add_ends(each.ends)
        return merged

    def extract_output(self, total: Any) -> JobTotals:
        gap = find_gap(total.ends, Position(self._first), Position(self._files))
        doubled = min(total.doubled, default=None)
        return JobTotals(
            first=self._first,
            files=self._files,
            extents=len(total.ends),
            gap=None if gap is None else list(gap),
            statistics=total.totals.statistics(MOST_TOKENS),
            doubled=None if doubled is None else list(doubled),
        )


def find_gap(ends: dict[Position, Position], begin: Position, end: Position) -> Position | None:
    """Where the extents do not follow each other from a beginning to an end; None where they do.

    >>> find_gap({Position(0): Position(0, 0, 9), Position(0, 0, 9): Position(1)}, Position(0), Position(1))
    >>> find_gap({Position(0): Position(0, 0, 9)}, Position(0), Position(1))
    Position(file=0, member=0, offset=9)
    """
    left = dict(ends)
    while begin != end:
        if begin not in left:
            return begin
        begin = left.pop(begin)
    # One that the others reach beyond.
    return min(left, default=None)


def write_totals(totals: JobTotals, folder: str) -> None:
    storage.write_json(folder, _TOTALS.format(first=totals.first), totals.to_json())


def read_totals(folder: str) -> list[JobTotals]:
    """Reads what pipelines have written, in the order of the files; what cannot be read counts as missing."""
    totals = []
    for name in storage.listing(storage.join(folder, "totals")):
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            totals.append(JobTotals.from_json(storage.read_json(storage.join(folder, "totals", name))))
    return sorted(totals, key=operator.attrgetter("first"))


def forget(folder: str, first: int) -> None:
    """Deletes the totals of the files from an index on, which a pipeline is about to write anew."""
    kept = [totals.first for totals in read_totals(folder) if totals.first < first]
    for part, pattern in (("totals", _TOTALS), ("by_file", _BY_FILE)):
        listed = {f"{part}/{name}" for name in storage.listing(storage.join(folder, part))}
        storage.delete(folder, sorted(listed - {pattern.format(first=index) for index in kept}))


def count_finished(rounds: list[JobTotals]) -> int:
    """How many files, from the first one, have their totals.

    Args:
      rounds: Of `read_totals`.
    """
    end = 0
    for totals in rounds:
        if totals.first != end:
            break
        end = totals.files
    return end


def together(rounds: list[JobTotals], files: int) -> JobTotals | None:
    """The totals of all files; None where those of some are missing.

    Args:
      rounds: Of `read_totals`.
      files: How many files the archive has.
    """
    ends = [0, *(totals.files for totals in rounds)]
    if ends != [*(totals.first for totals in rounds), files]:
        return None
    totals = Totals()
    for part in rounds:
        totals.add(part.statistics, part.first)
    return JobTotals(
        first=0,
        files=files,
        extents=sum(part.extents for part in rounds),
        gap=next((part.gap for part in rounds if part.gap), None),
        doubled=next((part.doubled for part in rounds if part.doubled), None),
        statistics=totals.statistics(MOST_TOKENS),
    )


def by_part(extent: FinishedExtent) -> Iterator[tuple[int, list[FileRows]]]:
    """Yields the rows of an extent's files, by groups of files."""
    parts: dict[int, list[FileRows]] = {}
    for file in extent.files:
        parts.setdefault(file.position[0] // _FILES_OF_PART, []).append(file)
    yield from parts.items()


def sum_files(lists: Iterable[list[FileRows]]) -> list[FileRows]:
    """Sums the rows of files, each of which may be in several lists."""
    sums: dict[str, FileRows] = {}
    for file in (file for files in lists for file in files):
        before = sums.get(file.file)
        sums[file.file] = (
            file
            if before is None
            else dataclasses.replace(
                file,
                rows_scored=before.rows_scored + file.rows_scored,
                rows_rejected=before.rows_rejected + file.rows_rejected,
            )
        )
    return sorted(sums.values(), key=operator.attrgetter("position"))


def write_by_file(parts: Iterable[tuple[int, list[FileRows]]], folder: str, first: int) -> None:
    """Writes the rows of files from an index on, in their order."""
    files = [file for _, part in sorted(parts, key=operator.itemgetter(0)) for file in part]
    table = pa.table(
        {
            "file": pa.array([file.file for file in files], pa.string()),
            "rows_read": pa.array([file.rows_scored + file.rows_rejected for file in files], pa.int64()),
            "rows_scored": pa.array([file.rows_scored for file in files], pa.int64()),
            "rows_rejected": pa.array([file.rows_rejected for file in files], pa.int64()),
        }
    )
    data = io.BytesIO()
    pq.write_table(table, data, compression="zstd")
    storage.write_bytes(folder, _BY_FILE.format(first=first), data.getvalue())


def read_by_file(folder: str, rounds: list[JobTotals]) -> dict[str, dict[str, int]]:
    """Reads the rows of each file, by its label; a file without any is left out."""
    # Of a round without a row, nothing was written.
    paths = [storage.join(folder, _BY_FILE.format(first=part.first)) for part in rounds if part.statistics.rows_read]
    tables = [pq.read_table(io.BytesIO(storage.read_bytes(path))) for path in paths]
    return {row.pop("file"): row for table in tables for row in table.to_pylist()}
