"""Takes the wanted values out of the plain rows of CSV and TSV, all at once.

`row_values` takes them out of the others.
"""

import codecs

import numpy as np
import pyarrow as pa

from beam_pipelines.archive import row_scanner
from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.raw_rows import RawRows
from beam_pipelines.archive.read_options import ReadOptions

# Which rows are plain, bool [rows], and the values of each wanted field, string [plain rows].
Values = tuple[np.ndarray, list[pa.Array]]


def none(rows: RawRows, columns: int) -> Values:
    """What is taken where no row is plain."""
    return np.zeros(len(rows), bool), [pa.array([], pa.string())] * columns


def values(rows: RawRows, *, file: InputFile, fields: int, wanted: list[int], options: ReadOptions) -> Values:
    """Takes values out of rows that follow each other in `data`.

    Args:
      rows: Rows of a file whose first line is its header.
      file: The file.
      fields: How many fields the header has.
      wanted: The places of those that are wanted.
      reading: How it is read.
    """
    is_long = rows.ends[-1] - rows.starts[0] >= row_scanner.LONG_BYTES
    if not is_long or codecs.lookup(options.encoding).name != "utf-8":
        return none(rows, len(wanted))
    from beam_pipelines.archive import compiled_scan

    plain = _are_valid(rows) & ~rows.broken & (rows.lines > 1)
    data, marks = np.frombuffer(rows.data, np.uint8), options.dialect(file.format).marks
    slots = np.full(fields, -1)
    slots[wanted] = np.arange(len(wanted))
    first, last, doubled = np.empty((3, len(wanted), len(rows)), np.int64)
    count = compiled_scan.find_values(data, rows.starts, rows.ends, slots, *marks, plain, first, last, doubled)

    def of_field(place: int) -> pa.Array:
        spans = [found[slots[place], :count] for found in (first, last, doubled)]
        offsets = np.zeros(count + 1, np.int32)
        np.cumsum(spans[1] - spans[0] - spans[2], out=offsets[1:])
        found = np.empty(offsets[-1], np.uint8)
        compiled_scan.take_values(data, *spans, marks[1], offsets, found)
        return _strings(offsets, found)

    return plain, [of_field(place) for place in wanted]


def _are_valid(rows: RawRows) -> np.ndarray:
    """Which rows are valid UTF-8, bool [rows]."""
    start, end = rows.starts[0], rows.ends[-1]
    if rows.broken.any():
        # Of a broken row only the start is kept, which may end within a letter that the next row seems to go on with.
        return np.array([_is_valid(rows[row]) for row in range(len(rows))])
    try:
        _strings(np.array([0, end - start], np.int32), memoryview(rows.data)[start:end]).validate(full=True)
    except pa.ArrowInvalid:
        return np.array([_is_valid(rows[row]) for row in range(len(rows))])
    return np.ones(len(rows), bool)


def _is_valid(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


def _strings(offsets: np.ndarray, values) -> pa.Array:
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)
