"""Answers the rows of a large batch in slices, so that a request takes memory for what it holds, not for its padding.

A batch is padded to its longest review: a thousand reviews of one letter and a long one, a few kilobytes, would take
gigabytes at once.
"""

from collections.abc import Callable

import tensorflow as tf

# Of a slice, padding included: those of about 32 reviews that are cut after 4,096.
PADDED_TOKENS = 32 * 4_096
# A text takes as much memory as so many tokens beside its own, and so many bytes as a token: all of a text is read.
TOKENS_OF_A_TEXT = 32
BYTES_OF_A_TOKEN = 32
# The answer, of which a text in a request can be a thousandth, takes memory too.
MOST_ROWS = 65_536


def answer(function: Callable[[tf.Tensor], dict], text: tf.Tensor, max_tokens: int) -> dict:
    """Calls a function with slices of texts, each of which it can pad to `PADDED_TOKENS` at most, or of one text.

    Args:
      function: text string [batch] -> tensors [batch, ...] by name; what it says of a text depends on no other text. A
        `tf.function`, which is called twice, is exported once.
      text: string [batch].
      max_tokens: The most tokens of a text that are padded. A text has no more tokens than bytes.

    Returns:
      What the function returns of all texts.

    Raises:
      tf.errors.InvalidArgumentError: There are more than `MOST_ROWS` texts.
    """
    sizes = _sizes(text, max_tokens)
    # Of no text, the smallest size is the greatest number.
    size = tf.reduce_min(sizes)
    # Most batches are one slice. It is answered outside of the condition, where an operation takes less time, and what
    # answers the others is not inlined, so that TensorFlow prepares it only where it is needed.
    first = function(text[:size])

    @tf.function(experimental_attributes={"_noinline": True})
    def with_others(first: dict, text: tf.Tensor, sizes: tf.Tensor) -> dict:
        return _with_others(function, first, text, sizes)

    return tf.cond(tf.size(text) <= size, lambda: first, lambda: with_others(first, text, sizes))


def _sizes(text: tf.Tensor, max_tokens: int) -> tf.Tensor:
    """How many texts a slice can hold whose longest one is each of these, int32 [batch]."""
    length = tf.strings.length(text)
    tokens = tf.minimum(length, max_tokens) + TOKENS_OF_A_TEXT + length // BYTES_OF_A_TOKEN
    return tf.maximum(PADDED_TOKENS // tokens, 1)


def _with_others(function: Callable[[tf.Tensor], dict], first: dict, text: tf.Tensor, sizes: tf.Tensor) -> dict:
    """Answers the slices after the first one, and joins the answers."""
    tf.debugging.assert_less_equal(tf.size(text), MOST_ROWS, f"Send at most {MOST_ROWS:,} texts in a request.")
    begun = tf.reduce_min(sizes)
    text, sizes = text[begun:], sizes[begun:]
    # The longest ones first: slices hold texts of like length, and only those of long texts hold few.
    order = tf.argsort(sizes, stable=True)
    answered = {
        name: tf.TensorArray(values.dtype, 0, dynamic_size=True, element_shape=values.shape, infer_shape=False)
        for name, values in first.items()
    }

    def run(slices: tf.Tensor, done: tf.Tensor, answered: dict) -> tuple[tf.Tensor, tf.Tensor, dict]:
        rows = order[done : done + sizes[order[done]]]
        found = function(tf.gather(text, rows))
        written = {name: answered[name].write(slices, values) for name, values in found.items()}
        return slices + 1, done + tf.size(rows), written

    # One after the other: side by side, they would take the memory that this is to save.
    _, _, answered = tf.while_loop(
        lambda slices, done, answered: done < tf.size(text), run, (0, 0, answered), parallel_iterations=1
    )
    places = tf.math.invert_permutation(order)
    return {name: tf.concat([values, tf.gather(answered[name].concat(), places)], 0) for name, values in first.items()}
