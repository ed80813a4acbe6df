"""What a job writes for an extent: where it lies, in which order, and whether it is whole.

The rejects come first, then the statistics, which tell what the others hold, and last the scores: their shard is the
commit. An extent is done when all three stand as they were written.
"""

import concurrent.futures
import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import Any

from beam_pipelines.archive import positions, rejects
from beam_pipelines.archive.positions import Position
from beam_pipelines.commands import job_folder
from beam_pipelines.files import storage
from beam_pipelines.scoring.summary.finished_extent import FinishedExtent

# Object stores answer slowly, so that many are asked at a time.
READERS = 16
_SCORES, _STATISTICS = "scores/{extent}.{format}", "statistics/{extent}.json"
FORMATS = ("parquet", "jsonl", "csv")


@dataclasses.dataclass(frozen=True)
class Shards:
    """The files of a job.

    Attributes:
      folder: The job's.
      output_format: Of its scores.
      index_digits: How many digits the index of a file has in their names.
      job: Of what decides what stands in them, a digest: what another job has written here does not count.
    """

    folder: str
    output_format: str
    index_digits: int = 6
    job: str = ""

    @classmethod
    def of_job(cls, folder: str, output_format: str, fingerprint: dict[str, Any], files: int) -> "Shards":
        """Those of the job of a fingerprint, whose first round has so many files."""
        return cls(folder, output_format, positions.digits(files), job_folder.digest(fingerprint))

    @property
    def outputs(self) -> list[str]:
        """What may be written for extents, as patterns."""
        extent = positions.extent_glob(self.index_digits)
        scores = [_SCORES.format(extent=extent, format=name) for name in FORMATS]
        return [*scores, self.rejects(extent), self.statistics(extent)]

    def scores(self, name: str) -> str:
        return _SCORES.format(extent=name, format=self.output_format)

    def rejects(self, name: str) -> str:
        return rejects.REJECTED.format(extent=name)

    def statistics(self, name: str) -> str:
        return _STATISTICS.format(extent=name)

    def name(self, begin: Position) -> str:
        return positions.extent_name(begin, self.index_digits)

    def finished(self, begin: Position) -> FinishedExtent | None:
        """Reads the statistics of an extent that is done; None of one that is not, or is damaged."""
        name = self.name(begin)
        described = self.described(name)
        return described if described and not self.faults(name, described) else None

    def described(self, name: str) -> FinishedExtent | None:
        """Reads the statistics of an extent; None if there are none that can be read, or they are another job's."""
        try:
            described = FinishedExtent.from_json(storage.read_json(storage.join(self.folder, self.statistics(name))))
        except (FileNotFoundError, ValueError, TypeError, AttributeError, KeyError):
            return None
        return described if (described.job, self.name(Position(*described.begin))) == (self.job, name) else None

    def faults(self, name: str, described: FinishedExtent) -> list[str]:
        """The files of an extent that are missing or not as they were written."""
        contents = {self.scores(name): described.scores}
        if described.rejects:
            contents[self.rejects(name)] = described.rejects
        return [file for file, written in contents.items() if not written.are_in(self.folder, file)]

    def listed(self) -> list[str]:
        """The names of the extents whose shards and statistics stand, whatever they hold, in order."""
        suffix = f".{self.output_format}"
        scored = {name.removesuffix(suffix) for name in self._names("scores") if name.endswith(suffix)}
        return sorted(scored & {*self.listed_statistics()})

    def listed_statistics(self) -> list[str]:
        """The names of the extents whose statistics stand, whatever they hold, in order."""
        names = (name.removesuffix(".json") for name in self._names("statistics"))
        return sorted(name for name in names if positions.position_of(name))

    def listed_files(self) -> set[str]:
        """All files where shards, rejects and statistics lie."""
        folders = [os.path.dirname(pattern) for pattern in (_SCORES, rejects.REJECTED, _STATISTICS)]
        return {f"{folder}/{name}" for folder in folders for name in self._names(folder)}

    def delete_from(self, first: int) -> None:
        """Deletes what was written of the files from an index on."""

        def is_of_these(file: str) -> bool:
            position = positions.position_of(os.path.basename(file).partition(".")[0])
            return position is not None and position.file >= first

        storage.delete(self.folder, sorted(filter(is_of_these, self.listed_files())))

    def _names(self, folder: str) -> list[str]:
        return storage.listing(storage.join(self.folder, folder))

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, FinishedExtent]]:
        """Yields the names and the statistics of extents, never holding those of all; unreadable ones are left out."""
        names = list(names)
        with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(names), READERS):
                part = names[start : start + READERS]
                for name, described in zip(part, pool.map(self.described, part), strict=True):
                    if described:
                        yield name, described


class NewlyFinished:
    """Returns, at each call, the extents that were finished since the last one.

    Args:
      shards: Of the job.
    """

    def __init__(self, shards: Shards):
        self._shards = shards
        self._known: set[str] = set()

    def __call__(self) -> dict[str, FinishedExtent]:
        names = [name for name in self._shards.listed() if name not in self._known]
        self._known.update(names)
        return dict(self._shards.read(names))
