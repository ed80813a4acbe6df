"""The masked layers against plain numpy, one review at a time without any padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.architectures import layers

TABLE = np.vstack([np.zeros((2, 4)), np.random.default_rng(0).normal(size=(6, 4))]).astype(np.float32)


@pytest.mark.parametrize("learned_from", [None, 2, 5, 8])
def test_vectors_are_those_of_the_table(learned_from):
    layer = layers.TokenVectors(TABLE, learned_from)
    ids = np.array([[2, 7, 1, 0], [5, 4, 0, 0]])
    assert layer(ids).numpy().tolist() == TABLE[ids].tolist()
    assert layer.compute_mask(ids).numpy().tolist() == (ids != 0).tolist()
    learned = sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
    assert learned == (0 if learned_from is None else (8 - learned_from) * 4)


def test_only_vectors_from_the_first_learned_id_change():
    layer = layers.TokenVectors(TABLE, 5)
    ids = keras.Input([None], dtype="int64")
    model = keras.Model(ids, keras.layers.Dense(1)(layers.MaskedGlobalMaxPooling1D()(layer(ids))))
    model.compile("sgd", "mae", jit_compile=False)
    model.fit(np.array([[2, 7, 6], [3, 5, 1]]), np.array([[5.0], [9.0]]), epochs=3, verbose=0)
    after = layer(np.arange(8)[None]).numpy()[0]
    assert (after[:5] == TABLE[:5]).all()
    assert (after[5:] != TABLE[5:]).any()


def plain_convolution(vectors: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """One window for each token: the token and the next ones, zeros past the end."""
    width = len(kernel)
    padded = np.vstack([vectors, np.zeros((width - 1, vectors.shape[1]))])
    return np.array([np.einsum("wd,wdf->f", padded[t : t + width], kernel) + bias for t in range(len(vectors))])


@pytest.mark.parametrize("length", [1, 2, 5, 9])
@pytest.mark.parametrize("padding", [0, 1, 30])
@pytest.mark.parametrize("gpu", [False, True])
def test_convolution_and_pooling_ignore_the_padding(length, padding, gpu, monkeypatch):
    """On a GPU the convolution is a product, which any device can compute."""
    monkeypatch.setattr(layers, "has_gpu", lambda: gpu)
    random = np.random.default_rng(length)
    vectors = random.normal(size=(length, 4)).astype(np.float32)
    convolution = layers.MaskedConv1D(3, 5)
    # What stands in the padding must not matter.
    padded = np.vstack([vectors, random.normal(size=(padding, 4))]).astype(np.float32)[None]
    mask = (np.arange(length + padding) < length)[None]
    windows = convolution(padded, mask=mask)
    convolution.bias.assign([5, -5, 1])
    windows = convolution(padded, mask=mask)
    expected = plain_convolution(vectors, convolution.kernel.numpy(), convolution.bias.numpy())
    assert windows.numpy()[0, :length] == pytest.approx(expected, abs=1e-5)
    pooled = layers.MaskedGlobalMaxPooling1D()(windows, mask=mask)
    assert pooled.numpy()[0] == pytest.approx(expected.max(axis=0), abs=1e-5)


@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("padding", [0, 1, 30])
def test_the_lstm_reads_the_tokens_both_ways_and_no_padding(length, padding):
    """Against Keras's own two LSTMs over the tokens alone, in order and in reverse."""
    random = np.random.default_rng(length)
    vectors = random.normal(size=(1, length, 4)).astype(np.float32)
    padded = np.concatenate([vectors, random.normal(size=(1, padding, 4)).astype(np.float32)], axis=1)
    mask = (np.arange(length + padding) < length)[None]
    sequences = layers.MaskedBidirectionalLSTM(3, return_sequences=True)
    last = layers.MaskedBidirectionalLSTM(3, return_sequences=False)
    states = sequences(padded, mask=mask).numpy()[0, :length]
    last(padded, mask=mask)
    last.set_weights(sequences.get_weights())
    forward = sequences.forward(vectors).numpy()[0]
    backward = sequences.backward(vectors[:, ::-1]).numpy()[0]
    assert states == pytest.approx(np.hstack([forward, backward[::-1]]), abs=1e-5)
    assert last(padded, mask=mask).numpy()[0] == pytest.approx(np.hstack([forward[-1], backward[-1]]), abs=1e-5)


def test_the_lstm_learns_as_kerass_does():
    """A step of ours is a step of Keras's, with masks in its loops, on the same weights."""
    random = np.random.default_rng(0)
    ids, truths = random.integers(2, 8, (5, 6)), random.normal(size=(5, 1))
    ids[1:3, 4:] = 0

    def model(lstm) -> keras.Model:
        given = keras.Input([None], dtype="int64")
        built = keras.Model(given, keras.layers.Dense(1)(lstm(layers.TokenVectors(TABLE, None)(given))))
        built.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
        return built

    ours = model(layers.MaskedBidirectionalLSTM(3, return_sequences=False))
    kerass = model(keras.layers.Bidirectional(keras.layers.LSTM(3)))
    kerass.set_weights(ours.get_weights())
    for built in (ours, kerass):
        built.train_on_batch(ids, truths)
    for one, other in zip(ours.get_weights(), kerass.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_the_slope_and_the_shift_are_those_of_a_batch_normalisation():
    normalization = keras.layers.BatchNormalization()
    random = np.random.default_rng(3)
    inputs = random.normal(size=(5, 4)).astype(np.float32)
    normalization(inputs)
    normalization.set_weights([random.uniform(0.5, 2, 4) for _ in range(4)])
    slope, shift = layers.slope_and_shift(normalization)
    assert inputs * slope.numpy() + shift.numpy() == pytest.approx(normalization(inputs).numpy(), abs=1e-5)


def test_in_training_a_bag_of_words_reads_each_token_once():
    """Its sums and gradients are the same; the gradient of the vectors has a row for each token of the batch."""
    words = layers.WeightedTokens(TABLE)
    ids = np.array([[2, 7, 7, 2, 7], [5, 2, 0, 0, 0]])
    words.log_weights.assign(np.random.default_rng(3).normal(size=8))
    found = []
    for training in (False, True):
        with tf.GradientTape() as tape:
            sums = words(ids, training=training)
            loss = tf.reduce_sum(sums**2)
        vectors, log_weights = tape.gradient(loss, [words.vectors.value, words.log_weights.value])
        found.append([sums, tf.convert_to_tensor(vectors), tf.convert_to_tensor(log_weights)])
    for one, other in zip(*found, strict=True):
        assert other.numpy() == pytest.approx(one.numpy(), abs=1e-6)
    assert sorted(vectors.indices.numpy()) == [0, 2, 5, 7]


@pytest.mark.parametrize("gpu", [False, True])
def test_joined_convolutions_are_those_that_were_joined(gpu, monkeypatch):
    monkeypatch.setattr(layers, "has_gpu", lambda: gpu)
    convolutions = [layers.MaskedConv1D(filters, width, activation="relu") for filters, width in ((2, 1), (3, 4))]
    random = np.random.default_rng(0)
    vectors, mask = random.normal(size=(2, 6, 4)).astype(np.float32), np.arange(6) < [[6], [3]]
    for convolution in convolutions:
        convolution.build(vectors.shape)
        convolution.bias.assign(random.normal(size=convolution.filters))
    apart = [convolution(vectors, mask=mask) for convolution in convolutions]
    joined = layers.JoinedConvolutions(convolutions)(vectors, mask=mask)
    assert joined.numpy() == pytest.approx(np.concatenate(apart, axis=2), abs=1e-6)
