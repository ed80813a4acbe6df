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
    # Of no text, the longest has a negative length.
    longest = tf.maximum(tf.reduce_max(tf.strings.length(text)), 0)
    tokens = tf.minimum(longest, max_tokens) + TOKENS_OF_A_TEXT + longest // BYTES_OF_A_TOKEN
    size = tf.maximum(PADDED_TOKENS // tokens, 1)
    # Most batches are one slice. It is answered outside of the condition, where an operation takes less time, and what
    # answers the others is not inlined, so that TensorFlow prepares it only where it is needed.
    first = function(text[:size])

    @tf.function(experimental_attributes={"_noinline": True})
    def with_others(first: dict, text: tf.Tensor, size: tf.Tensor) -> dict:
        return _with_others(function, first, text, size)

    return tf.cond(tf.size(text) <= size, lambda: first, lambda: with_others(first, text, size))


def _with_others(function: Callable[[tf.Tensor], dict], first: dict, text: tf.Tensor, size: tf.Tensor) -> dict:
    """Answers the slices after the first one, and joins the answers."""
    tf.debugging.assert_less_equal(tf.size(text), MOST_ROWS, f"Send at most {MOST_ROWS:,} texts in a request.")
    slices = -(-tf.size(text) // size)
    answered = {
        name: tf.TensorArray(values.dtype, slices, element_shape=values.shape, infer_shape=False).write(0, values)
        for name, values in first.items()
    }

    def run(place: tf.Tensor, answered: dict) -> tuple[tf.Tensor, dict]:
        found = function(text[place * size : (place + 1) * size])
        return place + 1, {name: answered[name].write(place, values) for name, values in found.items()}

    # One after the other: side by side, they would take the memory that this is to save.
    _, answered = tf.while_loop(lambda place, _: place < slices, run, (1, answered), parallel_iterations=1)
    return {name: values.concat() for name, values in answered.items()}
