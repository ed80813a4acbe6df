"""The compiled recurrence against Keras's own bidirectional LSTM, its masks and its gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.architectures import layers, recurrence

# More reviews than a thread takes; one review; units that fill no vector.
SIZES = {"many": (70, 40, 20, 32), "one": (1, 9, 5, 8), "odd": (5, 7, 4, 3)}


def values_and_gradients(layer, sequences, mask, weights, **flags) -> list[np.ndarray]:
    """The states, then the gradients of their weighted sum by the inputs and all variables."""
    with tf.GradientTape() as tape:
        states = layer(sequences, mask=mask, **flags)
        total = tf.reduce_sum(states * weights)
    return [states * (weights != 0), *tape.gradient(total, [sequences, *layer.trainable_weights])]


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_states_and_gradients_are_kerass(size, return_sequences):
    batch, time, dim, units = SIZES[size]
    random = np.random.default_rng(batch)
    lengths = random.integers(1, time, batch)
    lengths[0] = time
    mask = np.arange(time) < lengths[:, None]
    sequences = tf.Variable(random.normal(size=(batch, time, dim)).astype(np.float32))
    ours = layers.MaskedBidirectionalLSTM(units, return_sequences=return_sequences)
    kerass = keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=return_sequences))
    for layer in (ours, kerass):
        layer(sequences, mask=mask)
    ours.set_weights([random.normal(scale=0.3, size=weight.shape) for weight in ours.get_weights()])
    kerass.set_weights(ours.get_weights())
    weights = random.normal(size=(batch, time, 2 * units) if return_sequences else (batch, 2 * units))
    weights = weights.astype(np.float32) * (mask[..., None] if return_sequences else 1)
    results = values_and_gradients(ours, sequences, mask, weights, training=True)
    expected = values_and_gradients(kerass, sequences, mask, weights)
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-4, atol=1e-5 * np.abs(value).max())


def test_a_gradient_that_vanishes_becomes_zero():
    """Denormal numbers, which halving comes to in the end, would make a long review many times as slow."""
    inputs = tf.Variable(np.random.default_rng(0).normal(size=(2, 4, 400, 2, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        forward, _ = recurrence.states(inputs, tf.zeros((2, 4, 4, 4)), tf.constant([400, 400]))
        total = tf.reduce_sum(forward[-1])
    sizes = np.abs(tape.gradient(total, inputs).numpy()[0])
    assert (sizes[:, -1] > 0).any()
    assert not sizes[:, 0].any()
    assert not ((sizes > 0) & (sizes < np.finfo(np.float32).tiny)).any()


def test_nan_passes_through_states_and_gradients():
    """Training tells by its loss that it has diverged."""
    layer = layers.MaskedBidirectionalLSTM(3, return_sequences=False)
    sequences = tf.Variable(np.ones((2, 5, 4), np.float32))
    layer(sequences)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(sequences, training=True) * np.nan)
    assert np.isnan(tape.gradient(total, sequences)).all()
    layer.set_weights([np.full_like(weight, np.nan) for weight in layer.get_weights()])
    assert np.isnan(layer(sequences, training=True)).all()


def test_only_training_runs_it():
    """An export cannot hold it."""
    layer = layers.MaskedBidirectionalLSTM(3, return_sequences=False)
    spec = tf.TensorSpec([None, None, 4])
    for training in (True, False):
        graph = tf.function(lambda x, training=training: layer(x, training=training)).get_concrete_function(spec).graph
        kinds = {operation.type for operation in graph.get_operations()}
        assert ("PyFuncStateless" in kinds) == training
