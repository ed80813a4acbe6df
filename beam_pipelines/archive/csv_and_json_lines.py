"""Takes the values of the wanted columns out of the rows of a text file: plain rows at once, others one by one."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Protocol

from beam_pipelines.archive import input_columns, plain_csv, row_parsing
from beam_pipelines.archive.input_files import InputFile
from beam_pipelines.archive.plain_csv import PlainValues
from beam_pipelines.archive.raw_rows import RawRows
from beam_pipelines.archive.read_options import ReadOptions, TextFormat
from beam_pipelines.archive.row_scanner import RawRow


class ValueReader(Protocol):
    """Knows one file's columns."""

    def take_plain(self, rows: RawRows) -> PlainValues:
        """Takes the values out of all rows that are as they should be."""

    def take_row(self, row: RawRow, unlisted_keys: collections.Counter[str]) -> Sequence[str | None] | None:
        """Takes the values out of any row; None where it is none, as a header or a blank line.

        Args:
          row: The row.
          unlisted_keys: Counts what is in a row of JSON lines and in no column, where all columns are wanted.

        Raises:
          row_values.BadRow: It cannot be read; says why.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvReader:
    """Reads CSV and TSV.

    Attributes:
      format: "csv" or "tsv".
      text_format: How text is read.
      field_count: How many fields the header has.
      indices: Where the wanted ones stand in it.
    """

    format: str
    text_format: TextFormat
    field_count: int
    indices: list[int]

    @classmethod
    def of(cls, file: InputFile, header: Sequence[str], options: ReadOptions) -> "CsvReader":
        """Looks for the wanted columns in a file's header.

        Raises:
          UserError: It lacks one.
        """
        for name in options.columns:
            if name not in header:
                raise input_columns.missing_column(file, name, header)
        return cls(
            format=file.format,
            text_format=options.text_format,
            field_count=len(header),
            indices=[header.index(name) for name in options.columns],
        )

    def take_plain(self, rows: RawRows) -> PlainValues:
        return plain_csv.take_plain_rows(
            rows,
            dialect=self.text_format.dialect(self.format),
            encoding=self.text_format.encoding,
            field_count=self.field_count,
            indices=self.indices,
        )

    def take_row(self, row: RawRow, unlisted_keys: collections.Counter[str]) -> list[str] | None:
        # A row with fields beside the header's is rejected, so there are none to count.
        return row_parsing.take_csv_row(
            row,
            file_format=self.format,
            text_format=self.text_format,
            field_count=self.field_count,
            indices=self.indices,
        )


@dataclasses.dataclass(frozen=True)
class JsonLinesReader:
    """Reads JSON lines, of which none is plain."""

    options: ReadOptions

    def take_plain(self, rows: RawRows) -> PlainValues:
        return PlainValues.of_none(rows, len(self.options.columns))

    def take_row(self, row: RawRow, unlisted_keys: collections.Counter[str]) -> list[str | None] | None:
        return row_parsing.take_json_row(
            row,
            text_format=self.options.text_format,
            columns=self.options.columns,
            unlisted_keys=unlisted_keys if self.options.all_columns else None,
        )
