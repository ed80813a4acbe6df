"""The two architectures: what they are made of, and that a score depends on its review alone."""

import keras
import numpy as np
import pytest

from trainer import models
from trainer.settings import TrainerSettings

VOCABULARY, DIM = 50, 6
TABLE = np.vstack([np.zeros((2, DIM)), np.random.default_rng(1).normal(size=(VOCABULARY - 2, DIM))]).astype(np.float32)


def built(**given) -> keras.Model:
    keras.utils.set_random_seed(5)
    settings = TrainerSettings(data="d", output="o", **{"first_score": "random", **given})
    return models.build(settings, TABLE, 40)


def fitted(**given) -> keras.Model:
    """A model after a few steps, so that normalisation has seen batches."""
    model = built(**given)
    models.compile(model, 0.01)
    random = np.random.default_rng(2)
    ids = random.integers(1, VOCABULARY, (64, 12)) * (np.arange(12) < random.integers(1, 13, (64, 1)))
    model.fit(ids, random.random((64, 1)), epochs=3, verbose=0)
    return model


def test_the_cnn_is_the_notebooks():
    convolution, normalization, pooling, hidden, dropout, score = built(model="cnn").layers[2:]
    assert (convolution.filters, convolution.kernel_size, convolution.activation) == (128, (5,), keras.activations.relu)
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert pooling.name == "pooling"
    assert (hidden.units, hidden.activation) == (64, keras.activations.linear)
    assert dropout.rate == 0.2
    assert (score.units, score.activation) == (1, keras.activations.linear)


def test_the_lstm_is_the_notebooks():
    vector_dropout, lstm, dropout, normalization, score = built(model="lstm").layers[2:]
    assert (type(vector_dropout), vector_dropout.rate) == (keras.layers.SpatialDropout1D, 0.2)
    assert (type(lstm), lstm.forward_layer.units) == (keras.layers.Bidirectional, 64)
    assert dropout.rate == 0.2
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert score.units == 1


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_vectors_are_frozen_unless_asked_for_or_missing(model):
    def learned(first_trained_id: int, **given) -> int:
        settings = TrainerSettings(data="d", output="o", model=model, **given)
        built = models.build(settings, TABLE, first_trained_id)
        return sum(int(np.prod(weight.shape)) for weight in built.get_layer("vectors").trainable_weights)

    assert learned(40) == 0
    assert learned(40, learn_vectors="missing") == 10 * DIM
    assert learned(2) == (VOCABULARY - 2) * DIM  # No token has a pretrained vector.


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_the_default_starts_in_the_middle_of_the_scale(model):
    ids = np.random.default_rng(0).integers(1, VOCABULARY, (5, 9))
    assert built(model=model, first_score="middle")(ids).numpy().ravel().tolist() == [0.5] * 5


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_a_score_depends_on_its_review_alone(model):
    """Alone, padded by 1 or by 300, beside a very long one: always the same."""
    model = fitted(model=model)
    random = np.random.default_rng(4)
    for length in (1, 3, 4, 5, 20):
        review = random.integers(1, VOCABULARY, length)
        alone = model(review[None]).numpy()[0, 0]
        for padding in (1, 7, 300):
            batch = np.zeros((3, length + padding), np.int64)
            batch[0, :length] = review
            batch[1] = random.integers(1, VOCABULARY, length + padding)
            batch[2, :1] = 1
            assert model(batch).numpy()[0, 0] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_training_sees_no_padding_either(model):
    """The step on a padded batch is the step on the same batch without the padding."""
    ids = np.random.default_rng(6).integers(1, VOCABULARY, (8, 10))
    scores = np.random.default_rng(7).random((8, 1))
    weights = []
    for padding in (0, 25):
        keras.utils.set_random_seed(5)
        fresh = built(model=model)
        for layer in fresh.layers:
            if hasattr(layer, "rate"):
                layer.rate = 0
        models.compile(fresh, 0.01)
        fresh.train_on_batch(np.pad(ids, [(0, 0), (0, padding)]), scores)
        weights.append([weight.numpy() for weight in fresh.trainable_weights])
    for without, with_padding in zip(*weights, strict=True):
        assert with_padding == pytest.approx(without, abs=2e-3)
