"""Reviews without a phrase, by hand and as any model of padded ids sees them."""

import tensorflow as tf

from trainer.architectures import left_out


def without_each(ids: list[int], phrases: list[tuple[int, int]], *, padding: int = 0) -> list[list[int]]:
    starts, sizes = (tf.constant(part, tf.int32) for part in zip(*phrases, strict=True))
    padded = tf.constant([*ids, *[0] * padding], tf.int64)
    return left_out.without_each(padded, tf.constant(len(ids), tf.int64), starts, sizes).numpy().tolist()


def test_every_phrase_leaves_all_the_others():
    found = without_each([5, 6, 7, 8, 9], [(0, 2), (2, 2), (4, 1)], padding=3)
    assert found == [[7, 8, 9, 0, 0], [5, 6, 9, 0, 0], [5, 6, 7, 8, 0]]


def test_an_empty_phrase_leaves_the_review():
    assert without_each([5, 6, 7], [(0, 0), (0, 2), (2, 1), (3, 0)]) == [[5, 6, 7], [7, 0, 0], [5, 6, 0], [5, 6, 7]]


def test_of_a_review_without_any_token_left_there_is_an_unknown_one():
    assert without_each([5, 6], [(0, 2)], padding=2) == [[1, 0]]


def test_outputs_are_those_of_what_is_left():
    """An output that depends on every token and its place among them."""

    def outputs(ids):
        return tf.reduce_sum(tf.cast(ids, tf.float32) * tf.range(1.0, tf.shape(ids)[1] + 1), axis=1, keepdims=True)

    ids = tf.ragged.constant([[5, 6, 7, 8, 9], [3, 4]], dtype=tf.int64)
    starts, sizes = tf.constant([[0, 4], [0, 2]]), tf.constant([[4, 1], [2, 0]])
    found = left_out.outputs_without(outputs, ids, starts, sizes).numpy()
    assert found[:, :, 0].tolist() == [[9, 5 + 2 * 6 + 3 * 7 + 4 * 8], [1, 3 + 2 * 4]]


def test_without_reviews_there_are_no_outputs():
    nothing = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), tf.zeros([0], tf.int64))
    empty = tf.zeros([0, 1], tf.int32)

    @tf.function(input_signature=[nothing._type_spec, tf.TensorSpec([None, None], tf.int32)])
    def traced(ids, starts):
        return left_out.outputs_without(lambda ids: tf.ones([tf.shape(ids)[0], 2]), ids, starts, starts)

    assert traced(nothing, empty).shape == (0, 1, 2)
