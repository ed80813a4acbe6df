"""Reads an extent of any format into blocks of rows, and rejects what cannot be read."""

import collections
import io
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import columns, inputs, parquet_rows, plain_rows, raw_rows, records, text_rows
from beam_pipelines.archive.blocks import Block, Extent, block_name, groups
from beam_pipelines.archive.inputs import InputFile, Opened
from beam_pipelines.archive.raw_rows import RawRows
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
    data, read_bytes = stream.data, records.READ_BYTES
    if extent.start:
        data.seek(extent.start)
    if extent.end is not None:
        read_bytes = extent.end - extent.start
        data = io.BytesIO(data.read(read_bytes))
    at = {"start": extent.start, "line": extent.place, "read_bytes": read_bytes}
    rows = raw_rows.raw_rows(data, reading.dialect(file.format), reading.max_row_bytes, **at)
    first = next(rows, None)
    if first is None:
        return
    take = _json_rows(reading) if file.format == "jsonl" else _csv_rows(first.record(0), extent, file, reading)
    before = extent.start
    for start, end, parts in groups(itertools.chain([first], rows), extent.start, extent.end, reading.block_bytes):
        after = stream.stored.tell()
        if block_name(file.place, start) not in done:
            yield _block(file, (start, end), RawRows.joined(parts), reading, take, after - before)
        before = after


def _csv_rows(first: Record, extent: Extent, file: InputFile, reading: Reading) -> tuple[Callable, Callable]:
    """The functions that take the wanted values out of many plain rows, and out of any one."""
    # A worker that starts in the middle of a file has to look for its header.
    names = columns.of_file(file, reading).names if extent.start else text_rows.header(first, file, reading)
    for name in reading.columns:
        if name not in names:
            raise columns.missing(file, name, names)
    wanted = [names.index(name) for name in reading.columns]
    of_row = text_rows.csv_values(file, len(names), wanted, reading)

    def of_plain(rows: RawRows) -> plain_rows.Values:
        if not plain_rows.can_read(rows, reading):
            return plain_rows.none(rows, wanted)
        return plain_rows.values(rows, wanted, len(names), reading.dialect(file.format))

    return of_plain, lambda record, _: of_row(record)


def _json_rows(reading: Reading) -> tuple[Callable, Callable]:
    """The same of JSON lines, of which none is plain."""
    return (
        lambda rows: plain_rows.none(rows, reading.columns),
        lambda record, left_out: text_rows.json_values(record, reading, left_out),
    )


def _block(file: InputFile, span, rows: RawRows, reading: Reading, take, stored_bytes: int) -> Block:
    of_plain, of_row = take
    plain, arrays = of_plain(rows)
    values, others, rejects = [], [], []
    left_out: collections.Counter = collections.Counter()
    for row in np.flatnonzero(~plain).tolist():
        record = rows.record(row)
        try:
            found = of_row(record, left_out)
        except text_rows.BadRow as bad:
            rejects.append(Reject.of(file.label, record.line, str(bad), record.data, reading.encoding))
            continue
        if found is not None:
            values.append(found)
            others.append(row)
    readable = np.flatnonzero(plain)
    if others:
        readable = np.concatenate([readable, others])
        order = np.argsort(readable)
        pairs = zip(arrays, zip(*values, strict=True), strict=True)
        arrays = [pa.concat_arrays([some, pa.array(more, pa.string())]).take(order) for some, more in pairs]
        readable = readable[order]
    raw = rows.take(readable)
    table = pa.RecordBatch.from_arrays(arrays, names=list(reading.columns))
    return Block(file, *span, table, raw.lines.tolist(), rejects, raw, reading.encoding, stored_bytes, left_out)
