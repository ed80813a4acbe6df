"""Reads an extent of any format into blocks of rows, and rejects what cannot be read.

Values of text formats stay text: a CSV field as it was, a JSON value as its JSON text unless it is a
string. Parquet columns keep their type.
"""

import concurrent.futures
import csv
import dataclasses
import io
import itertools
import json
from collections.abc import Iterable, Iterator

import pyarrow as pa

from beam_pipelines.archive import records
from beam_pipelines.archive.blocks import Block, Extent, groups
from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.flags import UserError

PEEKED_ROWS = 100
PEEKED_BYTES = 16 << 20
PARQUET_ROWS = 512

csv.field_size_limit(1 << 30)


class BadRow(Exception):
    """A row that cannot be read; its text is the reason for the summary."""


def check_columns(files: list[InputFile], columns: tuple[str, ...]) -> None:
    """Looks at the start of every file for the wanted columns, before any work.

    Raises:
      UserError: Names the first file that lacks one, the column, and the columns that are there.
    """
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for file, present in zip(files, pool.map(column_names, files), strict=True):
            for name in () if present is None else columns:
                if present.count(name) > 1:
                    raise UserError(f"{file.path} has several columns {name!r}")
                if name not in present:
                    raise UserError(f"{file.path} has no column {name!r}; it has: {', '.join(present) or 'none'}")


def column_names(file: InputFile) -> list[str] | None:
    """The columns of a file; of JSON lines, the keys of its first 100 rows. None if it is empty.

    Raises:
      UserError: It is damaged, or its header is no row of its format.
    """
    with file.open() as stream:
        if file.format == "parquet":
            import pyarrow.parquet as pq

            return pq.ParquetFile(stream).schema_arrow.names
        rows = itertools.islice(records.records(stream, file.format, PEEKED_BYTES), PEEKED_ROWS)
        if file.format == "jsonl":
            return _keys(list(rows))
        first = next(rows, None)
        try:
            return first and _fields(first, file.format)
        except BadRow as bad:
            raise UserError(f"{file.path}: its first line is no header: {bad}") from None


def _keys(rows: list[records.Record]) -> list[str] | None:
    names: dict[str, object] = {}
    for record in rows:
        try:
            names.update(_json_object(record) or {})
        except BadRow:
            continue  # It is rejected, with its reason, when the job reads it.
    return list(names) if rows else None


def read(extent: Extent, columns: tuple[str, ...], size: int, max_row_bytes: int) -> Iterator[Block]:
    """Yields an extent's blocks.

    Args:
      extent: What to read.
      columns: The wanted columns; the first is the review's text, which must be a string.
      size: The size of a block, in bytes.
      max_row_bytes: A longer row of a text format is rejected.
    """
    if extent.file.format == "parquet":
        yield from _read_parquet(extent, columns, size)
        return
    parse = _json_values if extent.file.format == "jsonl" else _csv_values
    header = [] if extent.file.format == "jsonl" else column_names(extent.file)
    with extent.file.open() as stream:
        if extent.end is not None:
            stream.seek(extent.start)
            stream = io.BytesIO(stream.read(extent.end - extent.start))
        rows = records.records(stream, extent.file.format, max_row_bytes, start=extent.start, line=extent.place)
        for group in groups(rows, size):
            yield _block(extent.file, group, columns, header, parse)


def _block(file: InputFile, group: list[records.Record], columns, header, parse) -> Block:
    values, places, rejects = [], [], []
    for record in group:
        try:
            row = parse(record, columns, header, file.format)
        except BadRow as bad:
            rejects.append(Reject.of(file.path, record.line, str(bad), record.data))
            continue
        if row is not None:
            values.append(row)
            places.append(record.line)
    by_column = zip(*values, strict=True) if values else [[] for _ in columns]
    arrays = [pa.array(column, pa.string()) for column in by_column]
    rows = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    return Block(file, group[0].start, rows, places, rejects)


def _text(record: records.Record) -> str:
    try:
        return record.data.decode()
    except UnicodeDecodeError:
        raise BadRow("invalid_utf8") from None


def _fields(record: records.Record, format: str) -> list[str]:
    if record.broken:
        raise BadRow("open_quote" if b'"' in record.data else "row_too_long")
    try:
        return next(csv.reader([_text(record)], delimiter=records.DELIMITERS[format].decode()))
    except csv.Error:
        raise BadRow("broken_csv") from None


def _csv_values(record: records.Record, columns, header: list[str], format: str) -> list[str] | None:
    """The wanted fields of a row; None for the header and for a blank line."""
    if record.line == 1 or not record.data.strip(b"\r\n"):
        return None
    fields = _fields(record, format)
    if len(fields) != len(header):
        raise BadRow("too_few_fields" if len(fields) < len(header) else "too_many_fields")
    row = dict(zip(header, fields, strict=True))
    return [row[name] for name in columns]


def _json_object(record: records.Record) -> dict | None:
    if record.broken:
        raise BadRow("row_too_long")
    text = _text(record)
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("broken_json") from None
    if not isinstance(row, dict):
        raise BadRow("not_an_object")
    return row


def _json_values(record: records.Record, columns, header, format) -> list[str | None] | None:
    """The wanted values of a row; None for a blank line."""
    row = _json_object(record)
    if row is None:
        return None
    values = [row.get(name) for name in columns]
    if values[0] is not None and not isinstance(values[0], str):
        raise BadRow("text_not_a_string")
    values = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    if rb"\ud" in record.data.lower():
        # JSON can spell half of a surrogate pair, which no UTF-8 text can hold.
        try:
            "".join(v or "" for v in values).encode()
        except UnicodeEncodeError:
            raise BadRow("invalid_utf8") from None
    return values


def _read_parquet(extent: Extent, columns: tuple[str, ...], size: int) -> Iterator[Block]:
    import pyarrow.parquet as pq

    with extent.file.open() as stream:
        parquet = pq.ParquetFile(stream)
        row = extent.place
        rows = parquet.iter_batches(PARQUET_ROWS, row_groups=[extent.start], columns=list(columns))
        # A row group may hold a million reviews: it flows in slices, the same ones on every run.
        for batches in _slices(rows, size):
            batch = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
            yield _parquet_block(extent.file, batch.select(list(columns)), row)
            row += batch.num_rows


def _slices(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[list[pa.RecordBatch]]:
    """Groups batches up to a size in memory: in the file, equal texts may take no space."""
    together: list[pa.RecordBatch] = []
    for batch in batches:
        together.append(batch)
        if sum(one.nbytes for one in together) >= size:
            yield together
            together = []
    if together:
        yield together


def _parquet_block(file: InputFile, batch: pa.RecordBatch, first_row: int) -> Block:
    reasons: dict[int, str] = {}
    arrays = [_checked(column, reasons) for column in batch.columns]
    rows = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
    places = list(range(first_row, first_row + batch.num_rows))
    block = Block(file, first_row - 1, rows, places, [])
    if _is_text(arrays[0].type):
        return block.reject(reasons)
    block = block.reject(dict.fromkeys(range(batch.num_rows), "text_not_a_string"))
    return dataclasses.replace(block, rows=block.rows.set_column(0, batch.schema.names[0], pa.array([], pa.string())))


def _checked(column: pa.Array, reasons: dict[int, str]) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        column = column.cast(pa.large_binary())  # PyArrow 25 cannot take rows of a view.
    return _valid_text(column, reasons) if _is_text(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _valid_text(array: pa.Array, reasons: dict[int, str]) -> pa.Array:
    """Casts to string; a value that is not valid UTF-8 is repaired, and its row gets a reason."""
    raw = array.cast(pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        values = raw.to_pylist()
    for row, value in enumerate(values):
        try:
            values[row] = value if value is None else value.decode()
        except UnicodeDecodeError:
            values[row] = value.decode("utf-8", "replace")
            reasons[row] = "invalid_utf8"
    return pa.array(values, pa.string())
