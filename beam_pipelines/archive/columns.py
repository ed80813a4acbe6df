"""The columns of the files of an archive, looked at before any work."""

import concurrent.futures
import dataclasses
import itertools
import re

import pyarrow as pa

from beam_pipelines.archive import inputs, row_scanner, row_values
from beam_pipelines.archive.inputs import InputFile, OpenFile
from beam_pipelines.archive.read_options import TextFormat
from beam_pipelines.errors import UserError

PEEKED_ROWS = 1000
PEEKED_BYTES = 16 << 20
# A header is looked at for every block, so not much more is read than itself.
READ_BYTES = 1 << 16
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclasses.dataclass(frozen=True)
class Columns:
    """What a file has.

    Attributes:
      names: Its columns; of JSON lines, the keys of its first 1,000 rows.
      nested: The fields within them, such as `review.body`.
      types: Of Parquet, the type of each name, nested ones too.
    """

    names: tuple[str, ...]
    nested: tuple[str, ...] = ()
    types: dict[str, pa.DataType] = dataclasses.field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.nested


def columns_by_file(files: list[InputFile], text_format: TextFormat) -> dict[InputFile, Columns]:
    """Looks at the start of all files for their columns.

    A file without rows that tell its columns is left out.

    Raises:
      UserError: One is damaged, or its header is no row of its format.
    """
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = pool.map(lambda group: _read_group(group, text_format), inputs.group_containers(files))
        return {file: columns for group in found for file, columns in group if columns is not None}


def _read_group(group: tuple[InputFile, ...], text_format: TextFormat) -> list[tuple[InputFile, Columns | None]]:
    found = []
    for file, stream in inputs.iter_open(group):
        with inputs.damage_as_user_error(file):
            found.append((file, _read_stream(file, stream, text_format)))
    return found


def require(found: dict[InputFile, Columns], wanted: tuple[str, ...]) -> None:
    """Looks for the wanted columns. Of JSON lines, where a key may be rare, one file with it will do.

    Raises:
      UserError: Names the first file that lacks one, the column, and the columns that are there.
    """
    somewhere = {
        name for file, columns in found.items() if file.format == "jsonl" for name in wanted if name in columns
    }
    for file, columns in found.items():
        for name in wanted:
            if columns.names.count(name) > 1:
                raise UserError(f"{file.label} has several columns {name!r}")
            if name not in columns and not (file.format == "jsonl" and name in somewhere):
                raise missing_column(file, name, columns.names)


def missing_column(file: InputFile, name: str, names) -> UserError:
    """The error that a file lacks a column."""
    # White space around a name is part of it, and easily overlooked.
    there = ", ".join(one if one == one.strip() else repr(one) for one in names)
    in_one = len(names) == 1 and file.format in ("csv", "tsv") and re.search(r"[,;\t|]", names[0])
    hint = "; is --csv_delimiter right?" if in_one else ""
    return UserError(f"{file.label} has no column {name!r}; it has: {there or 'none'}{hint}")


def read_columns(file: InputFile, text_format: TextFormat) -> Columns | None:
    """The columns of a file, or None if it has no row that tells them.

    Raises:
      UserError: It is damaged, or its header is no row of its format.
    """
    with inputs.open_file(file) as stream:
        return _read_stream(file, stream, text_format)


def _read_stream(file: InputFile, stream: OpenFile, text_format: TextFormat) -> Columns | None:
    if file.format == "parquet":
        return _read_parquet(file, stream)
    rows = row_scanner.scan_rows(stream.data, text_format.dialect(file.format), PEEKED_BYTES, read_bytes=READ_BYTES)
    first = next(rows, None)
    if first is None:
        return None
    if first.data.startswith(UTF_16):
        raise UserError(f"{file.label} is in UTF-16; convert it to UTF-8 first: iconv -f utf-16 -t utf-8")
    if file.format == "jsonl":
        return _read_json_lines(file, [first, *itertools.islice(rows, PEEKED_ROWS - 1)], text_format)
    return Columns(tuple(row_values.read_header(first, file, text_format)))


def _read_json_lines(file: InputFile, rows: list[row_scanner.RawRow], text_format: TextFormat) -> Columns | None:
    if _opens_array(rows):
        raise UserError(f"{file.label} is one JSON array; make it an object a line first, as jq -c '.[]' does")
    names: dict[str, object] = {}
    nested: dict[str, object] = {}
    for raw_row in rows:
        try:
            row = row_values.parse_json_object(raw_row, text_format) or {}
        except row_values.BadRow:
            continue  # It is rejected, with its reason, when the job reads it.
        names.update(row)
        nested.update(dict.fromkeys(_paths(row)))
    # Rows of which none is an object say nothing of the columns: the job rejects them.
    return Columns(tuple(names), tuple(nested)) if names else None


def _opens_array(rows: list[row_scanner.RawRow]) -> bool:
    """Whether the rows are those of one array: the first begins it and does not end it, or is all there is."""
    lines = [row.data.strip() for row in rows if row.data.strip()]
    return bool(lines) and lines[0].startswith(b"[") and (len(lines) == 1 or not lines[0].endswith(b"]"))


def _paths(row: dict, prefix: str = "") -> list[str]:
    """The dotted names of the fields within a row's objects, however deep.

    >>> _paths({"a": {"b": 1, "c": {"d": 2}}, "e": 3})
    ['a.b', 'a.c', 'a.c.d']
    """
    found = []
    for name, value in row.items():
        if prefix:
            found.append(prefix + name)
        if isinstance(value, dict):
            found += _paths(value, f"{prefix}{name}.")
    return found


def _read_parquet(file: InputFile, stream: OpenFile) -> Columns:
    from beam_pipelines.archive import parquet_blocks

    with parquet_blocks.seekable(file, stream) as source:
        schema = parquet_blocks.opened(source).schema_arrow
    types = {field.name: field.type for field in schema}
    fields = _fields_within(schema)
    return Columns(tuple(schema.names), tuple(fields), types | fields)


def _fields_within(schema, prefix: str = "") -> dict[str, pa.DataType]:
    found = {}
    for field in schema:
        if prefix:
            found[prefix + field.name] = field.type
        if pa.types.is_struct(field.type):
            found |= _fields_within(field.type.fields, f"{prefix}{field.name}.")
    return found
