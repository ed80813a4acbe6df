"""The two architectures: what they are made of, and that a score depends on its review alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import DIM, SCORES, TABLE, VOCABULARY, built, fitted
from trainer.architectures import build
from trainer.settings import TrainerSettings

ARCHITECTURES = [(preset, model) for preset in ("default", "notebook") for model in ("cnn", "lstm")]


def test_the_cnn_is_the_notebooks():
    convolution, normalization, pooling, hidden, dropout, score = built("notebook", "cnn")[0].layers[2:]
    assert (convolution.filters, convolution.kernel_size, convolution.activation) == (128, (5,), keras.activations.relu)
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert pooling.name == "pooling"
    assert (hidden.units, hidden.activation) == (64, keras.activations.linear)
    assert dropout.rate == 0.2
    assert (score.units, score.activation) == (1, keras.activations.linear)


def test_the_lstm_is_the_notebooks():
    vector_dropout, lstm, dropout, normalization, score = built("notebook", "lstm")[0].layers[2:]
    assert (type(vector_dropout), vector_dropout.rate) == (keras.layers.SpatialDropout1D, 0.2)
    assert (lstm.forward.units, lstm.backward.units, lstm.return_sequences) == (64, 64, False)
    assert dropout.rate == 0.2
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert score.units == 1


@pytest.mark.parametrize(("preset", "model"), ARCHITECTURES)
def test_vectors_are_frozen_unless_asked_for_or_missing(preset, model):
    def learned(first_trained_id: int, **given) -> int:
        settings = TrainerSettings(data="d", output="o", model=model, preset=preset, **given)
        built = build.build(settings, TABLE, first_trained_id, build.head_for(settings, SCORES))
        return sum(int(np.prod(weight.shape)) for weight in built.get_layer("vectors").trainable_weights)

    assert learned(40) == 0
    assert learned(40, learn_vectors="missing") == 10 * DIM
    assert learned(2) == (VOCABULARY - 2) * DIM  # No token has a pretrained vector.


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_the_default_starts_with_the_training_distribution(model):
    untrained, head = built("default", model)
    ids = np.random.default_rng(0).integers(1, VOCABULARY, (5, 9))
    masses = keras.ops.softmax(untrained(ids)).numpy()
    assert masses == pytest.approx(np.tile(head.shares, (5, 1)), abs=0.01)


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_the_bag_learns_faster_than_the_branch_over_frozen_vectors(model):
    """The first step of Adam is the learning rate, in the direction of the gradient."""
    untrained, head = built("default", model)
    build.compile(untrained, head, 0.01, decay_steps=None)
    # Output layers start at zero, so what is below them moves in the second step only.
    before = {weight.path: weight.numpy() for weight in untrained.trainable_weights}
    untrained.train_on_batch(np.full((4, 3), 5), SCORES[:4, None])
    moved = {weight.path: np.abs(weight.numpy() - before[weight.path]).max() for weight in untrained.trainable_weights}
    assert moved["words_logits/kernel"] == pytest.approx(0.01, rel=0.01)
    assert moved["frozen_logits/kernel"] == pytest.approx(0.001, rel=0.01)


def test_the_optimizer_adds_up_the_gradients_of_a_token_that_a_batch_holds_twice():
    """Slices of one row are one gradient, their sum, for the squares too."""
    steps = [([[1.0], [2.0]], [0, 0]), ([[3.0], [-1.0]], [0, 2])]
    found = []
    for as_slices in (True, False):
        variable = keras.Variable(np.zeros((3, 1), np.float32), name="vectors")
        optimizer = build.BranchAdam(0.1)
        optimizer.build([variable])
        for values, rows in steps:
            gradient = tf.IndexedSlices(tf.constant(values), tf.constant(rows), tf.constant([3, 1]))
            optimizer.apply([gradient if as_slices else tf.convert_to_tensor(gradient)], [variable])
        found.append(variable.numpy())
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[0][1] == 0
    assert found[0][0] != found[0][2]


@pytest.mark.parametrize(("preset", "model"), ARCHITECTURES)
def test_a_score_depends_on_its_review_alone(preset, model):
    """Alone, padded by 1 or by 300, beside a very long one: always the same."""
    model = fitted(preset, model)
    random = np.random.default_rng(4)
    for length in (1, 3, 4, 5, 20):
        review = random.integers(1, VOCABULARY, length)
        alone = model(review[None]).numpy()[0]
        for padding in (1, 7, 300):
            batch = np.zeros((3, length + padding), np.int64)
            batch[0, :length] = review
            batch[1] = random.integers(1, VOCABULARY, length + padding)
            batch[2, :1] = 1
            assert model(batch).numpy()[0] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize(("preset", "model"), ARCHITECTURES)
def test_training_sees_no_padding_either(preset, model):
    """The step on a padded batch is the step on the same batch without the padding."""
    ids = np.random.default_rng(6).integers(1, VOCABULARY, (8, 10))
    weights = []
    for padding in (0, 25):
        fresh, head = built(preset, model)
        for layer in fresh.layers:
            if hasattr(layer, "rate"):
                layer.rate = 0
        build.compile(fresh, head, 0.01, decay_steps=None)
        fresh.train_on_batch(np.pad(ids, [(0, 0), (0, padding)]), SCORES[:8, None])
        weights.append([weight.numpy() for weight in fresh.trainable_weights])
    for without, with_padding in zip(*weights, strict=True):
        assert with_padding == pytest.approx(without, abs=2e-3)


def test_products_on_a_gpu_are_whole_once_the_fit_is_done():
    """An export is scored on a GPU when it is made, and elsewhere to see whether it still does the same."""
    is_rounded = tf.config.experimental.tensor_float_32_execution_enabled
    with build.precision(mixed=False):
        assert is_rounded()
    assert not is_rounded()
