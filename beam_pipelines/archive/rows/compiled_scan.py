"""The rules of `row_scanner` and of Python's `csv` module, compiled, for rows that are as they should be.

Whatever is rare or broken is left to the code that these functions stand in for.
"""

from beam_pipelines.compiling.byte_vectors import BLOCK, count_bits, equal_to, lowest_bit
from beam_pipelines.compiling.cache import compiled

NEWLINE, RETURN = ord("\n"), ord("\r")


@compiled
def _find(data, position, end, byte, other_byte):
    """Finds the first of two bytes from `position` on; `end` where neither comes before it."""
    while position < end:
        # A vector is loaded whole, so it must not reach over the end of the data; over `end` it may.
        if position + BLOCK <= len(data):
            mask = equal_to(data, position, byte) | equal_to(data, position, other_byte)
            if mask:
                return min(position + lowest_bit(mask), end)
            position += BLOCK
        elif data[position] == byte or data[position] == other_byte:
            return position
        else:
            position += 1
    return end


@compiled
def _count(data, position, end, byte):
    """Counts a byte from `position` to `end`."""
    count = 0
    while position + BLOCK <= end:
        count += count_bits(equal_to(data, position, byte))
        position += BLOCK
    for index in range(position, end):
        count += data[index] == byte
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
    position, line = bounds[0], lines[0]
    # Fields of JSON lines end at newlines alone.
    field_end = delimiter if delimiter >= 0 else NEWLINE
    for row in range(1, len(bounds)):
        limit = min(len(data), position + max_bytes)
        is_whole = False
        # A field starts at `position`, the only place where a quote opens one.
        while position < limit and not is_whole:
            if data[position] == quote:
                opening = position
                position = _find(data, position + 1, limit, quote, quote)
                while position + 1 < limit and data[position + 1] == quote:
                    position = _find(data, position + 2, limit, quote, quote)
                line += _count(data, opening, position, NEWLINE)
                position = min(position + 1, limit)
            # What follows a closing quote belongs to the field, up to its end.
            position = _find(data, position, limit, field_end, NEWLINE)
            is_whole = position < limit and data[position] == NEWLINE
            position += 1
        if not is_whole:
            return row - 1
        line += 1
        bounds[row], lines[row] = position, line
    return len(bounds) - 1


@compiled
def find_lines_of_rows(data, starts, ends, delimiter, delimiters, found):
    """Finds the rows with a line, below their first, that has as many delimiters as a row.

    Args:
      data: uint8 [bytes].
      starts, ends: int64 [rows], where rows start and end.
      delimiter: The byte between fields.
      delimiters: How many a row has.
      found: bool [rows], takes which have such a line.
    """
    for row in range(len(starts)):
        position, end = starts[row], ends[row]
        if data[end - 1] == NEWLINE:
            end -= 1
        count, is_first, is_found = 0, True, False
        while position <= end and not is_found:
            position = _find(data, position, end, delimiter, NEWLINE)
            if position < end and data[position] == delimiter:
                count += 1
            else:
                is_found = not is_first and count == delimiters
                is_first, count = False, 0
            position += 1
        found[row] = is_found


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
      How many rows are plain.
    """
    count = 0
    for row in range(len(starts)):
        if not plain[row]:
            continue
        position, end = starts[row], ends[row]
        if data[end - 1] == NEWLINE:
            end -= 1
            if end > position and data[end - 1] == RETURN:
                end -= 1
        # `goes_on` is whether a field starts at `position`: after a delimiter one does, be it empty and the last.
        field, is_plain, goes_on = 0, True, position < end
        while is_plain and goes_on and field < len(slots):
            start, quotes = position, 0
            if position < end and data[position] == quote:
                start = position + 1
                stop = _find(data, start, end, quote, quote)
                while stop + 1 < end and data[stop + 1] == quote:
                    quotes += 1
                    stop = _find(data, stop + 2, end, quote, quote)
                position = stop + 1
            else:
                position = stop = _find(data, position, end, delimiter, RETURN)
            # Of a row that turns out not to be plain, the next row overwrites what is put here.
            slot = slots[field]
            if slot >= 0:
                first[slot, count], last[slot, count], doubled[slot, count] = start, stop, quotes
            field += 1
            goes_on = position < end
            if goes_on:
                # Anything else is what follows a closing quote, or a carriage return.
                is_plain = data[position] == delimiter
                position += 1
        plain[row] = is_plain and not goes_on and field == len(slots)
        count += plain[row]
    return count


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
        source, target = first[row], offsets[row]
        for _ in range(doubled[row]):
            # Up to the first of two quotes and with it; the second is left out.
            end = source
            while data[end] != quote:
                end += 1
            end += 1
            _copy(data[source:end], values[target:])
            source, target = end + 1, target + end - source
        _copy(data[source : last[row]], values[target:])


@compiled
def _copy(source, values):
    # Four times as fast as an assignment of slices, which looks for an overlap.
    for index in range(len(source)):
        values[index] = source[index]
