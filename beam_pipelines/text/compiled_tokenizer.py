"""The tokeniser of `tokens`, compiled, for many texts at a time.

It makes the same tokens: the tests compare them on any text. It splits at ASCII characters, as the graph does, and
lowers ASCII letters itself. A distinct token with any other character is handed to the graph, which lowers it as it
would within its text: what Unicode's lower case depends on beside the letter (whether a sigma ends a word) never
lies beyond a space.
"""

import dataclasses
import functools
import string
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.compiling import byte_vectors, threads
from beam_pipelines.compiling.byte_vectors import BLOCK, KEY, first_16_bytes, lowest_bit
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import prefetch
from beam_pipelines.text import token_table, tokens
from beam_pipelines.text.token_table import TokenTable

# The bytes of text that a thread takes at a time: enough to outweigh its start, few enough to share out.
MIN_BATCH_BYTES, MAX_BATCH_BYTES = 1 << 16, 1 << 20
# The tokens that are found before the first of them is looked up. Meanwhile their slots are prefetched.
RUN = 32
_separator_mask = byte_vectors.byte_class_mask(tokens.FILTERED + tokens.WHITE_SPACE)
# What each byte becomes within a token, uint8 [256]. A byte between tokens becomes SEPARATOR.
_SEPARATOR = 0
_AS_IT_IS = np.arange(256, dtype=np.uint8)
_LOWER_CASE = np.array([byte + 32 if chr(byte) in string.ascii_uppercase else byte for byte in range(256)], np.uint8)
_LOWER_CASE[list((tokens.FILTERED + tokens.WHITE_SPACE).encode())] = _SEPARATOR
_NO_VOCABULARY = TokenTable()


@dataclasses.dataclass(frozen=True)
class Tokenized:
    """Texts as the tokens that they consist of.

    Attributes:
      codes: int32 [tokens of all], text after text: the token's index in the vocabulary, or -1 less its index in
        `others`.
      lengths: int64 [batch], the number of each text's tokens.
      others: The distinct tokens that are not in the vocabulary.
    """

    codes: np.ndarray
    lengths: np.ndarray
    others: TokenTable


class CompiledTokenizer:
    """Tokenises texts and looks the tokens up.

    Args:
      vocabulary: Its tokens, or None if all are only to be counted.
    """

    def __init__(self, vocabulary: pa.Array | None = None):
        self.vocabulary = TokenTable()
        if vocabulary is not None:
            codes = _codes_of_lowered(vocabulary, TokenTable(), self.vocabulary)
            if not np.array_equal(codes, -1 - np.arange(len(vocabulary))):
                raise ValueError("a vocabulary holds each token once")

    def __call__(self, texts: pa.Array, others: TokenTable | None = None) -> Tokenized:
        """Tokenises texts, string [batch], on all cores; tokens outside the vocabulary are added to `others`."""
        others = TokenTable() if others is None else others
        # Without a vocabulary, most tokens are among those that came before.
        known = self.vocabulary if len(self.vocabulary) else others
        # Threads only read `known`. Each has a table of its own for new tokens, which are added to `others` after
        # all have ended, batch after batch: their order does not depend on the threads.
        batches = threads.map_on_all_cores(functools.partial(_split_with_own_table, known), _cut_for_cores(texts))
        tokens_of_batches = [table.tokens for _, _, table in batches]
        for (codes, _, _), final_codes in zip(batches, self._add(tokens_of_batches, others), strict=True):
            _replace_codes(codes, final_codes, known is others)
        return Tokenized(
            np.concatenate([codes for codes, _, _ in batches]),
            np.concatenate([lengths for _, lengths, _ in batches]),
            others,
        )

    def _add(self, batches: list[pa.Array], others: TokenTable) -> list[np.ndarray]:
        """Adds each batch's distinct tokens to `others` and gives their codes; lowers those that are not ASCII."""
        ascii_masks = [_are_ascii(batch) for batch in batches]
        to_lower = [batch.filter(pa.array(~is_ascii)) for batch, is_ascii in zip(batches, ascii_masks, strict=True)]
        lowered = _lower(pa.concat_arrays(to_lower)) if any(map(len, to_lower)) else pa.array([], pa.large_binary())
        codes_of_batches, first = [], 0
        for batch, is_ascii in zip(batches, ascii_masks, strict=True):
            last = first + np.count_nonzero(~is_ascii)
            codes = np.empty(len(batch), np.int32)
            # ASCII tokens were looked up in the vocabulary before; the others only now have their final form.
            codes[is_ascii] = _codes_of_lowered(batch.filter(pa.array(is_ascii)), _NO_VOCABULARY, others)
            codes[~is_ascii] = _codes_of_lowered(lowered[first:last], self.vocabulary, others)
            codes_of_batches.append(codes)
            first = last
        return codes_of_batches

    def fingerprints(self, tokenized: Tokenized) -> np.ndarray:
        """Hashes each text's tokens to 63 bits, int64 [batch], the same in every process and for every vocabulary."""
        return _hash_texts(tokenized.codes, tokenized.lengths, self.vocabulary.hashes, tokenized.others.hashes)


def _lower(distinct: pa.Array) -> pa.Array:
    """Lowers tokens, binary [tokens], by the operations of `tokens`."""
    return pa.array(_tokenize_flat()(distinct.to_numpy(zero_copy_only=False)).numpy(), pa.large_binary())


@functools.cache
def _tokenize_flat() -> Callable:
    signature = [tf.TensorSpec([None], tf.string)]
    return tf.function(lambda texts: tokens.tokenize(texts).flat_values, input_signature=signature)


def _cut_for_cores(texts: pa.Array) -> list[pa.Array]:
    """Cuts texts into a batch for each core, or into more or fewer if these were too large or too small."""
    bytes_per_core = texts.nbytes // threads.cores()
    return list(tokens.batches_by_bytes(texts, min(max(bytes_per_core, MIN_BATCH_BYTES), MAX_BATCH_BYTES)))


def _split_with_own_table(known: TokenTable, texts: pa.Array) -> tuple[np.ndarray, np.ndarray, TokenTable]:
    """Splits texts into codes and lengths; tokens that are not known go to a table of their own."""
    others = TokenTable()
    return *_split(texts, _LOWER_CASE, known, others), others


def _are_ascii(distinct: pa.Array) -> np.ndarray:
    """Tells whether each token has ASCII bytes alone, bool [tokens]."""
    if not len(distinct):
        return np.empty(0, bool)
    data, offsets = _bytes_and_offsets(distinct)
    return np.maximum.reduceat(data[: offsets[-1]], offsets[:-1]) < 128


def _bytes_and_offsets(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Gives the bytes of texts, uint8, and where each text starts and ends there, int64 [batch + 1]."""
    _, offsets, data = texts.buffers()
    is_large = pa.types.is_large_string(texts.type) or pa.types.is_large_binary(texts.type)
    edges = np.frombuffer(offsets, np.int64 if is_large else np.int32)[texts.offset : texts.offset + len(texts) + 1]
    # Where all texts are empty, Arrow has no buffer, or an empty one.
    all_bytes = np.frombuffer(data if data is not None and data.size else b"\0", np.uint8)
    # Read-only whatever the buffer is: numba compiles the loops once for each such type.
    all_bytes.flags.writeable = False
    return all_bytes, edges.astype(np.int64)


def _codes_of_lowered(distinct: pa.Array, vocabulary: TokenTable, others: TokenTable) -> np.ndarray:
    """Gives the codes of tokens that are lowered already, int32 [tokens], and adds the new ones to `others`."""
    codes, lengths = _split(distinct, _AS_IT_IS, vocabulary, others)
    if not (lengths == 1).all():
        raise ValueError("a token is empty")
    return codes


def _split(
    texts: pa.Array, lower: np.ndarray, vocabulary: TokenTable, others: TokenTable
) -> tuple[np.ndarray, np.ndarray]:
    """Gives the codes and lengths of texts; see `Tokenized`."""
    if not len(texts):
        return np.empty(0, np.int32), np.empty(0, np.int64)
    data, offsets = _bytes_and_offsets(texts)
    lengths = np.zeros(len(texts), np.int64)
    # Each token but a text's last has a separator after it, so n bytes hold at most (n + 1) / 2 tokens.
    codes = np.empty((offsets[-1] - offsets[0] + len(texts)) // 2 + 1, np.int32)
    row, start, count = 0, offsets[0], 0
    while True:
        # Compiled code cannot replace the arrays of a table, so it returns for more room.
        row, start, end, count = _split_rows(
            data, offsets, row, start, lower, vocabulary.arrays, others.arrays, codes, count, lengths
        )
        if row == len(texts):
            return codes[:count].copy(), lengths
        others.make_room(end - start)


@compiled
def _split_rows(data, offsets, row, start, lower, vocabulary, others, codes, count, lengths):
    """Splits texts and looks their tokens up, until the texts end or `others` has no room for a token.

    Args:
      data: uint8 [bytes].
      offsets: int64 [batch + 1], where each text starts and ends.
      row, start: The text to go on with, and the offset within `data`.
      lower: uint8 [256], what each byte becomes; see `_LOWER_CASE`.
      vocabulary, others: The arrays of the tables; new tokens are added to `others`.
      codes: int32 [tokens], takes the codes.
      count: The number of codes so far.
      lengths: int64 [batch], takes the number of each text's tokens.

    Returns:
      The text that holds the token without room, or the number of texts; the offsets where that token starts and
      ends; the number of codes so far.
    """
    # `_find_tokens` goes on below 2 * RUN edges, and a block may add one at each of its bytes.
    edges = np.empty(2 * RUN + BLOCK, np.int64)
    keys = np.empty((len(edges) // 2, 3), np.uint64)
    # A copy of the last bytes, as blocks are read whole and nothing may be read past the end of `data`.
    last_block = np.zeros(BLOCK, np.uint8)
    while row < len(lengths):
        while start < offsets[row + 1]:
            # Here codes[:count] are those of all tokens before `start`.
            tokens, start = _find_tokens(data, start, offsets[row + 1], lower, edges, last_block)
            _make_keys(data, edges, tokens, lower, vocabulary, keys, last_block)
            for token in range(tokens):
                first, second, hashed = keys[token]
                token_start, token_end = edges[2 * token], edges[2 * token + 1]
                slot = token_table.find_slot(vocabulary, first, second, hashed, data, token_start, token_end, lower)
                code = token_table.token_at(vocabulary, slot)
                if code == token_table.EMPTY:
                    slot = token_table.find_slot(others, first, second, hashed, data, token_start, token_end, lower)
                    code = token_table.token_at(others, slot)
                    if code == token_table.EMPTY:
                        if not token_table.has_room(others, token_end - token_start):
                            lengths[row] += token
                            return row, token_start, token_end, count
                        code = token_table.add(others, slot, first, second, hashed, data, token_start, token_end, lower)
                    code = -1 - code
                codes[count] = code
                count += 1
            lengths[row] += tokens
        row += 1
    return row, start, start, count


@compiled
def _find_tokens(data, start, end, lower, edges, last_block):
    """Finds the next tokens of a text, some `RUN` of them: token i is `data[edges[2 * i] : edges[2 * i + 1]]`.

    Returns:
      The number of tokens, and the offset from which to look for the next.
    """
    count, before = 0, np.uint64(0)
    while start < end and count < 2 * RUN:
        # Bit i of `inside` tells whether byte start + i is part of a token. Without separators, all bytes are.
        inside = ~np.uint64(0)
        if lower[ord(" ")] == _SEPARATOR:
            if start + BLOCK <= len(data):
                inside = ~_separator_mask(data, start)
            else:
                last_block[: len(data) - start] = data[start:]
                inside = ~_separator_mask(last_block, 0)
        if end - start < BLOCK:
            inside &= (np.uint64(1) << np.uint64(end - start)) - np.uint64(1)
        # Bit i of `changes`: a token starts or ends there, as byte i and the one before it differ.
        changes = inside ^ (inside << np.uint64(1) | before)
        before = inside >> np.uint64(BLOCK - 1)
        while changes:
            edges[count] = start + lowest_bit(changes)
            count += 1
            # Clears the lowest set bit.
            changes &= changes - np.uint64(1)
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
def _make_keys(data, edges, tokens, lower, vocabulary, keys, last_block):
    """Fills in the keys of tokens, uint64 [tokens, 3]: two words and their hash. Prefetches their slots."""
    to_lower = lower[ord("A")] - np.uint8(ord("A"))
    for token in range(tokens):
        start, end = edges[2 * token], edges[2 * token + 1]
        if end - start > KEY:
            first, second = token_table.long_key(data, start, end, lower)
        elif start + KEY <= len(data):
            first, second = first_16_bytes(data, start, end - start, to_lower)
        else:
            last_block[: end - start] = data[start:end]
            first, second = first_16_bytes(last_block, 0, end - start, to_lower)
        hashed = token_table.hash_words(first, second)
        prefetch(vocabulary.slots, hashed & np.uint64(len(vocabulary.slots) - 1), 0)
        keys[token, 0], keys[token, 1], keys[token, 2] = first, second, hashed


@compiled
def _replace_codes(codes, final_codes, known_are_others):
    """Replaces the codes of a batch's own table by the final ones, in place.

    Args:
      codes: int32 [tokens]: -1 less the index in the batch's own table, or else the index in the known tokens.
      final_codes: int32 [tokens of the batch's own table].
      known_are_others: Whether the known tokens are those of `others`, whose codes are negative.
    """
    for index in range(len(codes)):
        if codes[index] < 0:
            codes[index] = final_codes[-1 - codes[index]]
        elif known_are_others:
            codes[index] = -1 - codes[index]


@compiled
def _hash_texts(codes, lengths, vocabulary_hashes, other_hashes):
    """Hashes the tokens of each text, in their order, to 63 bits: int64 [batch]."""
    hashes, start = np.empty(len(lengths), np.int64), 0
    for row in range(len(lengths)):
        hashed = np.uint64(lengths[row])
        for index in range(start, start + lengths[row]):
            # hash_0 = length, hash_n = H(hash_n-1, hash of token n)
            code = codes[index]
            token_hash = vocabulary_hashes[code] if code >= 0 else other_hashes[-1 - code]
            hashed = token_table.hash_words(hashed, token_hash)
        hashes[row] = np.int64(hashed >> np.uint64(1))
        start += lengths[row]
    return hashes
