"""The tokeniser of `tokens`, compiled, for many texts at a time.

It makes the same tokens: the tests compare them on any text. It splits at ASCII characters, as the
graph does, and lowers ASCII letters itself. A distinct token with any other character is handed to
the graph, which lowers it as it would within its text: what Unicode's lower case depends on beside the
letter (whether a sigma ends a word) never lies beyond a space.
"""

import dataclasses
import functools
import string

import numpy as np
import pyarrow as pa

from beam_pipelines.compiling import byte_vectors, threads
from beam_pipelines.compiling.byte_vectors import BLOCK, KEY, key, lowest_bit
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import prefetch
from beam_pipelines.text import token_table, tokens
from beam_pipelines.text.token_table import TokenTable

# A thread takes about this much text at a time.
MIN_PART_BYTES, MAX_PART_BYTES = 1 << 16, 1 << 20
_SEPARATOR = 0
_separators = byte_vectors.finder(tokens.FILTERED + tokens.WHITE_SPACE)
# So many tokens are found before they are looked up, while the memory brings what that needs.
TOGETHER = 32
# What each byte becomes within a token, uint8 [256]; 0 of those that separate tokens.
_AS_IT_IS = np.arange(256, dtype=np.uint8)
_LOWER_CASE = np.array([byte + 32 if chr(byte) in string.ascii_uppercase else byte for byte in range(256)], np.uint8)
_LOWER_CASE[list((tokens.FILTERED + tokens.WHITE_SPACE).encode())] = _SEPARATOR
_NO_VOCABULARY = TokenTable()


@dataclasses.dataclass(frozen=True)
class Tokenized:
    """Texts as the tokens that they are made of.

    Attributes:
      codes: int32 [tokens of all], text after text: the line of the vocabulary, from 0, of a token that
        stands there; of another one, -1 less its number in `others`.
      lengths: int64 [batch], the tokens of each.
      others: The distinct tokens that are not in the vocabulary.
    """

    codes: np.ndarray
    lengths: np.ndarray
    others: TokenTable


class CompiledTokenizer:
    """Tokenises texts and looks the tokens up.

    Args:
      vocabulary: Its tokens; none where all are only to be counted.
    """

    def __init__(self, vocabulary: pa.Array | None = None):
        self.vocabulary = TokenTable()
        if vocabulary is not None:
            numbers = _numbers(vocabulary, TokenTable(), self.vocabulary)
            if not np.array_equal(numbers, -1 - np.arange(len(vocabulary))):
                raise ValueError("a vocabulary holds each token once")

    def __call__(self, texts: pa.Array, others: TokenTable | None = None) -> Tokenized:
        """Tokenises texts, string [batch], on all cores; tokens outside the vocabulary are added to `others`."""
        others = TokenTable() if others is None else others
        # Without a vocabulary, most tokens are among those that came before.
        known = self.vocabulary if len(self.vocabulary) else others
        parts = threads.on_all_cores(functools.partial(_split_part, known), _parts(texts))
        found = [part_others.tokens for _, _, part_others in parts]
        for (codes, _, _), numbers in zip(parts, self._numbers_of_all(found, others), strict=True):
            _replace(codes, numbers, known is others)
        return Tokenized(
            np.concatenate([codes for codes, _, _ in parts]),
            np.concatenate([lengths for _, lengths, _ in parts]),
            others,
        )

    def _numbers_of_all(self, parts: list[pa.Array], others: TokenTable) -> list[np.ndarray]:
        """The codes of each part's other tokens, of which those that are not plain ASCII are lowered first."""
        foreign = [_is_foreign(part) for part in parts]
        raw = [part.filter(pa.array(where)) for part, where in zip(parts, foreign, strict=True)]
        lowered = _lowered(pa.concat_arrays(raw)) if any(map(len, raw)) else pa.array([], pa.large_binary())
        found, at = [], 0
        for part, where, some in zip(parts, foreign, raw, strict=True):
            numbers = np.empty(len(part), np.int32)
            # That these are not in the vocabulary is known.
            numbers[~where] = _numbers(part.filter(pa.array(~where)), _NO_VOCABULARY, others)
            numbers[where] = _numbers(lowered[at : at + len(some)], self.vocabulary, others)
            found.append(numbers)
            at += len(some)
        return found

    def fingerprints(self, tokenized: Tokenized) -> np.ndarray:
        """A 63-bit hash of each text's tokens, int64 [batch], the same in every process and for every vocabulary."""
        return _hash_texts(tokenized.codes, tokenized.lengths, self.vocabulary.hashes, tokenized.others.hashes)


def _lowered(distinct: pa.Array) -> pa.Array:
    """Lowers tokens, binary [tokens], by the operations of `tokens`."""
    return pa.array(_tokenized()(distinct.to_numpy(zero_copy_only=False)).numpy(), pa.large_binary())


@functools.cache
def _tokenized():
    import tensorflow as tf

    signature = [tf.TensorSpec([None], tf.string)]
    return tf.function(lambda texts: tokens.tokenize(texts).flat_values, input_signature=signature)


def _parts(texts: pa.Array) -> list[pa.Array]:
    wanted = texts.nbytes // threads.cores()
    return list(tokens.parts(texts, min(max(wanted, MIN_PART_BYTES), MAX_PART_BYTES)))


def _split_part(known: TokenTable, texts: pa.Array) -> tuple[np.ndarray, np.ndarray, TokenTable]:
    """Codes and lengths of texts, and the tokens that are not known."""
    others = TokenTable()
    return *_split(texts, _LOWER_CASE, known, others), others


def _is_foreign(distinct: pa.Array) -> np.ndarray:
    """Whether each token has a byte that is not ASCII, bool [tokens]."""
    if not len(distinct):
        return np.empty(0, bool)
    data, offsets = _buffers(distinct)
    return np.maximum.reduceat(data[: offsets[-1]], offsets[:-1]) >= 128


def _buffers(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of texts, uint8, and where each begins and ends, int64 [batch + 1]."""
    _, offsets, data = texts.buffers()
    is_large = pa.types.is_large_string(texts.type) or pa.types.is_large_binary(texts.type)
    ends = np.frombuffer(offsets, np.int64 if is_large else np.int32)[texts.offset : texts.offset + len(texts) + 1]
    letters = np.frombuffer(data if data is not None and data.size else b"\0", np.uint8)
    letters.flags.writeable = False
    return letters, ends.astype(np.int64)


def _numbers(distinct: pa.Array, vocabulary: TokenTable, others: TokenTable) -> np.ndarray:
    """The codes of tokens that are lowered already."""
    codes, lengths = _split(distinct, _AS_IT_IS, vocabulary, others)
    if not (lengths == 1).all():
        raise ValueError("a token is empty")
    return codes


def _split(texts: pa.Array, lower: np.ndarray, vocabulary: TokenTable, others: TokenTable):
    """The codes and lengths of texts; see `Tokenized`."""
    if not len(texts):
        return np.empty(0, np.int32), np.empty(0, np.int64)
    data, offsets = _buffers(texts)
    lengths = np.zeros(len(texts), np.int64)
    codes = np.empty((offsets[-1] - offsets[0] + len(texts)) // 2 + 1, np.int32)
    row, place, at = 0, offsets[0], 0
    while True:
        row, place, end, at = _split_rows(
            data, offsets, row, place, lower, vocabulary.arrays, others.arrays, codes, at, lengths
        )
        if row == len(texts):
            return codes[:at].copy(), lengths
        others.make_room(end - place)


@compiled
def _split_rows(data, offsets, row, place, lower, vocabulary, others, codes, at, lengths):
    """Goes on with the texts until `others` has no room for a token.

    Returns:
      The row and the place where that token begins, where it ends, and the place of its code.
    """
    # A block may begin and end a token at each of its bytes.
    edges = np.empty(2 * TOGETHER + BLOCK, np.int64)
    keys = np.empty((len(edges) // 2, 3), np.uint64)
    # Where the last bytes are looked at: no more are read than there are.
    rest = np.zeros(BLOCK, np.uint8)
    while row < len(lengths):
        while place < offsets[row + 1]:
            found, place = _find_tokens(data, place, offsets[row + 1], lower, edges, rest)
            _make_keys(data, edges, found, lower, vocabulary, keys, rest)
            for token in range(found):
                first, second, hashed = keys[token]
                start, end = edges[2 * token], edges[2 * token + 1]
                code = token_table.number_at(
                    vocabulary, token_table.find(vocabulary, first, second, hashed, data, start, end, lower)
                )
                if code == token_table.EMPTY:
                    slot = token_table.find(others, first, second, hashed, data, start, end, lower)
                    code = token_table.number_at(others, slot)
                    if code == token_table.EMPTY:
                        if not token_table.has_room(others, end - start):
                            lengths[row] += token
                            return row, start, end, at
                        code = token_table.add(others, slot, first, second, hashed, data, start, end, lower)
                    code = -1 - code
                codes[at] = code
                at += 1
            lengths[row] += found
        row += 1
    return row, place, place, at


@compiled
def _find_tokens(data, place, end, lower, edges, rest):
    """Finds the next tokens of a text, as many as there is room for: where each begins and ends, into `edges`.

    Returns:
      How many were found, and the place where the others begin.
    """
    found, before = 0, np.uint64(0)
    while place < end and found < 2 * TOGETHER:
        inside = ~np.uint64(0)
        if lower[ord(" ")] == _SEPARATOR:
            if place + BLOCK <= len(data):
                inside = ~_separators(data, place)
            else:
                rest[: len(data) - place] = data[place:]
                inside = ~_separators(rest, 0)
        if end - place < BLOCK:
            inside &= (np.uint64(1) << np.uint64(end - place)) - np.uint64(1)
        changes = inside ^ (inside << np.uint64(1) | before)
        before = inside >> np.uint64(BLOCK - 1)
        while changes:
            edges[found] = place + lowest_bit(changes)
            found += 1
            changes &= changes - np.uint64(1)
        place = min(place + BLOCK, end)
    if found % 2 == 1:
        if place < end:
            found -= 1
            place = edges[found]
        else:
            edges[found] = end
            found += 1
    return found // 2, place


@compiled
def _make_keys(data, edges, tokens, lower, vocabulary, keys, rest):
    """The keys of tokens and their hashes; asks for their slots of the vocabulary."""
    to_lower = lower[ord("A")] - np.uint8(ord("A"))
    for token in range(tokens):
        start, end = edges[2 * token], edges[2 * token + 1]
        if end - start > KEY:
            first, second = token_table.long_key(data, start, end, lower)
        elif start + KEY <= len(data):
            first, second = key(data, start, end - start, to_lower)
        else:
            rest[: end - start] = data[start:end]
            first, second = key(rest, 0, end - start, to_lower)
        hashed = token_table.hash_words(first, second)
        prefetch(vocabulary.slots, hashed & np.uint64(len(vocabulary.slots) - 1), 0)
        keys[token, 0], keys[token, 1], keys[token, 2] = first, second, hashed


@compiled
def _replace(codes, numbers, known_are_others):
    """Puts the code that a part's other token was given at last in place of the part's."""
    for place in range(len(codes)):
        if codes[place] < 0:
            codes[place] = numbers[-1 - codes[place]]
        elif known_are_others:
            codes[place] = -1 - codes[place]


@compiled
def _hash_texts(codes, lengths, known, others):
    found, at = np.empty(len(lengths), np.int64), 0
    for row in range(len(lengths)):
        hashed = np.uint64(lengths[row])
        for place in range(at, at + lengths[row]):
            code = codes[place]
            hashed = token_table.hash_words(hashed, known[code] if code >= 0 else others[-1 - code])
        found[row] = np.int64(hashed >> np.uint64(1))
        at += lengths[row]
    return found
