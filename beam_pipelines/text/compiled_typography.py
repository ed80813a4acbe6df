"""The loop that makes typography plain as the graph of `tokens` does, so that only ASCII parts tokens after it."""

import numpy as np

from beam_pipelines.compiling import byte_vectors
from beam_pipelines.compiling.byte_vectors import BLOCK
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.text import characters
from beam_pipelines.text.characters import EXCLAMATION, FLAG, INVISIBLE, LETTER, PICTOGRAPH, QUESTION

_beyond_ascii_mask = byte_vectors.byte_class_mask("".join(map(chr, range(0x80, 0x100))))
_SPACE = np.uint8(ord(" "))
_EXCLAMATION_MARK, _QUESTION_MARK = (np.uint8(ord(characters.WRITTEN[kind])) for kind in (EXCLAMATION, QUESTION))
# A sign of 2 bytes with a space on both sides takes 4; an ASCII block is copied whole, whatever of it counts.
MOST_GROWTH, SPARE_BYTES = 2, BLOCK


@compiled
def make_plain(data, offsets, kinds, plain, plain_offsets):
    """Makes the typography of texts plain.

    Characters that are not there are left out, what parts tokens becomes a space, exclamation and question marks
    become those of ASCII, and pictographs get a space on both sides; ASCII stays as it is.

    Args:
      data: uint8 [bytes], UTF-8.
      offsets: int64 [batch + 1], where each text starts and ends.
      kinds: uint8 [0x110000], see `characters.kinds`.
      plain: uint8 [`MOST_GROWTH` times the bytes of the texts and `SPARE_BYTES`], takes the texts.
      plain_offsets: int64 [batch + 1], takes where each starts and ends.
    """
    count = 0
    for row in range(len(offsets) - 1):
        plain_offsets[row] = count
        place, end, is_half_flag = offsets[row], offsets[row + 1], False
        while place < end:
            # Here plain[plain_offsets[row] : count] is data[offsets[row] : place], made plain.
            if place + BLOCK <= end and not _beyond_ascii_mask(data, place):
                for offset in range(BLOCK):
                    plain[count + offset] = data[place + offset]
                place, count, is_half_flag = place + BLOCK, count + BLOCK, False
                continue
            block_end = min(place + BLOCK, end)
            # The last character may reach into the next block.
            while place < block_end:
                if data[place] < 0x80:
                    plain[count] = data[place]
                    place, count, is_half_flag = place + 1, count + 1, False
                    continue
                size, code = _decode(data, place)
                kind = kinds[code]
                if kind != INVISIBLE:
                    count = _write(data, place, size, kind, is_half_flag, plain, count)
                    is_half_flag = kind == FLAG and not is_half_flag
                place += size
    plain_offsets[len(offsets) - 1] = count


@compiled
def _decode(data, place):
    """Decodes a character that is not ASCII: its number of bytes, and its code."""
    first = np.int64(data[place])
    size = 2 + (first >= 0xE0) + (first >= 0xF0)
    # The first byte of a character of 2, 3 or 4 bytes holds 5, 4 or 3 bits of it, each further one 6.
    code = first & (0x7F >> size)
    for offset in range(1, size):
        code = code << 6 | np.int64(data[place + offset]) & 0x3F
    return size, code


@compiled
def _write(data, place, size, kind, is_half_flag, plain, count):
    """Writes what a visible character becomes; returns the number of bytes so far.

    Args:
      data, place, size: The character is `data[place : place + size]`.
      kind: Of it.
      is_half_flag: Whether the first letter of a flag was written last, with a space behind it.
      plain, count: The bytes are written to `plain[count:]`.
    """
    is_apart = kind in (PICTOGRAPH, FLAG)
    if kind == LETTER or is_apart:
        if kind == FLAG and is_half_flag:
            count -= 1
        elif is_apart:
            plain[count] = _SPACE
            count += 1
        for offset in range(size):
            plain[count + offset] = data[place + offset]
        count += size
        if not is_apart:
            return count
    plain[count] = _SPACE
    if kind == EXCLAMATION:
        plain[count] = _EXCLAMATION_MARK
    elif kind == QUESTION:
        plain[count] = _QUESTION_MARK
    return count + 1
