"""The columns of the files of an archive, looked at before any work."""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence

import pyarrow as pa

from beam_pipelines.archive import input_files, row_parsing, row_scanner
from beam_pipelines.archive.input_files import InputFile, OpenFile
from beam_pipelines.archive.read_options import TextFormat
from beam_pipelines.errors import UserError

# JSON lines have no header: these rows tell their keys.
PEEKED_ROWS = 1000
# A first row that is longer is broken, and tells nothing.
PEEKED_BYTES = 16 << 20
# A header is looked at for every block, so not much more is read than itself.
READ_BYTES = 1 << 16
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a file.

    Attributes:
      names: Its columns; of JSON lines, the keys of its first 1,000 rows.
      nested: The fields within them, such as `review.body`.
      types: Of Parquet, the type of each name, nested ones too.
    """

    names: tuple[str, ...]
    nested: tuple[str, ...] = ()
    types: dict[str, pa.DataType] = dataclasses.field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.nested or self.type_of(name) == pa.null()

    def type_of(self, name: str) -> pa.DataType | None:
        """Of Parquet, the type of a column or field; it is null where one that it may stand in is all null."""
        outer = [name[: dot.start()] for dot in re.finditer(r"\.", name)]
        is_in_null = any(self.types.get(column) == pa.null() for column in outer)
        return pa.null() if is_in_null else self.types.get(name)


def look_at(file: InputFile, stream: OpenFile, text_format: TextFormat) -> tuple[InputFile, Columns | None]:
    """Looks at the start of a file; returns it with what its contents tell, and its columns, as `read_columns` does."""
    return file, _read_stream(file, stream, text_format)


def require(columns_by_file: dict[InputFile, Columns], wanted: tuple[str, ...]) -> None:
    """Looks for the wanted columns. Of JSON lines, where a key may be rare, one file with it will do.

    Raises:
      UserError: Names the first file that lacks one, the column, and the columns that are there.
    """
    json_lines = [columns for file, columns in columns_by_file.items() if file.format == "jsonl"]
    in_some_json_lines = {name for name in wanted if any(name in columns for columns in json_lines)}
    for file, columns in columns_by_file.items():
        for name in wanted:
            if columns.names.count(name) > 1:
                raise UserError(f"{file.label} has several columns {name!r}")
            if name not in columns and not (file.format == "jsonl" and name in in_some_json_lines):
                raise _with_hint(missing_column(file, name, columns.names), file)


def _with_hint(error: UserError, file: InputFile) -> UserError:
    """The same error; of a member, with the way to read others alone."""
    if not file.container:
        return error
    return UserError(f"{error}; to read some members alone, add their names: --input '{file.path}:NAME'")


def missing_column(file: InputFile, name: str, names: Sequence[str]) -> UserError:
    """Makes the error that a file lacks a column, and has those of some names."""
    # White space around a name is part of it, and easily overlooked.
    listed = ", ".join(other if other == other.strip() else repr(other) for other in names)
    is_one_field = len(names) == 1 and file.format in ("csv", "tsv") and re.search(r"[,;\t|]", names[0])
    hint = "; is --csv_delimiter right?" if is_one_field else ""
    return UserError(f"{file.label} has no column {name!r}; it has: {listed or 'none'}{hint}")


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
    rows = row_scanner.scan_rows(stream.data, text_format.dialect(file.format), PEEKED_BYTES, read_bytes=READ_BYTES)
    first = next(rows, None)
    if first is None:
        return None
    if first.data.startswith(UTF_16):
        raise UserError(f"{file.label} is in UTF-16; convert it to UTF-8 first: iconv -f utf-16 -t utf-8")
    if file.format == "jsonl":
        return _read_json_lines(file, [first, *itertools.islice(rows, PEEKED_ROWS - 1)], text_format)
    return Columns(tuple(row_parsing.read_header(first, file, text_format)))


def _read_json_lines(file: InputFile, rows: list[row_scanner.RawRow], text_format: TextFormat) -> Columns | None:
    if _opens_array(rows):
        raise UserError(f"{file.label} is one JSON array; make it an object a line first, as jq -c '.[]' does")
    # As ordered sets: the order of the columns is that in which the keys first come.
    names: dict[str, object] = {}
    nested: dict[str, object] = {}
    for row in rows:
        try:
            fields = row_parsing.parse_json_object(row, text_format) or {}
        except row_parsing.BadRow:
            continue  # It is rejected, with its reason, when the job reads it.
        names.update(fields)
        nested.update(dict.fromkeys(_nested_names(fields)))
    # Rows of which none is an object say nothing of the columns: the job rejects them.
    return Columns(tuple(names), tuple(nested)) if names else None


def _opens_array(rows: list[row_scanner.RawRow]) -> bool:
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
