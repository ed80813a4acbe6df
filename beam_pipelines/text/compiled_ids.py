"""Loops over the codes of tokens (see `compiled_tokenizer.Tokenized`): their ids, their counts and their hashes."""

import numpy as np

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.text import vocabulary
from beam_pipelines.text.characters import EXCLAMATION, QUESTION, WRITTEN
from beam_pipelines.text.compiled_token_table import hash_words

# The two words of a token of one byte: see `compiled_token_table`.
_EXCLAMATION_KEY, _QUESTION_KEY = (np.uint64(ord(WRITTEN[kind])) for kind in (EXCLAMATION, QUESTION))
_NO_KEY = np.uint64(0)


@compiled
def cut_ids(codes, lengths, max_tokens, end_of_known_ids, unknown_counts):
    """Makes ids of codes, at most `max_tokens` of each text and at least one.

    Args:
      codes, lengths: See `Tokenized`.
      max_tokens: The most ids of a text.
      end_of_known_ids: See `vocabulary.end_of_known_ids`.
      unknown_counts: int64 [others], to which the count of each token outside the vocabulary is added.

    Returns:
      The ids of all, int32 [ids], the number of each text's ids, and of its known tokens, int64 [batch].
    """
    ids = np.empty(len(codes) + len(lengths), np.int32)
    id_counts, known_counts = np.empty_like(lengths), np.zeros_like(lengths)
    start = count = 0
    for row in range(len(lengths)):
        # Here the texts before this row have codes[:start] and ids[:count].
        first = count
        for index in range(lengths[row]):
            code = codes[start + index]
            token_id = code + vocabulary.FIRST_ID
            if code < 0:
                token_id = vocabulary.UNKNOWN_ID
                unknown_counts[-1 - code] += 1
            known_counts[row] += vocabulary.FIRST_ID <= token_id < end_of_known_ids
            if index < max_tokens:
                ids[count] = token_id
                count += 1
        if count == first:
            ids[count] = vocabulary.UNKNOWN_ID
            count += 1
        id_counts[row] = count - first
        start += lengths[row]
    return ids[:count], id_counts, known_counts


@compiled
def count_tokens(codes, lengths, is_counted, max_tokens, counts):
    """Adds the tokens of some texts to their counts, of each text at most the first `max_tokens`.

    Args:
      codes, lengths: See `Tokenized`; no token has a vocabulary.
      is_counted: bool [batch], the texts to count.
      max_tokens: The most tokens of a text.
      counts: int64 [others], added to.
    """
    start = 0
    for row in range(len(lengths)):
        if is_counted[row]:
            for index in range(start, start + min(lengths[row], max_tokens)):
                counts[-1 - codes[index]] += 1
        start += lengths[row]


@compiled
def replace_codes(codes, final_codes, known_are_others):
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
def hash_texts(codes, lengths, vocabulary_hashes, other_hashes):
    """Hashes the tokens of each text, in their order, to 63 bits: int64 [batch].

    Exclamation and question marks are left out, so that texts which differ in them alone stay in one split.
    """
    exclamation, question = hash_words(_EXCLAMATION_KEY, _NO_KEY), hash_words(_QUESTION_KEY, _NO_KEY)
    hashes, start = np.empty(len(lengths), np.int64), 0
    hashes_of_text = np.empty(lengths.max() if len(lengths) else 0, np.uint64)
    for row in range(len(lengths)):
        count = 0
        for index in range(start, start + lengths[row]):
            code = codes[index]
            token_hash = vocabulary_hashes[code] if code >= 0 else other_hashes[-1 - code]
            hashes_of_text[count] = token_hash
            count += token_hash != exclamation and token_hash != question
        hashed = np.uint64(count)
        for index in range(count):
            # hash_0 = count, hash_n = H(hash_n-1, hash of token n)
            hashed = hash_words(hashed, hashes_of_text[index])
        hashes[row] = np.int64(hashed >> np.uint64(1))
        start += lengths[row]
    return hashes
