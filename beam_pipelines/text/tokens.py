"""The one tokeniser: the TensorFlow operations that split text into tokens.

The tf.Transform graph runs these operations, and serving runs the graph. Preprocessing and bulk scoring run the
compiled twin, `compiled_tokenizer`.
"""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator

import pyarrow as pa
import tensorflow as tf

# TensorFlow's tokens take many times the memory of their text, so a block is tokenised in batches of this size.
BATCH_BYTES = 1 << 20

# The filter of the notebook's Keras tokeniser, and NUL: `tf.strings.lower` with UTF-8 (TensorFlow 2.21) reads its
# input as a C string and would drop all that follows a NUL.
FILTERED = "\x00!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r'"
# The white space that `tf.strings.split` splits at and the filter does not replace.
WHITE_SPACE = " \v\f"
# Of the filtered characters the one that stands within words, as in "isn't".
APOSTROPHE = "'"


def _any_of(characters: str) -> str:
    return "[" + "".join(f"\\x{ord(character):02x}" for character in characters) + "]"


_FILTER, _FILTER_WITHOUT_APOSTROPHE = _any_of(FILTERED), _any_of(FILTERED.replace(APOSTROPHE, ""))
_TOKEN = re.compile("[^" + re.escape(FILTERED + WHITE_SPACE) + "]+")
# Lower case with UTF-8 follows the process's locale (a Turkish one lowers I to a dotless i). ASCII and the dotted
# capital I, the letters on which locales differ, are lowered before it.
_DOTTED_CAPITAL_I, _DOTTED_I = "\u0130", "i\u0307"


def batches_by_bytes(texts: pa.Array, max_bytes: int = BATCH_BYTES) -> Iterator[pa.Array]:
    """Cuts texts, string [batch], into batches of about `max_bytes`, at least one batch and one text each.

    >>> [len(batch) for batch in batches_by_bytes(pa.array(["a" * 10] * 5), 60)]
    [4, 1]
    """
    rows = max(max_bytes * len(texts) // max(texts.nbytes, 1), 1)
    for first in range(0, max(len(texts), 1), rows):
        yield texts.slice(first, rows)


def cut(text: str, max_tokens: int) -> str:
    """Cuts a text after so many of the tokens of `tokenize`.

    >>> cut("It isn't bad.", 3)
    "It isn't"
    """
    last = next(itertools.islice(_TOKEN.finditer(text), max_tokens - 1, None), None)
    return text[: last.end()] if last else text


def tokenize(texts: tf.Tensor) -> tf.RaggedTensor:
    """Lowers texts (Unicode), replaces the filtered characters by spaces and splits at ASCII white space.

    Args:
      texts: string [batch], UTF-8.

    Returns:
      Ragged string [batch, tokens].
    """
    texts = tf.strings.regex_replace(texts, _FILTER, " ")
    texts = tf.strings.lower(texts)
    texts = tf.strings.regex_replace(texts, _DOTTED_CAPITAL_I, _DOTTED_I)
    return tf.strings.split(tf.strings.lower(texts, encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Spans:
    """Where the tokens of texts stand, each ragged [batch, tokens].

    Attributes:
      starts: int32, the offset of each token's first byte.
      ends: int32, that of the byte after its last.
      joined: bool, whether an apostrophe alone parts it from the token before, as in "isn't".
    """

    starts: tf.RaggedTensor
    ends: tf.RaggedTensor
    joined: tf.RaggedTensor


def spans(texts: tf.Tensor) -> Spans:
    """Finds the spans of the tokens of `tokenize` in the texts.

    A filtered character is one byte and becomes one space, so the filter moves no offset. Lower case does, and is
    left out: it neither makes nor joins tokens.

    Args:
      texts: string [batch], UTF-8.
    """
    # A string of its own takes 24 bytes, so the letters are bytes: of all texts, with a space after each.
    spaced = tf.strings.regex_replace(texts, _FILTER_WITHOUT_APOSTROPHE, " ")
    letters = tf.io.decode_raw(tf.strings.reduce_join(tf.concat([spaced, [""]], axis=0), separator=" "), tf.uint8)
    is_space = functools.reduce(tf.logical_or, [letters == ord(character) for character in WHITE_SPACE + APOSTROPHE])
    # A token starts after a space or the edge of the first text, and ends before a space.
    after_space = tf.concat([[True], is_space], axis=0)[:-1]
    starts, ends = (tf.where(edge)[:, 0] for edge in (~is_space & after_space, is_space & ~after_space))
    near = starts - tf.concat([[-2], ends], axis=0)[:-1] == 1
    joined = near & (tf.gather(letters, tf.maximum(starts - 1, 0)) == ord(APOSTROPHE))
    first_letters = tf.cumsum(tf.strings.length(texts) + 1, exclusive=True)
    starts, ends = tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)
    rows = tf.searchsorted(first_letters, starts, side="right") - 1
    first = tf.gather(first_letters, rows)
    ragged = functools.partial(tf.RaggedTensor.from_value_rowids, value_rowids=rows, nrows=tf.shape(texts)[0])
    return Spans(ragged(starts - first), ragged(ends - first), ragged(joined))
