"""Reads an extent of any format into blocks of rows, and rejects what cannot be read."""

import dataclasses
import io
import itertools
from collections.abc import Container, Iterator

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import input_columns, null_values, parquet_blocks, partitions
from beam_pipelines.archive.block_names import block_name
from beam_pipelines.archive.blocks import Block, Extent, cut_into_blocks
from beam_pipelines.archive.csv_and_json_lines import CsvReader, JsonLinesReader, ValueReader
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile, OpenFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import raw_rows, remarks, row_parsing, row_scanner
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes


def read(extent: Extent, options: ReadOptions, done: Container[str] = frozenset()) -> Iterator[Block]:
    """Yields an extent's blocks, but for those whose names are in `done`.

    Raises:
      UserError: A file is damaged, or lacks a wanted column.
    """
    for block in _read_files(extent, options, done):
        yield dataclasses.replace(block, rows=null_values.read_nulls(block.rows, options))


def _read_files(extent: Extent, options: ReadOptions, done: Container[str]) -> Iterator[Block]:
    for file, stream in input_files.iter_open(extent.files):
        with input_files.damage_as_user_error(file):
            for block in _read_file(extent, file, stream, _columns_within(file, options), done):
                yield dataclasses.replace(block, rows=partitions.fill(block.rows, file, options.columns))


def _columns_within(file: InputFile, options: ReadOptions) -> ReadOptions:
    """The options without the columns that the file's folders tell."""
    told = dict(file.partitions)
    return dataclasses.replace(options, columns=tuple(name for name in options.columns if name not in told))


def _read_file(
    extent: Extent, file: InputFile, stream: OpenFile, options: ReadOptions, done: Container[str]
) -> Iterator[Block]:
    if file.format == "parquet":
        blocks = parquet_blocks.read(extent, file, stream, options)
        return (block for block in blocks if block.name not in done)
    return _read_text(extent, file, stream, options, done)


def _read_text(
    extent: Extent, file: InputFile, stream: OpenFile, options: ReadOptions, done: Container[str]
) -> Iterator[Block]:
    data, read_bytes = stream.data, row_scanner.READ_BYTES
    if extent.start:
        data.seek(extent.start)
    if extent.end is not None:
        read_bytes = extent.end - extent.start
        data = io.BytesIO(data.read(read_bytes))
    rows = raw_rows.scan_raw_rows(
        data,
        options.text_format.dialect(file),
        options.max_row_bytes,
        start=extent.start,
        line=extent.row_number,
        read_bytes=read_bytes,
    )
    first = _take_header(rows, file.header_line)
    if not first:
        return
    reader = _make_reader(extent, file, first[-1], options)
    before = extent.start
    blocks = cut_into_blocks(itertools.chain(first, rows), extent.start, extent.end, options.block_bytes)
    for start, end, chunks in blocks:
        after = stream.stored.tell()
        if block_name(file.index, start) not in done:
            block = _make_block(file, start, RawRows.joined(chunks), reader, options)
            yield dataclasses.replace(block, end=end, stored_bytes=after - before)
        before = after


def _take_header(rows: Iterator[RawRows], header_line: int) -> list[RawRows]:
    """Takes the first chunks, up to one with the header's line or one behind it."""
    taken = []
    for chunk in rows:
        taken.append(chunk)
        if chunk.lines[-1] >= header_line:
            break
    return taken


def _make_reader(extent: Extent, file: InputFile, rows: RawRows, options: ReadOptions) -> ValueReader:
    """Makes what reads the values of an extent; if it begins the file, the header is among some of its rows."""
    if file.format == "jsonl":
        return JsonLinesReader(options)
    first = rows.iter_rows() if extent.start == 0 else iter([])
    header = next((row for row in first if row.line == file.header_line), None)
    if header and header.data.strip():
        return CsvReader.of(file, row_parsing.read_header(header, file, options.text_format), options)
    # The worker began in the middle of the file, and has to look for its header.
    columns = input_columns.read_columns(file, options.text_format)
    # Without a header there are blank lines alone, which are no rows of any format.
    return CsvReader.of(file, columns.names, options) if columns else JsonLinesReader(options)


def _make_block(file: InputFile, start: int, rows: RawRows, reader: ValueReader, options: ReadOptions) -> Block:
    plain = reader.take_plain(rows)
    others = np.flatnonzero(~plain.is_plain)
    encodings, notes = options.text_format.encodings, Notes()
    values, indices, rejects = [], [], []
    for index, row in zip(others.tolist(), rows.take(others).iter_rows(), strict=True):
        try:
            taken = reader.take_row(row, notes)
        except row_parsing.BadRow as bad:
            rejects.append(Reject.of(file.label, row.line, str(bad), row.data, encodings=encodings))
            if bad.fault:
                notes.remarks[remarks.fault(str(bad), bad.fault)] += 1
            continue
        if taken is not None:
            values.append(taken)
            indices.append(index)
    arrays, readable = plain.columns, np.flatnonzero(plain.is_plain)
    if values:
        others_arrays = [pa.array(column, pa.string()) for column in zip(*values, strict=True)]
        arrays, readable = _merge(arrays, readable, others_arrays, np.array(indices))
    raw = rows.take(readable)
    reader.remark(raw, notes, has_faults=bool(rejects or notes.remarks))
    return Block(
        file=file,
        start=start,
        end=None,
        rows=pa.RecordBatch.from_arrays(arrays, names=list(options.columns)),
        row_numbers=raw.lines.tolist(),
        rejects=rejects,
        raw=raw,
        encodings=encodings,
        notes=notes,
    )


def _merge(
    plain: list[pa.Array], plain_indices: np.ndarray, others: list[pa.Array], others_indices: np.ndarray
) -> tuple[list[pa.Array], np.ndarray]:
    """Merges the columns of plain rows and of others by their indices, int64 [rows], of which no two are equal."""
    if not len(plain_indices):
        return others, others_indices
    indices = np.concatenate([plain_indices, others_indices])
    order = np.argsort(indices)
    return [pa.concat_arrays(pair).take(order) for pair in zip(plain, others, strict=True)], indices[order]
