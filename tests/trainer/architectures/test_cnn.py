"""The CNNs' folded form gives the model's outputs, from tables and without them, and their parts add up to them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import VOCABULARY, fitted, random_ids
from trainer.architectures import token_tables
from trainer.architectures.architecture import FROZEN_VECTORS


@pytest.mark.parametrize("preset", ["default", "notebook"])
@pytest.mark.parametrize("in_tables", [True, False])
def test_what_is_pooled_of_tables_is_what_the_model_gives(preset, in_tables, monkeypatch):
    """Of reviews side by side without padding; no window reads the next review."""
    if not in_tables:
        monkeypatch.setattr(token_tables, "LARGEST_TABLES_BYTES", 0)
    cnn, ids = fitted(preset, "cnn"), random_ids()
    assert cnn.tables.in_tables == in_tables
    assert cnn.replaced_weights == ({FROZEN_VECTORS} if in_tables else set())
    expected = cnn.model(ids.to_tensor()).numpy()
    assert cnn.outputs(ids).numpy() == pytest.approx(expected, abs=1e-5)
    padded = tf.pad(ids.to_tensor(), [[0, 0], [0, 9]])
    assert cnn.outputs_of_padded(padded).numpy() == pytest.approx(expected, abs=1e-5)
    assert cnn.outputs(ids[:0]).shape == (0, cnn.model.output_shape[-1])


def test_tables_may_first_be_needed_in_a_graph():
    cnn, ids = fitted("default", "cnn"), random_ids()
    graph = tf.function(lambda flat, lengths: cnn.outputs(tf.RaggedTensor.from_row_lengths(flat, lengths)))
    in_graph = graph(ids.flat_values, ids.row_lengths()).numpy()
    assert in_graph == pytest.approx(cnn.outputs(ids).numpy(), abs=1e-6)


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_contributions_and_constants_add_up_to_the_models_outputs(preset):
    """Of reviews of any length, with padding, which itself contributes nothing."""
    cnn = fitted(preset, "cnn")
    random = np.random.default_rng(4)
    ids = random.integers(1, VOCABULARY, (30, 25)) * (np.arange(25) < random.integers(1, 26, (30, 1)))
    parts, constants = cnn.contributions(tf.RaggedTensor.from_tensor(ids, padding=0))
    parts = tf.pad(parts, [[0, 0], [0, ids.shape[1] - parts.shape[1]], [0, 0]])
    assert (parts.numpy()[ids == 0] == 0).all()
    assert np.abs(parts.numpy()[ids != 0]).max() > 0.01
    assert constants.numpy() + parts.numpy().sum(axis=1) == pytest.approx(cnn.model(ids).numpy(), abs=1e-5)
