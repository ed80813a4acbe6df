"""The columns of the files of an archive, looked at before any work."""

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator

import pyarrow as pa

from beam_pipelines.archive import hints
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile, OpenFile
from beam_pipelines.archive.rows import faults, headers, row_parsing, row_scanner
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.errors import UserError, logger
from beam_pipelines.reporting import phrases

# JSON lines have no header: these rows tell their keys.
PEEKED_ROWS = 1000
# A first row that is longer is broken, and tells nothing.
PEEKED_BYTES = 16 << 20
# A header is looked at for every block, so not much more is read than itself.
READ_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a file.

    Attributes:
      names: Its columns; of JSON lines, the keys of its first 1,000 rows.
      nested: The fields within them, such as `review.body`.
      types: Of Parquet, the type of each name, nested ones too.
      objects: Of one JSON object that holds a list of others, the name of the list and theirs.
      header_line: Of CSV and TSV, the line on which the header begins, from 1.
      delimiter: Of CSV and TSV, what the file itself says stands between fields.
    """

    names: tuple[str, ...]
    nested: tuple[str, ...] = ()
    types: dict[str, pa.DataType] = dataclasses.field(default_factory=dict)
    objects: tuple[str, tuple[str, ...]] | None = None
    header_line: int = 1
    delimiter: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.nested or self.type_of(name) == pa.null()

    def type_of(self, name: str) -> pa.DataType | None:
        """Of Parquet, the type of a column or field; it is null where one that it may stand in is all null."""
        outer = [name[: dot.start()] for dot in re.finditer(r"\.", name)]
        is_in_null = any(self.types.get(column) == pa.null() for column in outer)
        return pa.null() if is_in_null else self.types.get(name)


def look_at(file: InputFile, stream: OpenFile, text_format: TextFormat) -> tuple[InputFile, Columns | None]:
    """Looks at the start of a file; returns it with what its contents tell, and its columns, as `read_columns` does."""
    columns = _read_stream(file, stream, text_format)
    if columns:
        file = dataclasses.replace(file, header_line=columns.header_line, delimiter=columns.delimiter)
    return file, columns


def require(columns_by_file: dict[InputFile, Columns], wanted: tuple[str, ...]) -> None:
    """Looks for the wanted columns. Of JSON lines, where a key may be rare, one file with it will do.

    Raises:
      UserError: Names the first file that lacks one, the column, and the columns that are there.
    """
    json_lines = [columns for file, columns in columns_by_file.items() if file.format == "jsonl"]
    in_some_json_lines = {name for name in wanted if any(name in columns for columns in json_lines)}
    _tell_of_other_rows(columns_by_file, wanted[0])
    for file, columns in columns_by_file.items():
        for name in wanted:
            if columns.names.count(name) > 1:
                raise UserError(f"{file.label} has several columns {name!r}")
            if name not in columns and not (file.format == "jsonl" and name in in_some_json_lines):
                raise missing_column(file, name, columns)


def _tell_of_other_rows(columns_by_file: dict[InputFile, Columns], text_column: str) -> None:
    """Warns of files of JSON lines whose first rows have no text, as those that hold something else than reviews."""
    without = [
        file for file, columns in columns_by_file.items() if file.format == "jsonl" and text_column not in columns
    ]
    if without:
        listed = phrases.some_of([file.label for file in without])
        logger.warning(
            "no %r in the first rows of %s: are these reviews?%s", text_column, listed, members_hint(without[0])
        )


def members_hint(file: InputFile) -> str:
    """Says how to read other members of a .zip or .tar than this one; "" of a file that stands alone."""
    return f" To read some members alone, add their names: --input '{file.path}:NAME'" if file.container else ""


def missing_column(file: InputFile, name: str, columns: Columns) -> UserError:
    """Makes the error that a file lacks a column, with what can help."""
    if file.format in ("csv", "tsv") and headers.is_like_row(columns.names):
        return UserError(
            f"{file.label} has no column {name!r}, and its first line seems to be a row: write the names "
            f"of the columns above it, as in sed '1i {name},...' FILE"
        )
    listed = headers.listed(columns.names)
    return UserError(f"{file.label} has no column {name!r}; it has: {listed}{_hint(file, name, columns)}")


def _hint(file: InputFile, name: str, columns: Columns) -> str:
    """Says what helps where a column is missing; "" where nothing shows."""
    if columns.objects and name in columns.objects[1]:
        return f"; write an object a line first, as jq -c '.{columns.objects[0]}[]' does"
    is_one_field = file.format in ("csv", "tsv") and len(columns.names) == 1
    if is_one_field and (hint := headers.delimiter_hint(columns.names[0], name)):
        return f"; {hint}"
    if close := headers.close_name(name, columns.names):
        return f"; is it {close!r}?"
    return f".{members_hint(file)}" if file.container else ""


def read_columns(file: InputFile, text_format: TextFormat) -> Columns | None:
    """Reads the columns of a file; None if it has no row that tells them.

    Raises:
      UserError: It is damaged, or its header is no row of its format.
    """
    with input_files.open_file(file) as stream:
        return _read_stream(file, stream, text_format)


def _read_stream(file: InputFile, stream: OpenFile, text_format: TextFormat) -> Columns | None:
    if file.format == "parquet":
        return _read_parquet(file, stream)
    rows = row_scanner.scan_rows(stream.data, text_format.dialect(file), PEEKED_BYTES, read_bytes=READ_BYTES)
    first = next(rows, None)
    if first is None:
        return None
    if encoding := headers.wide_encoding(first.data):
        name = encoding[:6].upper()
        raise UserError(f"{file.label} is in {name}; convert it to UTF-8 first: iconv -f {encoding} -t utf-8 FILE")
    if file.format == "jsonl":
        return _read_json_lines(file, [first, *itertools.islice(rows, PEEKED_ROWS - 1)], text_format)
    return _read_header(file, itertools.chain([first], rows), text_format)


def _read_header(file: InputFile, rows: Iterator[RawRow], text_format: TextFormat) -> Columns:
    """Reads the names in the first line that is neither blank nor a spreadsheet's word of the delimiter."""
    delimiter = None
    for row in rows:
        named = headers.named_delimiter(row.data)
        if named and delimiter is None:
            delimiter, file = named, dataclasses.replace(file, delimiter=named)
        elif row.data.strip():
            names = row_parsing.read_header(row, file, text_format)
            return Columns(tuple(names), header_line=row.line, delimiter=delimiter)
    return Columns(())


def _read_json_lines(file: InputFile, rows: list[RawRow], text_format: TextFormat) -> Columns | None:
    # As ordered sets: the order of the columns is that in which the keys first come.
    names: dict[str, object] = {}
    nested: dict[str, object] = {}
    shown: collections.Counter[str] = collections.Counter()
    if _opens_array(rows):
        raise _not_json_lines(file, faults.ARRAY)
    for row in rows:
        try:
            fields = row_parsing.parse_json_object(row, text_format, row_parsing.Notes()) or {}
        except row_parsing.BadRow as bad:
            # It is rejected, with its reason, when the job reads it.
            shown.update([bad.fault] if bad.fault else [])
            continue
        names.update(fields)
        nested.update(dict.fromkeys(_nested_names(fields)))
    if len(rows) == 1 and names and all(faults.is_column(value) for value in names.values()):
        raise _not_json_lines(file, faults.COLUMNS)
    if names:
        return Columns(tuple(names), tuple(nested), objects=_listed_objects(names) if len(rows) == 1 else None)
    # Rows of which none is an object say nothing of the columns; unless they show what they are, the job rejects them.
    if 2 * shown.total() > sum(bool(row.data.strip()) for row in rows):
        raise _not_json_lines(file, max(shown, key=lambda fault: shown[fault]))
    return None


def _not_json_lines(file: InputFile, fault: str) -> UserError:
    hint = f".{members_hint(file)}" if file.container else ""
    return UserError(f"{file.label} is no file of JSON lines: {hints.of_fault(fault)}{hint}")


def _listed_objects(fields: dict[str, object]) -> tuple[str, tuple[str, ...]] | None:
    """Finds a list of objects among a row's fields: its name, and the names in the first object."""
    for name, value in fields.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return name, tuple(value[0])
    return None


def _opens_array(rows: list[RawRow]) -> bool:
    """Tells whether the rows are those of one array: the first begins it and does not end it, or is all there is."""
    lines = [row.data.strip() for row in rows if row.data.strip()]
    return bool(lines) and lines[0].startswith(b"[") and (len(lines) == 1 or not lines[0].endswith(b"]"))


def _nested_names(fields: dict[str, object], prefix: str = "") -> list[str]:
    """Lists the dotted names of the fields within a row's objects, however deep.

    >>> _nested_names({"a": {"b": 1, "c": {"d": 2}}, "e": 3})
    ['a.b', 'a.c', 'a.c.d']
    """
    names = []
    for name, value in fields.items():
        if prefix:
            names.append(prefix + name)
        if isinstance(value, dict):
            names += _nested_names(value, f"{prefix}{name}.")
    return names


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
