"""Reads an extent of any format into blocks of rows, and rejects what cannot be read."""

import collections
import functools
import io
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import columns, csv_values, inputs, parquet_blocks, raw_rows, row_scanner, row_values
from beam_pipelines.archive.block_names import block_name
from beam_pipelines.archive.blocks import Block, Extent, cut_into_blocks
from beam_pipelines.archive.inputs import InputFile, OpenFile
from beam_pipelines.archive.raw_rows import RawRows
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject


def read(extent: Extent, options: ReadOptions, done: frozenset[str] = frozenset()) -> Iterator[Block]:
    """Yields an extent's blocks, but for those whose names are in `done`.

    Raises:
      UserError: A file is damaged, or lacks a wanted column.
    """
    for file, stream in inputs.iter_open(extent.files):
        with inputs.damage_as_user_error(file):
            if file.format == "parquet":
                blocks = parquet_blocks.read(extent, file, stream, options)
                yield from (block for block in blocks if block.name not in done)
            else:
                yield from _read_text(extent, file, stream, options, done)


def _read_text(extent: Extent, file: InputFile, stream: OpenFile, options: ReadOptions, done) -> Iterator[Block]:
    data, read_bytes = stream.data, row_scanner.READ_BYTES
    if extent.start:
        data.seek(extent.start)
    if extent.end is not None:
        read_bytes = extent.end - extent.start
        data = io.BytesIO(data.read(read_bytes))
    at = {"start": extent.start, "line": extent.row_number, "read_bytes": read_bytes}
    rows = raw_rows.raw_rows(data, options.dialect(file.format), options.max_row_bytes, **at)
    first = next(rows, None)
    if first is None:
        return
    of_plain, of_row = _json_values(options) if file.format == "jsonl" else _csv_values(first, extent, file, options)
    before = extent.start
    for start, end, chunks in cut_into_blocks(
        itertools.chain([first], rows), extent.start, extent.end, options.block_bytes
    ):
        after = stream.stored.tell()
        if block_name(file.index, start) not in done:
            yield _block(file, (start, end), RawRows.joined(chunks), options, of_plain, of_row, after - before)
        before = after


def _csv_values(first: RawRows, extent: Extent, file: InputFile, options: ReadOptions) -> tuple[Callable, Callable]:
    """The functions that take the wanted values out of all plain rows, and out of any one."""
    # A worker that starts in the middle of a file has to look for its header.
    names = (
        columns.read_columns(file, options).names
        if extent.start
        else row_values.header(next(first.iter_rows()), file, options)
    )
    for name in options.columns:
        if name not in names:
            raise columns.missing_column(file, name, names)
    wanted = [names.index(name) for name in options.columns]
    of_row = row_values.csv_values(file, len(names), wanted, options)
    of_plain = functools.partial(csv_values.values, file=file, fields=len(names), wanted=wanted, options=options)
    return of_plain, lambda raw_row, _: of_row(raw_row)


def _json_values(options: ReadOptions) -> tuple[Callable, Callable]:
    """The same of JSON lines, of which none is plain."""
    of_plain = functools.partial(csv_values.none, columns=len(options.columns))
    return of_plain, lambda raw_row, unlisted_keys: row_values.json_values(raw_row, options, unlisted_keys)


def _block(file: InputFile, span, rows: RawRows, options: ReadOptions, of_plain, of_row, stored_bytes: int) -> Block:
    plain, arrays = of_plain(rows)
    readable = np.flatnonzero(plain)
    others = np.flatnonzero(~plain)
    values, places, rejects = [], [], []
    unlisted_keys: collections.Counter = collections.Counter()
    for place, raw_row in zip(others.tolist(), rows.take(others).iter_rows(), strict=True):
        try:
            row = of_row(raw_row, unlisted_keys)
        except row_values.BadRow as bad:
            rejects.append(Reject.of(file.label, raw_row.line, str(bad), raw_row.data, options.encoding))
            continue
        if row is not None:
            values.append(row)
            places.append(place)
    if values:
        more = [pa.array(column, pa.string()) for column in zip(*values, strict=True)]
        arrays, readable = _merged(arrays, readable, more, np.array(places))
    raw = rows.take(readable)
    table = pa.RecordBatch.from_arrays(arrays, names=list(options.columns))
    return Block(file, *span, table, raw.lines.tolist(), rejects, raw, options.encoding, stored_bytes, unlisted_keys)


def _merged(some: list[pa.Array], at, more: list[pa.Array], at_more) -> tuple[list[pa.Array], np.ndarray]:
    """Columns of some rows and of others in the order of their places, int64 [rows]."""
    if not len(at):
        return more, at_more
    places = np.concatenate([at, at_more])
    order = np.argsort(places)
    return [pa.concat_arrays(pair).take(order) for pair in zip(some, more, strict=True)], places[order]
