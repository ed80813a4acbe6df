"""The one tokeniser: the TensorFlow operations that split text into tokens.

The tf.Transform graph runs these operations, and serving runs the graph. Preprocessing and bulk scoring run the
compiled twin, `compiled_tokenizer`.
"""

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
_FILTER = "[" + "".join(f"\\x{ord(character):02x}" for character in FILTERED) + "]"
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


def spans(texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Finds the spans of the tokens of `tokenize` in the texts.

    A filtered character is one byte and becomes one space, so the filter moves no offset. Lower case does, and is
    left out: it neither makes nor joins tokens.

    Args:
      texts: string [batch], UTF-8.

    Returns:
      The offset of each token's first byte, and of the byte after its last, ragged int32 [batch, tokens].
    """
    letters = tf.strings.bytes_split(tf.strings.regex_replace(texts, _FILTER, " "))
    space = tf.reduce_any(letters.flat_values[:, tf.newaxis] == tf.constant(list(WHITE_SPACE)), axis=1)
    offsets = tf.ragged.range(tf.cast(letters.row_lengths(), tf.int32))
    padded = letters.with_flat_values(space)
    # A token starts after a space or the edge of the text, and ends before one.
    edge = tf.fill([tf.shape(texts)[0], 1], True)
    before = tf.concat([edge, padded], axis=1)[:, :-1]
    after = tf.concat([padded, edge], axis=1)[:, 1:]
    starts = tf.ragged.boolean_mask(offsets, letters.with_flat_values(~space & before.flat_values))
    ends = tf.ragged.boolean_mask(offsets, letters.with_flat_values(~space & after.flat_values))
    return starts, ends + 1
