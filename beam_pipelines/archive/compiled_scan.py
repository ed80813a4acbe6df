"""The rules of `row_scanner` and of Python's `csv` module, compiled, for rows that are as they should be.

Whatever is rare or broken is left to the code that these functions stand in for.
"""

from beam_pipelines.compiling.byte_vectors import BLOCK, count_bits, equal_to, lowest_bit
from beam_pipelines.compiling.cache import compiled

NEWLINE, RETURN = ord("\n"), ord("\r")


@compiled
def _find(data, at, end, one, other):
    """Where the first of two bytes stands from `at` on, or `end`."""
    while at < end:
        if at + BLOCK <= len(data):
            found = equal_to(data, at, one) | equal_to(data, at, other)
            if found:
                return min(at + lowest_bit(found), end)
            at += BLOCK
        elif data[at] == one or data[at] == other:
            return at
        else:
            at += 1
    return end


@compiled
def _count(data, at, end, byte):
    """How often a byte stands from `at` to `end`."""
    count = 0
    while at + BLOCK <= end:
        count += count_bits(equal_to(data, at, byte))
        at += BLOCK
    for place in range(at, end):
        count += data[place] == byte
    return count


@compiled
def find_rows(data, max_bytes, delimiter, quote, bounds, lines):
    """Finds rows up to the first that does not end within the bytes at hand, or is too long.

    Args:
      data: uint8 [bytes].
      max_bytes: A longer row is too long.
      delimiter: The byte between fields, or -1.
      quote: The byte around fields, or -1.
      bounds: int64 [rows + 1], has where the first row starts, and takes where each ends.
      lines: int64 [rows + 1], has the number of the first line, and takes that of the line after each row.

    Returns:
      How many rows there are, at most as many as `bounds` has room for.
    """
    at, line = bounds[0], lines[0]
    # Of JSON lines, nothing but a newline ends a field.
    mark = delimiter if delimiter >= 0 else NEWLINE
    for row in range(1, len(bounds)):
        limit = min(len(data), at + max_bytes)
        is_whole = False
        while at < limit and not is_whole:
            if data[at] == quote:
                start = at
                at = _find(data, at + 1, limit, quote, quote)
                while at + 1 < limit and data[at + 1] == quote:
                    at = _find(data, at + 2, limit, quote, quote)
                line += _count(data, start, at, NEWLINE)
                at = min(at + 1, limit)
            at = _find(data, at, limit, mark, NEWLINE)
            is_whole = at < limit and data[at] == NEWLINE
            at += 1
        if not is_whole:
            return row - 1
        line += 1
        bounds[row], lines[row] = at, line
    return len(bounds) - 1


@compiled
def find_values(data, starts, ends, slots, delimiter, quote, plain, first, last, doubled):
    """Finds the wanted fields of rows.

    A row is plain if it has the right number of fields, nothing follows a closing quote, and no carriage return
    stands outside quotes but before the newline at its end; a blank line is not.

    Args:
      data: uint8 [bytes].
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
                stop = _find(data, start, end, quote, quote)
                while stop + 1 < end and data[stop + 1] == quote:
                    quotes += 1
                    stop = _find(data, stop + 2, end, quote, quote)
                at = stop + 1
            else:
                at = stop = _find(data, at, end, delimiter, RETURN)
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
