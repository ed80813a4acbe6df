"""Makes a block of what was read: values out of rows, and rejects of those that have none."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import null_values, parquet_blocks, partitions
from beam_pipelines.archive.blocks import Block
from beam_pipelines.archive.chunks import BlockChunks, Chunk, ParquetChunk, RejectedChunk, TextChunk
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import remarks, row_parsing
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes


def make_block(taken: BlockChunks, options: ReadOptions) -> Block:
    """Makes the block of some chunks, which share it."""
    text = [chunk for chunk in taken.chunks if isinstance(chunk, TextChunk)]
    parquet = [chunk for chunk in taken.chunks if isinstance(chunk, ParquetChunk)]
    rejected = [chunk for chunk in taken.chunks if isinstance(chunk, RejectedChunk)]
    if text:
        block = _of_text(text, options)
    elif parquet:
        block = parquet_blocks.make_block(parquet, *_files_of(parquet), options)
    else:
        block = _empty(options)
    rows = partitions.fill(block.rows, block.files, block.file_of_row, options.columns)
    return dataclasses.replace(
        block,
        extent=taken.extent,
        next_extent=taken.next_extent,
        files=tuple(dict.fromkeys([*block.files, *(chunk.file for chunk in rejected)])),
        rows=null_values.read_nulls(rows, options),
        rejects=block.rejects + [chunk.reject for chunk in rejected],
        stored_bytes=round(sum(chunk.stored_bytes for chunk in taken.chunks)),
        unread_bytes=sum(chunk.unread_bytes for chunk in rejected),
    )


def _empty(options: ReadOptions) -> Block:
    """A block without a row, with the columns and types that others have."""
    columns = [pa.array([], options.type_of(name)) for name in options.columns]
    rows = pa.RecordBatch.from_arrays(columns, names=list(options.columns))
    return Block(file_of_row=np.empty(0, np.int64), rows=rows, row_numbers=np.empty(0, np.int64))


def _files_of(chunks: Sequence[Chunk]) -> tuple[tuple[InputFile, ...], list[int]]:
    """The files of some chunks, and of each chunk the index of its file there."""
    files: list[InputFile] = []
    indices = []
    for chunk in chunks:
        if not files or chunk.file is not files[-1]:
            files.append(chunk.file)
        indices.append(len(files) - 1)
    return tuple(files), indices


def _of_text(chunks: list[TextChunk], options: ReadOptions) -> Block:
    reader, encodings = chunks[0].reader, options.text_format.encodings
    files, file_of_chunk = _files_of(chunks)
    rows = RawRows.joined([chunk.rows for chunk in chunks], file_of_chunk)
    file_of_row = np.repeat(file_of_chunk, [len(chunk.rows) for chunk in chunks])
    plain, notes = reader.take_plain(rows), Notes()
    others = np.flatnonzero(~plain.is_plain)
    values, indices, rejects = [], [], []
    for index, row in zip(others.tolist(), rows.take(others).iter_rows(), strict=True):
        try:
            taken = reader.take_row(row, notes)
        except row_parsing.BadRow as bad:
            file = files[file_of_row[index]]
            rejects.append(Reject.of(file, row.line, str(bad), row.data, encodings=encodings))
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
    # What was read of a file has no column of its folders' names yet.
    names = [name for name in options.columns if name not in dict(files[0].partitions)]
    return Block(
        files=files,
        file_of_row=file_of_row[readable],
        rows=pa.RecordBatch.from_arrays(arrays, names=names),
        row_numbers=raw.lines,
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
