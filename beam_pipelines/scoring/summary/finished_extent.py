"""What is known of an extent that is done: `statistics/EXTENT.json`."""

import dataclasses
import hashlib
import json
from typing import Any, ClassVar, Self

from beam_pipelines.artifacts.typed_json import TypedJson
from beam_pipelines.files import staged
from beam_pipelines.files.staged import Written
from beam_pipelines.scoring.summary.statistics import Statistics

_CHECKSUM = "checksum"


@dataclasses.dataclass(frozen=True)
class FileContents(TypedJson):
    """What a file holds: its size, and the BLAKE2b of its bytes."""

    bytes: int
    checksum: str

    @classmethod
    def of(cls, written: Written) -> "FileContents":
        return cls(written.bytes, written.checksum)

    def are_in(self, folder: str, name: str) -> bool:
        return staged.holds(folder, name, Written(self.bytes, self.checksum))


@dataclasses.dataclass(frozen=True)
class FileRows(TypedJson):
    """What became of the rows of a file in an extent.

    Attributes:
      file: Its label.
      position: Where it stands among all files and their members.
    """

    file: str
    position: list[int]
    rows_scored: int
    rows_rejected: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinishedExtent(TypedJson):
    """`statistics/EXTENT.json`: what is known of an extent that is done, and a checksum of that.

    Attributes:
      job: What tells the job that has written it from others, see `Shards`.
      begin: Where it begins, a `Position`.
      next: Where the next one begins.
      scores: What its shard holds.
      rejects: The same of its rejects; None where it has none.
      files: Its rows by file.
      statistics: Of all its rows.
    """

    OMITTED_IF_NONE: ClassVar = ("rejects",)

    job: str = ""
    begin: list[int]
    next: list[int]
    scores: FileContents
    rejects: FileContents | None = None
    files: list[FileRows]
    statistics: Statistics

    # For the line that tells how far a job is.
    @property
    def rows(self) -> int:
        return self.statistics.rows_read

    @property
    def rejected(self) -> int:
        return self.statistics.rows_rejected

    @property
    def stored_bytes(self) -> int:
        return self.statistics.stored_bytes

    def to_json(self) -> dict[str, Any]:
        values = super().to_json()
        return {**values, _CHECKSUM: _checksum(values)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Reads what `to_json` returns.

        Raises:
          ValueError: It is not what was written.
        """
        written = {name: value for name, value in values.items() if name != _CHECKSUM}
        if values.get(_CHECKSUM) != _checksum(written):
            raise ValueError("the statistics are not what was written")
        return super().from_json(written)


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=16).hexdigest()
