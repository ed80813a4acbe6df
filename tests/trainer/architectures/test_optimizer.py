"""The optimizer, its learning rate, and the precision of what it computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import SCORES, built
from trainer.architectures import optimizer


@pytest.mark.parametrize("name", ["cnn", "lstm"])
def test_the_bag_learns_faster_than_the_branch_over_frozen_vectors(name):
    """The first step of Adam is the learning rate, in the direction of the gradient."""
    untrained, head = built("default", name)
    model = untrained.model
    optimizer.compile_model(model, head, 0.01, decay_steps=None)
    # Output layers start at zero, so what is below them moves in the second step only.
    before = {weight.path: weight.numpy() for weight in model.trainable_weights}
    model.train_on_batch(np.full((4, 3), 5), SCORES[:4, None])
    moved = {weight.path: np.abs(weight.numpy() - before[weight.path]).max() for weight in model.trainable_weights}
    assert moved["words_logits/kernel"] == pytest.approx(0.01, rel=0.01)
    assert moved["frozen_logits/kernel"] == pytest.approx(0.001, rel=0.01)


def test_the_learning_rate_falls_along_a_cosine_or_stays():
    rates = {}
    for decay_steps in (None, 100):
        untrained, head = built("default", "cnn")
        optimizer.compile_model(untrained.model, head, 0.01, decay_steps=decay_steps)
        rates[decay_steps] = []
        for step in (0, 50, 100, 200):
            untrained.model.optimizer.iterations.assign(step)
            rates[decay_steps].append(float(untrained.model.optimizer.learning_rate))
    assert rates[None] == pytest.approx([0.01] * 4)
    assert rates[100] == pytest.approx([0.01, 0.0051, 0.0002, 0.0002])


def test_the_optimizer_adds_up_the_gradients_of_a_token_that_a_batch_holds_twice():
    """Slices of one row are one gradient, their sum, for the squares too."""
    steps = [([[1.0], [2.0]], [0, 0]), ([[3.0], [-1.0]], [0, 2])]
    ends = []
    for as_slices in (True, False):
        variable = keras.Variable(np.zeros((3, 1), np.float32), name="vectors")
        adam = optimizer.BranchAdam(0.1)
        adam.build([variable])
        for values, rows in steps:
            gradient = tf.IndexedSlices(tf.constant(values), tf.constant(rows), tf.constant([3, 1]))
            adam.apply([gradient if as_slices else tf.convert_to_tensor(gradient)], [variable])
        ends.append(variable.numpy())
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)
    assert ends[0][1] == 0
    assert ends[0][0] != ends[0][2]


def test_products_on_a_gpu_are_whole_once_the_fit_is_done():
    """An export is scored on a GPU when it is made, and elsewhere to see whether it still does the same."""
    is_rounded = tf.config.experimental.tensor_float_32_execution_enabled
    with optimizer.precision(mixed=False):
        assert is_rounded()
    assert not is_rounded()


def test_half_precision_ends_with_the_fit():
    before = keras.config.dtype_policy()
    with optimizer.precision(mixed=True):
        assert keras.config.dtype_policy().compute_dtype == "float16"
    assert keras.config.dtype_policy() is before
