"""Takes the values of the wanted columns out of the rows of a text file: plain rows at once, others one by one."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive import input_columns
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows import plain_csv, quoting, row_parsing
from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.plain_csv import PlainValues
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat


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
      indices: Where the wanted ones stand in it.
    """

    dialect: Dialect
    text_format: TextFormat
    header: tuple[str, ...]
    header_line: int
    indices: list[int]

    @classmethod
    def of(cls, file: InputFile, header: Sequence[str], options: ReadOptions) -> "CsvReader":
        """Looks for the wanted columns in a file's header.

        Raises:
          UserError: It lacks one.
        """
        for name in options.columns:
            if name not in header:
                raise input_columns.missing_column(file, name, Columns(tuple(header)))
        return cls(
            dialect=options.text_format.dialect(file),
            text_format=options.text_format,
            header=tuple(header),
            header_line=file.header_line,
            indices=[header.index(name) for name in options.columns],
        )

    def take_plain(self, rows: RawRows) -> PlainValues:
        plain = plain_csv.take_plain_rows(
            rows,
            dialect=self.dialect,
            is_utf8=self.text_format.is_utf8_first,
            field_count=len(self.header),
            indices=self.indices,
            # The line below the header may be one of dashes.
            first_line=self.header_line + 2,
        )
        # Where the text is the name of a column, the row may be a header once more.
        return plain.without(_are_among(plain.columns[0], self.header))

    def take_row(self, row: RawRow, notes: Notes) -> list[str] | None:
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
