"""All architectures: what they are made of, and that a score depends on its review alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import DIM, SCORES, TABLE, VOCABULARY, built, fitted
from trainer.architectures import architecture, optimizer
from trainer.architectures.architecture import Architecture, WordVectors

ARCHITECTURES = [(preset, name) for preset in ("default", "notebook") for name in ("cnn", "lstm")]
# The sum of the absolute values of all weights, as seed 5 has given them since the first checkpoints.
FIRST_WEIGHTS = {
    ("default", "cnn"): 704.27940,
    ("default", "lstm"): 1222.17156,
    ("notebook", "cnn"): 1381.94818,
    ("notebook", "lstm"): 2470.34331,
}


def test_the_cnn_is_the_notebooks():
    convolution, normalization, pooling, hidden, dropout, score = built("notebook", "cnn")[0].model.layers[2:]
    assert (convolution.filters, convolution.kernel_size, convolution.activation) == (128, (5,), keras.activations.relu)
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert pooling.name == "pooling"
    assert (hidden.units, hidden.activation) == (64, keras.activations.linear)
    assert dropout.rate == 0.2
    assert (score.units, score.activation) == (1, keras.activations.linear)


def test_the_lstm_is_the_notebooks():
    vector_dropout, lstm, dropout, normalization, score = built("notebook", "lstm")[0].model.layers[2:]
    assert (type(vector_dropout), vector_dropout.rate) == (keras.layers.SpatialDropout1D, 0.2)
    assert (lstm.forward.units, lstm.backward.units, lstm.return_sequences) == (64, 64, False)
    assert dropout.rate == 0.2
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert score.units == 1


@pytest.mark.parametrize(("preset", "name"), ARCHITECTURES)
def test_vectors_are_frozen_unless_asked_for_or_missing(preset, name):
    def learned(first_trained_id: int, *, learn_missing: bool) -> int:
        vectors = WordVectors.of(TABLE, first_trained_id, learn_missing=learn_missing)
        model = built(preset, name, learned_from=vectors.learned_from)[0].model
        return sum(int(np.prod(weight.shape)) for weight in model.get_layer("vectors").trainable_weights)

    assert learned(40, learn_missing=False) == 0
    assert learned(40, learn_missing=True) == 10 * DIM
    assert learned(2, learn_missing=False) == (VOCABULARY - 2) * DIM  # No token has a pretrained vector.


@pytest.mark.parametrize("name", ["cnn", "lstm"])
def test_the_default_starts_with_the_training_distribution(name):
    untrained, head = built("default", name)
    ids = np.random.default_rng(0).integers(1, VOCABULARY, (5, 9))
    masses = keras.ops.softmax(untrained.model(ids)).numpy()
    assert masses == pytest.approx(np.tile(head.shares, (5, 1)), abs=0.01)


@pytest.mark.parametrize(("preset", "name"), ARCHITECTURES)
def test_a_score_depends_on_its_review_alone(preset, name):
    """Alone, padded by 1 or by 300, beside a very long one: always the same."""
    model = fitted(preset, name).model
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


@pytest.mark.parametrize(("preset", "name"), ARCHITECTURES)
def test_training_sees_no_padding_either(preset, name):
    """The step on a padded batch is the step on the same batch without the padding."""
    ids = np.random.default_rng(6).integers(1, VOCABULARY, (8, 10))
    weights = []
    for padding in (0, 25):
        fresh, head = built(preset, name)
        for layer in fresh.model.layers:
            if hasattr(layer, "rate"):
                layer.rate = 0
        optimizer.compile_model(fresh.model, head, 0.01, decay_steps=None)
        fresh.model.train_on_batch(
            np.pad(ids, [(0, 0), (0, padding)]), np.array(head.targets(SCORES[:8].astype(np.float32)))
        )
        weights.append([weight.numpy() for weight in fresh.model.trainable_weights])
    for without, with_padding in zip(*weights, strict=True):
        assert with_padding == pytest.approx(without, abs=2e-3)


@pytest.mark.parametrize(("preset", "name"), ARCHITECTURES)
def test_a_seed_gives_the_first_weights_that_it_always_gave(preset, name):
    """Each layer takes the next seed, so this order of making them is a part of what a seed means."""
    model = built(preset, name)[0].model
    total = sum(float(np.abs(weight.numpy()).sum()) for weight in model.weights)
    assert total == pytest.approx(FIRST_WEIGHTS[preset, name], rel=1e-5)


def test_what_is_served_by_default_is_the_model_on_padded_ids():
    """Of ragged ids and of padded ones, of no reviews too."""
    served = Architecture(built("default", "lstm")[0].model)
    ids = tf.ragged.constant([[3], [4, 5, 6, 7], [8, 9]], dtype=tf.int64)
    expected = served.model(ids.to_tensor()).numpy()
    assert served.outputs(ids).numpy().tolist() == expected.tolist()
    assert served.outputs_of_padded(ids.to_tensor()).numpy().tolist() == expected.tolist()
    assert architecture.pad(ids[:0]).shape == (0, 1)


def test_paths_of_weights_that_a_warm_start_carries_are_there():
    """All but the learned vectors, which only some models have."""
    for preset, name in ARCHITECTURES:
        built_one = built(preset, name, learned_from=40)[0]
        paths = {weight.path for weight in built_one.model.weights}
        assert built_one.BY_TOKEN | built_one.BY_OUTPUT | {architecture.FROZEN_VECTORS} <= paths
