"""The columns of the files of an archive, looked at before any work."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from beam_pipelines.archive import hints, json_columns
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding.input_files import InputFile, OpenFile
from beam_pipelines.archive.finding.up_to_damage import UpToDamage
from beam_pipelines.archive.read_options import LookOptions
from beam_pipelines.archive.rows import headers, row_parsing, row_scanner
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.errors import UserError, logger
from beam_pipelines.reporting import phrases

# JSON lines have no header: these rows tell their keys.
PEEKED_ROWS = 1000
# A first row that is longer is broken, and tells nothing.
PEEKED_BYTES = 16 << 20
# A header is looked at for every block, so not much more is read than itself.
READ_BYTES = 1 << 13


def look_at(file: InputFile, stream: OpenFile, options: LookOptions) -> tuple[InputFile, Columns | None]:
    """Looks at the start of a file; returns it with what its contents tell, and its columns.

    These are None if it has no row that tells them.

    Raises:
      UserError: Its header is no row of its format.
    """
    columns = _read_stream(
        file, stream, options.text_format, lines_below=options.lines_below, text_column=options.text_column
    )
    if columns:
        header = columns.names if file.format in ("csv", "tsv") else None
        file = dataclasses.replace(file, header_line=columns.header_line, delimiter=columns.delimiter, header=header)
    return file, columns


def require(columns_by_file: dict[InputFile, Columns], wanted: tuple[str, ...], flag: str = "--input") -> None:
    """Looks for the wanted columns. Of JSON lines, where a key may be rare, one file with it will do.

    Args:
      columns_by_file: The columns of the files that were looked at.
      wanted: The names, the text's first.
      flag: By which the files were given.

    Raises:
      UserError: Names the first file that lacks one, the column, and the columns that are there.
    """
    json_lines = [columns for file, columns in columns_by_file.items() if file.format == "jsonl"]
    in_some_json_lines = {name for name in wanted if any(name in columns for columns in json_lines)}
    _tell_of_other_rows(columns_by_file, wanted[0], flag)
    for file, columns in columns_by_file.items():
        for name in wanted:
            if columns.names.count(name) > 1:
                raise UserError(f"{file.label} has several columns {name!r}")
            if name not in columns and not (file.format == "jsonl" and name in in_some_json_lines):
                raise missing_column(file, name, columns, flag)


def _tell_of_other_rows(columns_by_file: dict[InputFile, Columns], text_column: str, flag: str) -> None:
    """Warns of files of JSON lines whose first rows have no text, as those that hold something else than reviews."""
    without = [
        file for file, columns in columns_by_file.items() if file.format == "jsonl" and text_column not in columns
    ]
    if without:
        listed, more = phrases.some_of([file.label for file in without]), hints.of_members(without[0], flag)
        logger.warning("are these reviews? There is no %r in the first rows of %s%s", text_column, listed, more)


def missing_column(file: InputFile, name: str, columns: Columns, flag: str = "--input") -> UserError:
    """Makes the error that a file lacks a column, with what can help."""
    if file.format in ("csv", "tsv") and columns.names and columns.names[0].startswith(("{", "[{")):
        return UserError(f"{file.label} has no header of {file.format}, but JSON: add --input_format jsonl")
    hint = _hint(file, name, columns, flag)
    if not hint and file.format in ("csv", "tsv") and headers.is_like_row(columns.names):
        return UserError(
            f"{file.label} has no column {name!r}, and its first line seems to be a row: write the names of all "
            "columns in a line above it"
        )
    return UserError(f"{file.label} has no column {name!r}; it has: {headers.listed(columns.names)}{hint}")


def _hint(file: InputFile, name: str, columns: Columns, flag: str) -> str:
    """Says what helps where a column is missing; "" where nothing shows."""
    if columns.objects and name in columns.objects[1]:
        return f"; write an object a line first, as jq -c '{columns.objects[0]}' does"
    if file.format in ("csv", "tsv") and (hint := _hint_of_header(name, columns)):
        return f"; {hint}"
    if close := headers.close_name(name, columns.names):
        return f"; is it {close!r}?"
    return hints.of_members(file, flag)


def _hint_of_header(name: str, columns: Columns) -> str:
    if name in columns.below:
        line = columns.below[name]
        return f"the header seems to stand on line {line}: delete what is above it, as tail -n +{line} does"
    if not columns.names:
        return ""
    if len(columns.names) == 1:
        if headers.is_drawn(columns.names[0]):
            return "it is a drawn table: export it as CSV, as psql --csv and mysql --batch do"
        return headers.delimiter_hint(columns.names[0], name)
    return ""


def _read_stream(
    file: InputFile, stream: OpenFile, text_format: TextFormat, *, lines_below: int = 0, text_column: str = ""
) -> Columns | None:
    if file.format == "parquet":
        return _read_parquet(file, stream)
    # Its columns stand before what may be damaged.
    data: Any = UpToDamage(stream.data)
    rows = row_scanner.scan_rows(data, text_format.dialect(file), PEEKED_BYTES, read_bytes=READ_BYTES)
    first = next(rows, None)
    if first is None:
        return None
    if encoding := headers.wide_encoding(first.data):
        name = encoding[:6].upper()
        raise UserError(f"{file.label} is in {name}; convert it to UTF-8 first: iconv -f {encoding} -t utf-8 FILE")
    if file.format == "jsonl":
        return json_columns.read_json_columns(file, [first, *itertools.islice(rows, PEEKED_ROWS - 1)], text_format)
    return _read_header(file, itertools.chain([first], rows), text_format, lines_below, text_column)


def _read_header(
    file: InputFile, rows: Iterator[RawRow], text_format: TextFormat, lines_below: int, text_column: str
) -> Columns | None:
    """Reads the names in the first line that is neither blank nor a spreadsheet's word of the delimiter."""
    delimiter = None
    for row in rows:
        named = headers.named_delimiter(row.data)
        if named and delimiter is None:
            delimiter, file = named, dataclasses.replace(file, delimiter=named)
        elif row.data.strip():
            names = row_parsing.read_header(row, file, text_format)
            # A header that has the text's name is one, and what is below it need not be read.
            below_rows = itertools.islice(rows, 0 if text_column in names else lines_below)
            below = _names_below(file, below_rows, text_format)
            return Columns(tuple(names), header_line=row.line, delimiter=delimiter, below=below)
    return None


def _names_below(file: InputFile, rows: Iterable[RawRow], text_format: TextFormat) -> dict[str, int]:
    """The fields of the next lines that may be names, with their lines: a title may stand above the header."""
    below: dict[str, int] = {}
    for row in rows:
        with contextlib.suppress(row_parsing.BadRow):
            fields = row_parsing.split_fields(row, text_format.dialect(file), text_format, row_parsing.Notes())
            below |= {field: row.line for field in fields if field not in below}
    return below


def _read_parquet(file: InputFile, stream: OpenFile) -> Columns:
    from beam_pipelines.archive import parquet_blocks

    with parquet_blocks.open_seekable(file, stream) as source:
        schema = parquet_blocks.open_parquet(source).schema_arrow
    types = {field.name: field.type for field in schema}
    nested_types = _nested_types(schema)
    return Columns(tuple(schema.names), tuple(nested_types), types | nested_types)


def _nested_types(fields: Iterable[pa.Field], prefix: str = "") -> dict[str, pa.DataType]:
    """The types of the fields within structs, by their dotted names."""
    types = {}
    for field in fields:
        if prefix:
            types[prefix + field.name] = field.type
        if pa.types.is_struct(field.type):
            types |= _nested_types(field.type.fields, f"{prefix}{field.name}.")
    return types
