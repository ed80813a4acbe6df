"""The loops of `compiled_tokenizer`: from the bytes of texts to the codes of their tokens."""

import numpy as np

from beam_pipelines.compiling import byte_vectors
from beam_pipelines.compiling.byte_vectors import BLOCK, KEY, first_16_bytes, lowest_bit
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import prefetch
from beam_pipelines.text import characters
from beam_pipelines.text.compiled_token_table import (
    EMPTY,
    add_token,
    find_slot,
    has_room,
    hash_words,
    long_key,
    token_at,
)

# The tokens that are found before the first of them is looked up. Meanwhile their slots are prefetched.
RUN = 32
# What a byte between tokens becomes.
SEPARATOR = 0
# Bytes that are no part of a longer token, and those of them that may be tokens of their own.
_apart_mask = byte_vectors.byte_class_mask(characters.FILTERED + characters.WHITE_SPACE)
_mark_mask = byte_vectors.byte_class_mask("".join(characters.WRITTEN.values()))


@compiled
def split_rows(data, offsets, row, start, lower, vocabulary, others, codes, count, lengths):
    """Splits texts and looks their tokens up, until the texts end or `others` has no room for a token.

    Args:
      data: uint8 [bytes].
      offsets: int64 [batch + 1], where each text starts and ends.
      row, start: The text to go on with, and the offset within `data`.
      lower: uint8 [256], what each byte becomes; `SEPARATOR` for those between tokens. Exclamation and question marks
        are tokens where they are not separators but spaces are.
      vocabulary, others: The arrays of the tables; new tokens are added to `others`.
      codes: int32 [tokens], takes the codes.
      count: The number of codes so far.
      lengths: int64 [batch], takes the number of each text's tokens.

    Returns:
      The text that holds the token without room, or the number of texts; the offsets where that token starts and
      ends; the number of codes so far.
    """
    # `_find_tokens` goes on below 2 * RUN edges, and a block may add two at each of its bytes.
    edges = np.empty(2 * RUN + 2 * BLOCK, np.int64)
    keys = np.empty((len(edges) // 2, 3), np.uint64)
    # A copy of the last bytes, as blocks are read whole and nothing may be read past the end of `data`.
    last_block = np.zeros(BLOCK, np.uint8)
    while row < len(lengths):
        while start < offsets[row + 1]:
            # Here codes[:count] are those of all tokens before `start`.
            tokens_found, start = _find_tokens(data, start, offsets[row + 1], lower, edges, last_block)
            _make_keys(data, edges, tokens_found, lower, vocabulary, keys, last_block)
            for token in range(tokens_found):
                first, second, hashed = keys[token]
                token_start, token_end = edges[2 * token], edges[2 * token + 1]
                slot = find_slot(vocabulary, first, second, hashed, data, token_start, token_end, lower)
                code = token_at(vocabulary, slot)
                if code == EMPTY:
                    slot = find_slot(others, first, second, hashed, data, token_start, token_end, lower)
                    code = token_at(others, slot)
                    if code == EMPTY:
                        if not has_room(others, token_end - token_start):
                            lengths[row] += token
                            return row, token_start, token_end, count
                        code = add_token(others, slot, first, second, hashed, data, token_start, token_end, lower)
                    code = -1 - code
                codes[count] = code
                count += 1
            lengths[row] += tokens_found
        row += 1
    return row, start, start, count


@compiled
def _find_tokens(data, start, end, lower, edges, last_block):
    """Finds the next tokens of a text, some `RUN` of them: token i is `data[edges[2 * i] : edges[2 * i + 1]]`.

    Returns:
      The number of tokens, and the offset from which to look for the next.
    """
    count, before, before_mark = 0, np.uint64(0), np.uint64(0)
    while start < end and count < 2 * RUN:
        # Bit i of `inside` tells whether byte start + i is part of a longer token. Without separators, all bytes are.
        inside, marks = ~np.uint64(0), np.uint64(0)
        if lower[ord(" ")] == SEPARATOR:
            has_marks = lower[ord("!")] != SEPARATOR
            if start + BLOCK <= len(data):
                inside = ~_apart_mask(data, start)
                marks = _mark_mask(data, start) if has_marks else marks
            else:
                last_block[: len(data) - start] = data[start:]
                inside = ~_apart_mask(last_block, 0)
                marks = _mark_mask(last_block, 0) if has_marks else marks
        if end - start < BLOCK:
            of_text = (np.uint64(1) << np.uint64(end - start)) - np.uint64(1)
            inside, marks = inside & of_text, marks & of_text
        # Bit i of `changes`: a token starts or ends there, as byte i and the one before it differ.
        changes = inside ^ (inside << np.uint64(1) | before)
        before = inside >> np.uint64(BLOCK - 1)
        if marks | before_mark:
            # A mark starts a token at its byte and ends it at the next one, where another may start.
            mark_ends = marks << np.uint64(1) | before_mark
            both = (changes & mark_ends) | (changes & marks) | (marks & mark_ends)
            before_mark = marks >> np.uint64(BLOCK - 1)
            count = _add_edges(changes | marks | mark_ends, both, start, edges, count)
        else:
            count = _add_edges(changes, np.uint64(0), start, edges, count)
        start = min(start + BLOCK, end)
    if count % 2 == 1:
        # The last token has no end yet. It starts the next run, or ends with the text.
        if start < end:
            count -= 1
            start = edges[count]
        else:
            edges[count] = end
            count += 1
    return count // 2, start


@compiled
def _add_edges(changes, both, start, edges, count):
    """Adds an edge for each bit of `changes` and one more for each of `both`; returns the number of edges so far."""
    while changes:
        bit = lowest_bit(changes)
        edges[count] = start + bit
        count += 1
        if both and both >> np.uint64(bit) & np.uint64(1):
            edges[count] = start + bit
            count += 1
        # Clears the lowest set bit.
        changes &= changes - np.uint64(1)
    return count


@compiled
def _make_keys(data, edges, tokens, lower, vocabulary, keys, last_block):
    """Fills in the keys of tokens, uint64 [tokens, 3]: two words and their hash. Prefetches their slots."""
    to_lower = lower[ord("A")] - np.uint8(ord("A"))
    for token in range(tokens):
        start, end = edges[2 * token], edges[2 * token + 1]
        if end - start > KEY:
            first, second = long_key(data, start, end, lower)
        elif start + KEY <= len(data):
            first, second = first_16_bytes(data, start, end - start, to_lower)
        else:
            last_block[: end - start] = data[start:end]
            first, second = first_16_bytes(last_block, 0, end - start, to_lower)
        hashed = hash_words(first, second)
        prefetch(vocabulary.slots, hashed & np.uint64(len(vocabulary.slots) - 1), 0)
        keys[token, 0], keys[token, 1], keys[token, 2] = first, second, hashed
