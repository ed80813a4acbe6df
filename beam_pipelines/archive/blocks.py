"""Blocks: some megabytes of rows, which are read, transformed, scored and written together."""

import collections
import dataclasses

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes

_START = Position()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    """Some megabytes of rows.

    Attributes:
      extent: Where its extent begins.
      next_extent: Where the next one begins, if it is the last block of its own; else None.
      files: The files that its rows stand in, in order; small ones may share a block.
      file_of_row: int64 [rows], the index of each row's file.
      rows: The readable rows, one column for each wanted one.
      row_numbers: int64 [rows], the line (text) or row (Parquet) of each, from 1.
      rejects: The rows that could not be read.
      raw: What stood in the file for each of `rows`, or None of Parquet.
      encodings: Of `raw`; a row has the first one that it is valid in.
      stored_bytes: About how much of its files it took, as they lie.
      unread_bytes: How much of them cannot be read, since it is damaged.
      notes: What was counted beside the rows.
    """

    extent: Position = _START
    next_extent: Position | None = None
    files: tuple[InputFile, ...] = ()
    file_of_row: np.ndarray
    rows: pa.RecordBatch
    row_numbers: np.ndarray
    rejects: list[Reject] = dataclasses.field(default_factory=list)
    raw: RawRows | None = None
    encodings: tuple[str, ...] = ("utf-8",)
    stored_bytes: int = 0
    unread_bytes: int = 0
    notes: Notes = dataclasses.field(default_factory=Notes)

    @property
    def rows_read(self) -> int:
        return self.rows.num_rows + len(self.rejects)

    @property
    def row_names(self) -> list[str]:
        """FILE:NUMBER of each row, which names it where no column does."""
        names = [file.name for file in self.files]
        pairs = zip(self.file_of_row.tolist(), self.row_numbers.tolist(), strict=True)
        return [f"{names[index]}:{number}" for index, number in pairs]

    def file_of(self, row: int) -> InputFile:
        """The file of a row, by its index in `rows`."""
        return self.files[self.file_of_row[row]]

    def count_by_file(self) -> dict[str, tuple[int, int]]:
        """By the label of each file, how many rows there are in `rows` and in `rejects`."""
        rows = np.bincount(self.file_of_row, minlength=len(self.files)).tolist()
        rejected = collections.Counter(reject.file for reject in self.rejects)
        return {file.label: (count, rejected[file.label]) for file, count in zip(self.files, rows, strict=True)}

    def rejected(self, reasons: dict[int, str]) -> list[Reject]:
        """Makes the rejects of rows, by their index in `rows`, behind those that the block has."""
        more = [
            Reject.of(self.file_of(row), int(self.row_numbers[row]), reason, self._raw(row), encodings=self.encodings)
            for row, reason in reasons.items()
        ]
        return self.rejects + more

    def reject(self, reasons: dict[int, str]) -> "Block":
        """Moves rows, by their index, from `rows` to `rejects`."""
        if not reasons:
            return self
        is_kept = np.ones(self.rows.num_rows, bool)
        is_kept[list(reasons)] = False
        kept = np.flatnonzero(is_kept)
        return dataclasses.replace(
            self,
            rows=self.rows.take(pa.array(kept)),
            file_of_row=self.file_of_row[kept],
            row_numbers=self.row_numbers[kept],
            rejects=self.rejected(reasons),
            raw=None if self.raw is None else self.raw.take(kept),
        )

    def _raw(self, row: int) -> object:
        """What stood there: the text's own bytes, or of Parquet the wanted columns."""
        if self.raw is not None:
            return self.raw[row]
        return {name: self.rows.column(name)[row].as_py() for name in self.rows.schema.names}
