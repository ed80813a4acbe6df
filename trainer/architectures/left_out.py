"""What a model makes of reviews without a phrase, each phrase in turn: for any model of padded ids."""

from collections.abc import Callable

import tensorflow as tf

from beam_pipelines.text.vocabulary import PADDING_ID, UNKNOWN_ID


def outputs_without(
    outputs: Callable[[tf.Tensor], tf.Tensor], ids: tf.RaggedTensor, starts: tf.Tensor, sizes: tf.Tensor
) -> tf.Tensor:
    """Computes a model's outputs without each phrase, float32 [batch, phrases, outputs].

    Args:
      outputs: Of padded ids, int64 [batch, time] -> float32 [batch, outputs].
      ids: int64 [batch, time].
      starts: int32 [batch, phrases].
      sizes: int32 [batch, phrases].
    """

    def of_review(review: tuple[tf.Tensor, ...]) -> tf.Tensor:
        return outputs(without_each(*review))

    count = outputs(tf.constant([[UNKNOWN_ID]], tf.int64)).shape[-1]
    # Of no review at all, `map_fn` cannot tell the number of phrases (TensorFlow 2.21).
    missing = tf.maximum(1 - ids.nrows(tf.int32), 0)
    reviews = [ids.to_tensor(PADDING_ID), ids.row_lengths(), starts, sizes]
    filled = [tf.pad(part, [[0, missing], *[[0, 0]] * (len(part.shape) - 1)]) for part in reviews]
    # One review after the other: each becomes as many as it has phrases.
    found = tf.map_fn(
        of_review,
        tuple(filled),
        fn_output_signature=tf.TensorSpec([None, count], tf.float32),
        parallel_iterations=1,
    )
    return found[: ids.nrows()]


def without_each(ids: tf.Tensor, length: tf.Tensor, starts: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Takes each phrase out of a review.

    Args:
      ids: int64 [time], padded.
      length: int64, the tokens of the review.
      starts: int32 [phrases], the first token of each phrase.
      sizes: int32 [phrases], how many it has.

    Returns:
      The ids without it, int64 [phrases, length], padded; one unknown token where none is left.
    """
    indices = tf.range(tf.cast(length, tf.int32))
    # The indices of the tokens that stay, then some past the end, of padding.
    kept = indices + tf.where(indices >= starts[:, tf.newaxis], sizes[:, tf.newaxis], 0)
    padding = tf.fill([tf.reduce_max(sizes)], tf.constant(PADDING_ID, tf.int64))
    without = tf.gather(tf.concat([ids[:length], padding], axis=0), kept)
    first = tf.where(without[:, :1] == PADDING_ID, tf.constant(UNKNOWN_ID, tf.int64), without[:, :1])
    return tf.concat([first, without[:, 1:]], axis=1)
