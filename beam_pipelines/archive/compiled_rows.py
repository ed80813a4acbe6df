"""The rules of `records` and of Python's `csv` module, compiled, for rows that are as they should be.

Whatever is rare or broken is left to the code that these functions stand in for.
"""

import numpy as np

from beam_pipelines.compiling import compiled

NEWLINE, RETURN = ord("\n"), ord("\r")
# The lowest and the highest bit of each byte of a word.
ONES, HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)


def views(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The same bytes one by one, uint8 [bytes], and eight by eight, uint64 [bytes // 8]."""
    return np.frombuffer(data, np.uint8), np.frombuffer(data, np.uint64, len(data) // 8)


@compiled
def _find(data, words, at, end, one, other):
    """Where the first of two bytes stands from `at` on, or `end`; eight bytes of a long text are looked at together."""
    ones, others = np.uint64(one) * ONES, np.uint64(other) * ONES
    while at < end:
        if at & 7 == 0:
            while at + 8 <= end:
                # Only a byte that is zero now, or one above it, sets its highest bit here.
                first, second = words[at >> 3] ^ ones, words[at >> 3] ^ others
                if ((first - ONES) & ~first | (second - ONES) & ~second) & HIGHEST:
                    break
                at += 8
        if at < end and (data[at] == one or data[at] == other):
            break
        at += 1
    return min(at, end)


@compiled
def find_rows(data, words, max_bytes, delimiter, quote, bounds, lines):
    """Finds rows up to the first that does not end within the bytes at hand, or is too long.

    Args:
      data, words: See `views`.
      max_bytes: A longer row is too long.
      delimiter: The byte between fields, or -1.
      quote: The byte around fields, or -1.
      bounds: int64 [rows + 1], has where the first row starts, and takes where each ends.
      lines: int64 [rows + 1], has the number of the first line, and takes that of the line after each row.

    Returns:
      How many rows there are, at most as many as `bounds` has room for.
    """
    at, line = bounds[0], lines[0]
    for row in range(1, len(bounds)):
        limit = min(len(data), at + max_bytes)
        is_whole = False
        while at < limit and not is_whole:
            if data[at] == quote:
                at = _find(data, words, at + 1, limit, quote, NEWLINE)
                while at < limit and (data[at] == NEWLINE or (at + 1 < limit and data[at + 1] == quote)):
                    is_newline = data[at] == NEWLINE
                    line += is_newline
                    at = _find(data, words, at + (1 if is_newline else 2), limit, quote, NEWLINE)
                at = min(at + 1, limit)
            while at < limit and data[at] != delimiter and data[at] != NEWLINE:
                at += 1
            is_whole = at < limit and data[at] == NEWLINE
            at += 1
        if not is_whole:
            return row - 1
        line += 1
        bounds[row], lines[row] = at, line
    return len(bounds) - 1


@compiled
def find_values(data, words, starts, ends, slots, delimiter, quote, plain, first, last, doubled):
    """Finds the wanted fields of rows.

    A row is plain if it has the right number of fields, nothing follows a closing quote, and no carriage return
    stands outside quotes but before the newline at its end; a blank line is not.

    Args:
      data, words: See `views`.
      starts, ends: int64 [rows], where rows start and end.
      slots: int64 [fields], where to put each field, or -1.
      delimiter: The byte between fields.
      quote: The byte around fields, or -1.
      plain: bool [rows], which rows to look at; takes which of these are plain.
      first, last: int64 [slots, rows], take where each wanted field starts and ends, within its quotes; plain rows
        alone have theirs, one after the other.
      doubled: int64 [slots, rows], takes how many doubled quotes it has.

    Returns:
      How many are.
    """
    found = 0
    for row in range(len(starts)):
        if not plain[row]:
            continue
        at, end = starts[row], ends[row]
        if data[end - 1] == NEWLINE:
            end -= 1
            if end > at and data[end - 1] == RETURN:
                end -= 1
        field, is_plain, goes_on = 0, True, at < end
        while is_plain and goes_on and field < len(slots):
            start, quotes = at, 0
            if at < end and data[at] == quote:
                start = at + 1
                stop = _find(data, words, start, end, quote, quote)
                while stop + 1 < end and data[stop + 1] == quote:
                    quotes += 1
                    stop = _find(data, words, stop + 2, end, quote, quote)
                at = stop + 1
            else:
                while at < end and data[at] != delimiter and data[at] != RETURN:
                    at += 1
                stop = at
            slot = slots[field]
            if slot >= 0:
                first[slot, found], last[slot, found], doubled[slot, found] = start, stop, quotes
            field += 1
            goes_on = at < end
            if goes_on:
                is_plain = data[at] == delimiter
                at += 1
        plain[row] = is_plain and not goes_on and field == len(slots)
        found += plain[row]
    return found


@compiled
def take_values(data, first, last, doubled, quote, offsets, values):
    """Writes values one after the other, each doubled quote as one.

    Args:
      data: uint8 [bytes].
      first, last, doubled: int64 [rows], see `find_values`.
      quote: The byte around fields, or -1.
      offsets: int32 [rows + 1], where each value goes.
      values: uint8 [bytes], takes them.
    """
    for row in range(len(first)):
        at, to = first[row], offsets[row]
        for _ in range(doubled[row]):
            end = at
            while data[end] != quote:
                end += 1
            end += 1
            _copy(data[at:end], values[to:])
            at, to = end + 1, to + end - at
        _copy(data[at : last[row]], values[to:])


@compiled
def _copy(source, values):
    # Four times as fast as an assignment of slices, which looks for an overlap.
    for place in range(len(source)):
        values[place] = source[place]
