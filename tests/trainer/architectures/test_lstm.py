"""The LSTMs' folded form, and what they make of reviews without a phrase, are the model's outputs."""

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from tests.helpers.models import fitted, pooled_by, random_ids
from trainer import explanation
from trainer.architectures import left_out, shortened_recurrence


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_what_a_bulk_job_pools_of_a_folded_lstm_is_what_the_model_gives(preset):
    lstm, ids = fitted(preset, "lstm"), random_ids()
    folded = {name: values.numpy() for name, values in lstm.fold().items()}
    pooled = pooled_by(CompiledLstm(**folded), ids)
    assert len(pooled) == len(lstm.POOLED)
    assert lstm.read_out(*pooled).numpy() == pytest.approx(lstm.model(ids.to_tensor()).numpy(), abs=1e-5)


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_what_an_lstm_makes_of_a_review_without_a_phrase_is_what_it_makes_of_the_rest(preset, monkeypatch):
    """Of words of one token and of many, of reviews of one phrase and of 64, and of one without any token."""
    # Several blocks of phrases.
    monkeypatch.setattr(shortened_recurrence, "ROWS", 50)
    lstm, ids = fitted(preset, "lstm"), random_ids(longest=300)[:8]
    lengths = tf.concat([[0], ids.row_lengths()[1:]], axis=0)
    joined = tf.constant(np.random.default_rng(4).random([len(lengths), 300]) < [0.3]) & (tf.range(300) > 0)
    starts, sizes = explanation.cover(lengths, joined)
    whole, without = tf.function(lstm.outputs_and_without)(ids, starts, sizes)
    assert whole.numpy() == pytest.approx(lstm.model(ids.to_tensor()).numpy(), abs=1e-5)
    expected = tf.function(left_out.outputs_without)(lstm.outputs_of_padded, ids, starts, sizes)
    is_phrase = sizes.numpy() > 0
    assert is_phrase.sum() > 150
    assert without.numpy()[is_phrase] == pytest.approx(expected.numpy()[is_phrase], abs=1e-5)


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_a_batch_of_no_review_has_no_outputs(preset):
    lstm, ids = fitted(preset, "lstm"), tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), [])
    starts, sizes = explanation.cover(ids.row_lengths(), tf.zeros([0, 1], bool))
    whole, without = tf.function(lstm.outputs_and_without)(ids, starts, sizes)
    assert whole.shape[0] == without.shape[0] == 0
