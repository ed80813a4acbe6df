"""Takes the wanted values out of the plain rows of CSV and TSV, all at once.

`row_parsing` takes them out of the others.
"""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.archive.rows import row_scanner
from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.raw_rows import RawRows


@dataclasses.dataclass(frozen=True, eq=False)
class PlainValues:
    """What was taken out of the plain ones of some rows.

    Attributes:
      is_plain: bool [rows], which they are.
      columns: string [plain rows] of each wanted field.
    """

    is_plain: np.ndarray
    columns: list[pa.Array]

    @classmethod
    def of_none(cls, rows: RawRows, columns: int) -> "PlainValues":
        """What is taken where no row is plain."""
        return cls(np.zeros(len(rows), bool), [pa.array([], pa.string())] * columns)

    def without(self, chosen: pa.Array) -> "PlainValues":
        """Makes some rows not plain: bool [plain rows], which."""
        if not pc.any(chosen).as_py():
            return self
        is_plain = self.is_plain.copy()
        is_plain[np.flatnonzero(is_plain)[chosen.to_numpy(zero_copy_only=False)]] = False
        return PlainValues(is_plain, [column.filter(pc.invert(chosen)) for column in self.columns])


def take_plain_rows(
    rows: RawRows, *, dialect: Dialect, is_utf8: bool, field_count: int, indices: list[int], first_line: int
) -> PlainValues:
    """Takes values out of rows that follow each other in `data`.

    Args:
      rows: The rows.
      dialect: What separates their fields.
      is_utf8: Whether what is valid UTF-8 is UTF-8; else no row is plain.
      field_count: How many fields the header has.
      indices: Where the wanted ones stand in it.
      first_line: No row that starts on an earlier line is plain, as the header is not.
    """
    is_long = rows.ends[-1] - rows.starts[0] >= row_scanner.LONG_BYTES
    if not (is_long and is_utf8 and dialect.is_standard):
        return PlainValues.of_none(rows, len(indices))
    # Numba takes a second to load, which a small archive is read in.
    from beam_pipelines.archive.rows import compiled_scan

    is_plain = _are_valid(rows) & ~rows.broken & (rows.lines >= first_line)
    data, (_, quote) = np.frombuffer(rows.data, np.uint8), dialect.marks
    slots = np.full(field_count, -1)
    slots[indices] = np.arange(len(indices))
    first, last, doubled = np.empty((3, len(indices), len(rows)), np.int64)
    count = compiled_scan.find_values(
        data, rows.starts, rows.ends, slots, *dialect.marks, is_plain, first, last, doubled
    )

    def take_column(slot: int) -> pa.Array:
        spans = [bounds[slot, :count] for bounds in (first, last, doubled)]
        offsets = np.zeros(count + 1, np.int32)
        # A doubled quote is one byte of its value.
        np.cumsum(spans[1] - spans[0] - spans[2], out=offsets[1:])
        values = np.empty(offsets[-1], np.uint8)
        compiled_scan.take_values(data, *spans, quote, offsets, values)
        return _as_strings(offsets, values)

    return PlainValues(is_plain, [take_column(slots[index]) for index in indices])


def _are_valid(rows: RawRows) -> np.ndarray:
    """Which rows are valid UTF-8, bool [rows]."""
    start, end = rows.starts[0], rows.ends[-1]
    if rows.broken.any():
        # Of a broken row only the start is kept, which may end within a letter that the next row seems to go on with.
        return np.array([_is_valid(rows[row]) for row in range(len(rows))])
    try:
        _as_strings(np.array([0, end - start], np.int32), memoryview(rows.data)[start:end]).validate(full=True)
    except pa.ArrowInvalid:
        return np.array([_is_valid(rows[row]) for row in range(len(rows))])
    return np.ones(len(rows), bool)


def _is_valid(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_strings(offsets: np.ndarray, values: np.ndarray | memoryview) -> pa.Array:
    """Strings of bytes that are known to be UTF-8, or are about to be checked; nothing is copied.

    Args:
      offsets: int32 [strings + 1], where each starts and the last one ends.
      values: Their bytes.
    """
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)
