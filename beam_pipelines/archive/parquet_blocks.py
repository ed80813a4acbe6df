"""Reads the wanted columns of a Parquet file, a row group at a time; they keep their types."""

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.chunks import ParquetChunk
from beam_pipelines.archive.csv_and_json_lines import MISSING_COLUMN
from beam_pipelines.archive.extents import Span
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile, OpenFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows.row_parsing import Notes

ROWS_AT_ONCE = 512
# Of a column of a row group, which may be gigabytes, so much is held compressed at a time.
BUFFER_BYTES = 1 << 20


def open_parquet(source: IO[bytes]) -> pq.ParquetFile:
    """Opens a file whose columns are read through a buffer, not those of a row group at once."""
    return pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False)


@contextlib.contextmanager
def open_seekable(file: InputFile, stream: OpenFile) -> Iterator[IO[bytes]]:
    """Yields a stream that can be read in any order: of a member of a .zip or .tar, a copy on disk."""
    if file.is_seekable:
        yield stream.data
        return
    # The footer, which comes last, tells where the columns lie.
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream.data, copy)
        copy.seek(0)
        yield copy


def read(span: Span, stream: OpenFile, options: ReadOptions) -> Iterator[ParquetChunk]:
    """Yields the rows of some row groups, or of a whole file, a part of a block at a time.

    Raises what pyarrow raises of a damaged file.
    """
    file = span.file
    with open_seekable(file, stream) as source:
        parquet = open_parquet(source)
        total = parquet.metadata.num_rows
        groups = range(parquet.num_row_groups) if span.row_groups is None else span.row_groups
        columns = [_stored_name(parquet.schema_arrow, name) for name in options.columns]
        unlisted = _unlisted(parquet.schema_arrow, options)
        row = offset = span.start
        for group in groups:
            at_once = _rows_at_once(parquet.metadata.row_group(group), options)
            # A row group may hold a million reviews: it flows in slices, the same ones on every run.
            for batch in parquet.iter_batches(at_once, row_groups=[group], columns=columns):
                yield ParquetChunk(file, batch, row, offset, batch.num_rows * file.size_bytes / total, unlisted)
                row += batch.num_rows
                offset += max(batch.nbytes, 1)


def rows_before_damage(span: Span, stream: OpenFile, options: ReadOptions) -> int | None:
    """How many rows of the file come before what is damaged in a span; None where nothing is."""
    row = span.start
    try:
        for chunk in read(span, stream, options):
            row = chunk.row + chunk.batch.num_rows
    except input_files.DAMAGE as error:
        if not input_files.is_damage(error):
            raise
        return row
    return None


def _stored_name(schema: pa.Schema, name: str) -> str:
    """The name of a column or field in the file; where all values around a field are null, of what is around it."""
    top, *path = name.split(".")
    if name in schema.names or top not in schema.names:
        return name
    stored, kind = top, schema.field(top).type
    for part in path:
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            break
        stored, kind = f"{stored}.{part}", kind.field(part).type
    return stored if pa.types.is_null(kind) else name


def _unlisted(schema: pa.Schema, options: ReadOptions) -> tuple[str, ...]:
    """The columns that are left out though all are wanted; one without a name is told before."""
    if not options.all_columns:
        return ()
    return tuple(name for name in schema.names if name and name not in options.columns)


def _rows_at_once(group: pq.RowGroupMetaData, options: ReadOptions) -> int:
    """Chooses how many rows to take together, at most about a quarter of a block."""
    # A nested field, and the parts of a list, are columns of their own: `review.body`, `tags.list.element`.
    wanted = tuple(f"{name}." for name in options.columns)
    columns = [group.column(index) for index in range(group.num_columns)]
    size = sum(column.total_uncompressed_size for column in columns if f"{column.path_in_schema}.".startswith(wanted))
    return max(min(ROWS_AT_ONCE, options.block_bytes * group.num_rows // (4 * max(size, 1))), 1)


def make_block(
    chunks: list[ParquetChunk], files: tuple[InputFile, ...], file_of_chunk: list[int], options: ReadOptions
) -> Block:
    """Makes the block of some chunks, whose batches have one schema.

    Args:
      chunks: The chunks.
      files: Their files.
      file_of_chunk: The index there of each chunk's file.
      options: What is wanted.
    """
    batch = pa.Table.from_batches([chunk.batch for chunk in chunks]).combine_chunks().to_batches()[0]
    counts = [chunk.batch.num_rows for chunk in chunks]
    reasons: dict[int, str] = {}
    told = dict(files[0].partitions)
    names = [name for name in options.columns if name not in told]
    arrays = [_normalize(_take_column(batch, name, options), reasons, binary=name in options.binary) for name in names]
    if pa.types.is_null(arrays[0].type):
        # A file whose texts are all null need not say that they are text.
        arrays[0] = arrays[0].cast(pa.string())
    if _is_text(arrays[0].type):
        too_long = pc.greater(pc.binary_length(arrays[0]), options.max_row_bytes)
        reasons |= dict.fromkeys(pc.indices_nonzero(too_long).to_pylist(), "field_too_long")
    else:
        reasons = dict.fromkeys(range(batch.num_rows), "text_not_a_string")
    if _lacks_columns(batch, names, options):
        reasons = dict.fromkeys(range(batch.num_rows), MISSING_COLUMN)
    notes = Notes()
    for chunk in chunks:
        notes.unlisted_keys.update(dict.fromkeys(chunk.unlisted, chunk.batch.num_rows))
    starts = np.repeat([chunk.row for chunk in chunks], counts)
    block = Block(
        files=files,
        file_of_row=np.repeat(file_of_chunk, counts),
        rows=pa.RecordBatch.from_arrays(arrays, names=names),
        row_numbers=starts + 1 + np.concatenate([np.arange(count) for count in counts]),
        notes=notes,
    ).reject(reasons)
    if _is_text(arrays[0].type):
        return block
    # All rows are rejected; what follows may rely on a column of text.
    return dataclasses.replace(block, rows=block.rows.set_column(0, options.columns[0], pa.array([], pa.string())))


def _lacks_columns(batch: pa.RecordBatch, names: list[str], options: ReadOptions) -> bool:
    held = set(batch.schema.names)
    missing = {name for name in names if name not in held and name.split(".")[0] not in held}
    return not missing <= {*options.optional}


def _take_column(batch: pa.RecordBatch, name: str, options: ReadOptions) -> pa.Array:
    """Takes a column, or a field within one, such as `review.body`; nulls where there is none."""
    if name in batch.schema.names:
        return batch.column(name)
    top, *path = name.split(".")
    if top not in batch.schema.names:
        return pa.nulls(batch.num_rows, options.type_of(name))
    column = batch.column(top)
    for part in path:
        # Where all are null, nothing need say which fields they would have.
        column = column if pa.types.is_null(column.type) else pc.struct_field(column, [part])
    return column


def _normalize(column: pa.Array, reasons: dict[int, str], *, binary: bool) -> pa.Array:
    """Makes a string of every kind of text, and leaves other types as they are.

    Args:
      column: The values of a column.
      reasons: Takes the reason to reject a row, by its index.
      binary: Whether bytes may stay bytes.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if binary and is_binary(column.type):
        return column.cast(pa.binary())
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        column = column.cast(pa.large_binary())  # PyArrow 25 cannot take rows of a view.
    return _decode(column, reasons) if _is_text(column.type) else column


def is_binary(kind: pa.DataType) -> bool:
    """Tells whether a type is of bytes that need not be text."""
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _decode(array: pa.Array, reasons: dict[int, str]) -> pa.Array:
    """Casts to string; a byte of what is not valid UTF-8 becomes \\xNN, and its row gets a reason."""
    # A column that claims to be UTF-8 need not be: as bytes, it is checked when it is cast back.
    raw = array.cast(pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        values = raw.to_pylist()
    for row, value in enumerate(values):
        try:
            values[row] = value if value is None else value.decode()
        except UnicodeDecodeError:
            values[row] = value.decode("utf-8", "backslashreplace")
            reasons[row] = "invalid_utf8"
    return pa.array(values, pa.string())
