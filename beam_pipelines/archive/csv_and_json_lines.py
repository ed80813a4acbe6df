"""Takes the values of the wanted columns out of the rows of a text file: plain rows at once, others one by one."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows import plain_csv, quoting, row_parsing
from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.plain_csv import PlainValues
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat

# Of many files, not all are looked at before.
MISSING_COLUMN = "missing_column"


class ValueReader(Protocol):
    """Knows one file's columns."""

    def take_plain(self, rows: RawRows) -> PlainValues:
        """Takes the values out of all rows that are as they should be."""

    def take_row(self, row: RawRow, notes: Notes) -> Sequence[str | None] | None:
        """Takes the values out of any row; None where it is none, as a header or a blank line.

        Args:
          row: The row.
          notes: Takes what is to be told.

        Raises:
          row_parsing.BadRow: It cannot be read; says why.
        """

    def remark(self, rows: RawRows, notes: Notes, *, has_faults: bool) -> None:
        """Notes what is to be told of rows that can be read; `has_faults` is whether others of the block cannot."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvReader:
    """Reads CSV and TSV.

    Attributes:
      dialect: What the file is split by.
      text_format: How text is read.
      header: The names in its header.
      header_line: The line on which that begins.
      indices: Where the wanted ones stand in it; None of one that it lacks and that is null then.
      unlisted: Its other names, where all columns should be wanted.
    """

    dialect: Dialect
    text_format: TextFormat
    header: tuple[str, ...]
    header_line: int
    indices: tuple[int | None, ...]
    unlisted: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: InputFile, header: tuple[str, ...], options: ReadOptions) -> "CsvReader":
        """Looks for the wanted columns in a file's header."""
        return cls(
            dialect=options.text_format.dialect(file),
            text_format=options.text_format,
            header=header,
            header_line=file.header_line,
            indices=tuple(header.index(name) if name in header else None for name in options.columns),
            unlisted=tuple(sorted({*header} - {*options.columns, ""})) if options.all_columns else (),
        )

    def take_plain(self, rows: RawRows) -> PlainValues:
        plain = plain_csv.take_plain_rows(
            rows,
            dialect=self.dialect,
            is_utf8=self.text_format.is_utf8_first,
            field_count=len(self.header),
            indices=[index for index in self.indices if index is not None],
            # The line below the header may be one of dashes.
            first_line=self.header_line + 2,
        )
        # Where the text is the name of a column, the row may be a header once more.
        plain = plain.without(_are_among(plain.columns[0], self.header))
        present = iter(plain.columns)
        nothing = pa.nulls(np.count_nonzero(plain.is_plain), pa.string())
        columns = [nothing if index is None else next(present) for index in self.indices]
        return PlainValues(plain.is_plain, columns)

    def take_row(self, row: RawRow, notes: Notes) -> list[str | None] | None:
        # A row with fields beside the header's is rejected, so there are no other keys to count.
        return row_parsing.take_csv_row(
            row,
            dialect=self.dialect,
            text_format=self.text_format,
            header=self.header,
            header_line=self.header_line,
            indices=self.indices,
            notes=notes,
        )

    def remark(self, rows: RawRows, notes: Notes, *, has_faults: bool) -> None:
        notes.remarks.update(quoting.remarks_of(rows, self.dialect, len(self.header), has_faults=has_faults))
        if len(rows):
            notes.unlisted_keys.update(dict.fromkeys(self.unlisted, len(rows)))


def _are_among(values: pa.Array, names: Sequence[str]) -> pa.Array:
    """Which values are one of some names: bool [values]."""
    # Texts are seldom so short, and to look one up costs as much as to read it.
    is_short = pc.less_equal(pc.binary_length(values), max(len(name.encode()) for name in names))
    if not pc.any(is_short).as_py():
        return is_short
    found = pc.is_in(values.filter(is_short), pa.array(names, pa.string()))
    return pc.replace_with_mask(is_short, is_short, found)


@dataclasses.dataclass(frozen=True)
class JsonLinesReader:
    """Reads JSON lines, of which none is plain."""

    options: ReadOptions

    def take_plain(self, rows: RawRows) -> PlainValues:
        return PlainValues.of_none(rows, len(self.options.columns))

    def take_row(self, row: RawRow, notes: Notes) -> list[str | None] | None:
        return row_parsing.take_json_row(
            row,
            text_format=self.options.text_format,
            columns=self.options.columns,
            all_columns=self.options.all_columns,
            notes=notes,
        )

    def remark(self, rows: RawRows, notes: Notes, *, has_faults: bool) -> None:
        pass  # There are no quotes around its rows' fields.


@dataclasses.dataclass(frozen=True)
class WithoutColumn:
    """Rejects the rows of a CSV or TSV that lacks a wanted column.

    Attributes:
      columns: How many are wanted.
      header_line: The line of the header.
    """

    columns: int
    header_line: int

    def take_plain(self, rows: RawRows) -> PlainValues:
        return PlainValues.of_none(rows, self.columns)

    def take_row(self, row: RawRow, notes: Notes) -> None:
        if row.line > self.header_line and row.data.strip(b"\r\n"):
            raise row_parsing.BadRow(MISSING_COLUMN)

    def remark(self, rows: RawRows, notes: Notes, *, has_faults: bool) -> None:
        pass  # None of its rows is kept.


def reader_of(file: InputFile, options: ReadOptions) -> ValueReader:
    """Makes what reads the values of a text file."""
    # Without a header there are blank lines alone, which are no rows of any format.
    if file.format == "jsonl" or file.header is None:
        return JsonLinesReader(options)
    if any(name not in file.header and name not in options.optional for name in options.columns):
        return WithoutColumn(len(options.columns), file.header_line)
    return CsvReader.of(file, file.header, options)
