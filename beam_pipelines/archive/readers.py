"""Reads an extent of any format into blocks of rows, and rejects what cannot be read."""

import collections
import functools
import io
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import columns, csv_values, inputs, parquet_blocks, raw_rows, row_scanner, row_values
from beam_pipelines.archive.blocks import Block, Extent, block_name, groups
from beam_pipelines.archive.inputs import InputFile, Opened
from beam_pipelines.archive.raw_rows import RawRows
from beam_pipelines.archive.read_options import Reading
from beam_pipelines.archive.rejects import Reject


def read(extent: Extent, reading: Reading, done: frozenset[str] = frozenset()) -> Iterator[Block]:
    """Yields an extent's blocks, but for those whose names are in `done`.

    Raises:
      UserError: A file is damaged, or lacks a wanted column.
    """
    for file, stream in inputs.opened_in_turn(extent.files):
        with inputs.damage_told(file):
            if file.format == "parquet":
                blocks = parquet_blocks.read(extent, file, stream, reading)
                yield from (block for block in blocks if block.name not in done)
            else:
                yield from _read_text(extent, file, stream, reading, done)


def _read_text(extent: Extent, file: InputFile, stream: Opened, reading: Reading, done) -> Iterator[Block]:
    data, read_bytes = stream.data, row_scanner.READ_BYTES
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
    of_plain, of_row = _json_values(reading) if file.format == "jsonl" else _csv_values(first, extent, file, reading)
    before = extent.start
    for start, end, parts in groups(itertools.chain([first], rows), extent.start, extent.end, reading.block_bytes):
        after = stream.stored.tell()
        if block_name(file.place, start) not in done:
            yield _block(file, (start, end), RawRows.joined(parts), reading, of_plain, of_row, after - before)
        before = after


def _csv_values(first: RawRows, extent: Extent, file: InputFile, reading: Reading) -> tuple[Callable, Callable]:
    """The functions that take the wanted values out of all plain rows, and out of any one."""
    # A worker that starts in the middle of a file has to look for its header.
    names = (
        columns.of_file(file, reading).names
        if extent.start
        else row_values.header(next(first.records()), file, reading)
    )
    for name in reading.columns:
        if name not in names:
            raise columns.missing(file, name, names)
    wanted = [names.index(name) for name in reading.columns]
    of_row = row_values.csv_values(file, len(names), wanted, reading)
    of_plain = functools.partial(csv_values.values, file=file, fields=len(names), wanted=wanted, reading=reading)
    return of_plain, lambda record, _: of_row(record)


def _json_values(reading: Reading) -> tuple[Callable, Callable]:
    """The same of JSON lines, of which none is plain."""
    of_plain = functools.partial(csv_values.none, columns=len(reading.columns))
    return of_plain, lambda record, left_out: row_values.json_values(record, reading, left_out)


def _block(file: InputFile, span, rows: RawRows, reading: Reading, of_plain, of_row, stored_bytes: int) -> Block:
    plain, arrays = of_plain(rows)
    readable = np.flatnonzero(plain)
    others = np.flatnonzero(~plain)
    values, places, rejects = [], [], []
    left_out: collections.Counter = collections.Counter()
    for place, record in zip(others.tolist(), rows.take(others).records(), strict=True):
        try:
            row = of_row(record, left_out)
        except row_values.BadRow as bad:
            rejects.append(Reject.of(file.label, record.line, str(bad), record.data, reading.encoding))
            continue
        if row is not None:
            values.append(row)
            places.append(place)
    if values:
        more = [pa.array(column, pa.string()) for column in zip(*values, strict=True)]
        arrays, readable = _merged(arrays, readable, more, np.array(places))
    raw = rows.take(readable)
    table = pa.RecordBatch.from_arrays(arrays, names=list(reading.columns))
    return Block(file, *span, table, raw.lines.tolist(), rejects, raw, reading.encoding, stored_bytes, left_out)


def _merged(some: list[pa.Array], at, more: list[pa.Array], at_more) -> tuple[list[pa.Array], np.ndarray]:
    """Columns of some rows and of others in the order of their places, int64 [rows]."""
    if not len(at):
        return more, at_more
    places = np.concatenate([at, at_more])
    order = np.argsort(places)
    return [pa.concat_arrays(pair).take(order) for pair in zip(some, more, strict=True)], places[order]
