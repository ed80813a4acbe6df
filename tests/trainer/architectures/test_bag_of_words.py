"""The bag of words, summed up token by token, gives the logits of its layers."""

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import VOCABULARY, fitted, random_ids
from trainer.architectures import bag_of_words


def test_the_logits_of_the_rows_are_those_of_the_layers():
    model, ids = fitted("default", "lstm").model, random_ids()
    rows = bag_of_words.word_rows(model, ids.flat_values)
    sums = tf.math.segment_sum(rows, ids.value_rowids())
    expected = model.get_layer("words_logits")(model.get_layer("words")(ids.to_tensor()))
    assert bag_of_words.word_logits(model, sums).numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_padding_adds_nothing():
    model = fitted("default", "lstm").model
    rows = bag_of_words.word_rows(model, np.arange(VOCABULARY)).numpy()
    assert (rows[0] == 0).all()
    assert (rows[1:, -1] > 0).all()


def test_the_learned_vectors_are_those_of_the_bag():
    cnn = fitted("default", "cnn")
    assert cnn.learned_vectors().tolist() == cnn.model.get_layer("words").vectors.numpy().tolist()
