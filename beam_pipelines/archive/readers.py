"""Reads an extent of any format into blocks of rows, and rejects what cannot be read."""

import collections
import io
import itertools
from collections.abc import Callable, Iterator

import pyarrow as pa

from beam_pipelines.archive import columns, inputs, parquet_rows, records, text_rows
from beam_pipelines.archive.blocks import Block, Extent, block_name, groups
from beam_pipelines.archive.inputs import InputFile, Opened
from beam_pipelines.archive.reading import Reading
from beam_pipelines.archive.records import Record
from beam_pipelines.archive.rejects import Reject


def read(extent: Extent, reading: Reading, done: frozenset[str] = frozenset()) -> Iterator[Block]:
    """Yields an extent's blocks, but for those whose names are in `done`.

    Raises:
      UserError: A file is damaged, or lacks a wanted column.
    """
    for file, stream in inputs.opened_in_turn(extent.files):
        with inputs.damage_told(file):
            if file.format == "parquet":
                blocks = parquet_rows.read(extent, file, stream, reading)
                yield from (block for block in blocks if block.name not in done)
            else:
                yield from _read_text(extent, file, stream, reading, done)


def _read_text(extent: Extent, file: InputFile, stream: Opened, reading: Reading, done) -> Iterator[Block]:
    data = stream.data
    if extent.start:
        data.seek(extent.start)
    if extent.end is not None:
        data = io.BytesIO(data.read(extent.end - extent.start))
    rows = records.records(
        data, reading.dialect(file.format), reading.max_row_bytes, start=extent.start, line=extent.place
    )
    first = next(rows, None)
    if first is None:
        return
    values = _values(first, extent, file, reading)
    before = extent.start
    for start, end, group in groups(itertools.chain([first], rows), extent.start, extent.end, reading.block_bytes):
        after = stream.stored.tell()
        if block_name(file.place, start) not in done:
            yield _block(file, (start, end), group, reading, values, after - before)
        before = after


def _values(first: Record, extent: Extent, file: InputFile, reading: Reading) -> Callable[..., text_rows.Values]:
    """The function that takes the wanted values out of a row."""
    if file.format == "jsonl":
        return lambda record, left_out: text_rows.json_values(record, reading, left_out)
    # A worker that starts in the middle of a file has to look for its header.
    names = columns.of_file(file, reading).names if extent.start else text_rows.header(first, file, reading)
    for name in reading.columns:
        if name not in names:
            raise columns.missing(file, name, names)
    values = text_rows.csv_values(file, list(names), reading)
    return lambda record, _: values(record)


def _block(file: InputFile, span, group: list[Record], reading: Reading, parse, stored_bytes: int) -> Block:
    values, places, raw, rejects = [], [], [], []
    left_out: collections.Counter = collections.Counter()
    for record in group:
        try:
            row = parse(record, left_out)
        except text_rows.BadRow as bad:
            rejects.append(Reject.of(file.label, record.line, str(bad), record.data, reading.encoding))
            continue
        if row is not None:
            values.append(row)
            places.append(record.line)
            raw.append(record.data)
    by_column = zip(*values, strict=True) if values else [[] for _ in reading.columns]
    arrays = [pa.array(column, pa.string()) for column in by_column]
    rows = pa.RecordBatch.from_arrays(arrays, names=list(reading.columns))
    return Block(file, *span, rows, places, rejects, raw, reading.encoding, stored_bytes, left_out)
