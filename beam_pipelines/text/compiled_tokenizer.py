"""The tokeniser of `tokens`, compiled, for many texts at a time.

It makes the same tokens: the tests compare them on any text. Texts that are not ASCII get plain typography first, by
`compiled_typography`. What is left is split at ASCII characters, as in the graph, and ASCII letters are lowered here.
A distinct token with any other character is handed to the graph's own operations, which lower it as they would within
its text: what Unicode's lower case depends on beside the letter (whether a sigma ends a word) never lies beyond a
space.
"""

import dataclasses
import functools
import string
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.artifacts.tokenizer import AS_TYPED, Tokenizer
from beam_pipelines.compiling import threads
from beam_pipelines.text import characters, compiled_ids, compiled_splitting, compiled_typography, tokens
from beam_pipelines.text.compiled_token_table import TokenTable

# The bytes of text that a thread takes at a time: enough to outweigh its start, few enough to share out.
MIN_BATCH_BYTES, MAX_BATCH_BYTES = 1 << 16, 1 << 20
# What each byte becomes, uint8 [256]. Where no byte becomes a separator, each text is one token.
_AS_IT_IS = np.arange(256, dtype=np.uint8)
_LOWER_CASE = np.array([byte + 32 if chr(byte) in string.ascii_uppercase else byte for byte in range(256)], np.uint8)
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
      rule: What each character is.
      vocabulary: Its tokens, or None if all are only to be counted.

    Raises:
      ValueError: A newer version made the rule, or the vocabulary holds a token twice.
    """

    def __init__(self, rule: Tokenizer, vocabulary: pa.Array | None = None):
        self._rule, self._lower = rule, _lower_or_separate(rule)
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
        batches = threads.map_on_all_cores(functools.partial(self._split_with_own_table, known), _cut_for_cores(texts))
        tokens_of_batches = [table.tokens for _, _, table in batches]
        for (codes, _, _), final_codes in zip(batches, self._add(tokens_of_batches, others), strict=True):
            compiled_ids.replace_codes(codes, final_codes, known is others)
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
        codes_of_batches: list[np.ndarray] = []
        first = 0
        for batch, is_ascii in zip(batches, ascii_masks, strict=True):
            last = first + int(np.count_nonzero(~is_ascii))
            codes = np.empty(len(batch), np.int32)
            # ASCII tokens were looked up in the vocabulary before; the others only now have their final form.
            codes[is_ascii] = _codes_of_lowered(batch.filter(pa.array(is_ascii)), _NO_VOCABULARY, others)
            codes[~is_ascii] = _codes_of_lowered(lowered[first:last], self.vocabulary, others)
            codes_of_batches.append(codes)
            first = last
        return codes_of_batches

    def _split_with_own_table(self, known: TokenTable, texts: pa.Array) -> tuple[np.ndarray, np.ndarray, TokenTable]:
        """Splits texts into codes and lengths; tokens that are not known go to a table of their own."""
        others = TokenTable()
        return *_split(*self._plain(texts), self._lower, known, others), others

    def _plain(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Gives the bytes of texts of plain typography, and where each starts and ends; see `_bytes_and_offsets`."""
        data, offsets = _bytes_and_offsets(texts)
        first, end = offsets[0], offsets[-1]
        if self._rule.typography == AS_TYPED or first == end or data[first:end].max() < 0x80:
            return data, offsets
        size = compiled_typography.MOST_GROWTH * (end - first) + compiled_typography.SPARE_BYTES
        plain, plain_offsets = np.empty(size, np.uint8), np.empty_like(offsets)
        compiled_typography.make_plain(data, offsets, characters.kinds(self._rule), plain, plain_offsets)
        plain.flags.writeable = False
        return plain, plain_offsets

    def fingerprints(self, tokenized: Tokenized) -> np.ndarray:
        """Hashes each text's tokens to 63 bits, int64 [batch], the same in every process and for every vocabulary.

        Exclamation and question marks do not count, whatever the rule: archives are split alike with them and without.
        """
        return compiled_ids.hash_texts(
            tokenized.codes, tokenized.lengths, self.vocabulary.hashes, tokenized.others.hashes
        )


def _lower_or_separate(rule: Tokenizer) -> np.ndarray:
    """Tells what each byte becomes, uint8 [256]: see `compiled_splitting.split_rows`."""
    is_between = np.isin(characters.kinds(rule)[:128], (characters.SPACE, characters.APOSTROPHE))
    return np.where(np.pad(is_between, (0, 128)), compiled_splitting.SEPARATOR, _LOWER_CASE).astype(np.uint8)


def _lower(distinct: pa.Array) -> pa.Array:
    """Lowers tokens, binary [tokens], by the operations of `tokens`."""
    return pa.array(_lower_case()(distinct.to_numpy(zero_copy_only=False)).numpy(), pa.large_binary())


@functools.cache
def _lower_case() -> Callable:
    return tf.function(tokens.lower_case, input_signature=[tf.TensorSpec([None], tf.string)])


def _cut_for_cores(texts: pa.Array) -> list[pa.Array]:
    """Cuts texts into a batch for each core, or into more or fewer if these were too large or too small."""
    bytes_per_core = texts.nbytes // threads.cores()
    return list(tokens.batches_by_bytes(texts, min(max(bytes_per_core, MIN_BATCH_BYTES), MAX_BATCH_BYTES)))


def _are_ascii(distinct: pa.Array) -> np.ndarray:
    """Tells whether each token has ASCII bytes alone, bool [tokens]."""
    if not len(distinct):
        return np.empty(0, bool)
    data, offsets = _bytes_and_offsets(distinct)
    return np.maximum.reduceat(data[: offsets[-1]], offsets[:-1]) < 128


def _bytes_and_offsets(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Gives the bytes of texts, uint8, and where each text starts and ends there, int64 [batch + 1]."""
    if not len(texts):
        return np.zeros(1, np.uint8), np.zeros(1, np.int64)
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
    codes, lengths = _split(*_bytes_and_offsets(distinct), _AS_IT_IS, vocabulary, others)
    if not (lengths == 1).all():
        raise ValueError("a token is empty")
    return codes


def _split(
    data: np.ndarray, offsets: np.ndarray, lower: np.ndarray, vocabulary: TokenTable, others: TokenTable
) -> tuple[np.ndarray, np.ndarray]:
    """Gives the codes and lengths of texts; see `Tokenized` and `_bytes_and_offsets`."""
    lengths = np.zeros(len(offsets) - 1, np.int64)
    # Each byte may be a token, or a text without bytes one. What is not written to takes no memory.
    codes = np.empty(offsets[-1] - offsets[0] + len(lengths), np.int32)
    row, start, count = 0, offsets[0], 0
    while True:
        # Compiled code cannot replace the arrays of a table, so it returns for more room.
        row, start, end, count = compiled_splitting.split_rows(
            data, offsets, row, start, lower, vocabulary.arrays, others.arrays, codes, count, lengths
        )
        if row == len(lengths):
            return codes[:count].copy(), lengths
        others.make_room(end - start)
