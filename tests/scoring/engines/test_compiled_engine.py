"""What pools reviews is told by the names of the export's arrays, and `finish` takes what is pooled in order."""

import types

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.scoring.engines import compiled_engine
from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn
from beam_pipelines.scoring.engines.compiled_engine import CompiledEngine
from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics

# Windows of one filter, of one token each, and a column to sum; the words 2 and 3, and the bigram of both.
CNN = {"table": np.array([[0, 0], [0, 0], [5, 1], [-7, 2]], np.float32), "widths": np.array([1])}
LSTM = {"table": np.zeros((4, 8 + 1), np.float32), "recurrent": np.zeros((2, 1, 4), np.float32)}
NGRAMS = {
    "ngram_keys": np.array([2 << 32 | 3]),
    "ngram_rows": np.array([[0, 0], [0, 0], [10, 1], [20, 2], [40, 4]], np.float32),
}


def exported(arrays: dict, finish=None) -> types.SimpleNamespace:
    folded = {name: tf.constant(values) for name, values in arrays.items()}
    return types.SimpleNamespace(fold=lambda: folded, finish=finish)


@pytest.mark.parametrize(("arrays", "kind"), [(CNN, CompiledCnn), (LSTM, CompiledLstm)])
def test_a_model_without_ngrams_is_its_network(arrays, kind):
    assert type(compiled_engine.compiled_network(exported(arrays))) is kind


@pytest.mark.parametrize("arrays", [CNN, LSTM])
def test_the_sums_of_ngrams_come_last(arrays):
    """After all that the network alone pools."""
    reviews = np.array([2, 3, 2, 3, 1], np.int32), np.array([0, 3]), np.array([3, 2])
    alone = compiled_engine.compiled_network(exported(arrays)).pool(*reviews)
    *pooled, sums = compiled_engine.compiled_network(exported(arrays | NGRAMS)).pool(*reviews)
    for found, expected in zip(pooled, alone, strict=True):
        assert (found == expected).all()
    assert sums.tolist() == [[10 + 20 + 40, 1 + 2 + 4], [20, 2]]


@pytest.mark.parametrize(
    "arrays", [{}, NGRAMS, CNN | {"ngram_keys": NGRAMS["ngram_keys"]}, CNN | NGRAMS | {"other": np.zeros(1)}]
)
def test_other_arrays_have_no_compiled_form(arrays):
    assert compiled_engine.compiled_network(exported(arrays)) is None


def test_finish_makes_scores_of_all_that_is_pooled(monkeypatch):
    monkeypatch.setattr(compiled_engine, "CompiledEncoder", lambda folder, **settings: None)
    info = types.SimpleNamespace(
        training=types.SimpleNamespace(vocabulary=types.SimpleNamespace(first_trained_id=2)), max_tokens=9, rule=None
    )

    def finish(highest, lowest, mean, sums, ngram_sums):
        return {"score": highest[:, 0] + lowest[:, 0] + mean[:, 0] + sums[:, 0] + 100 * ngram_sums[:, 0]}

    model, metrics = exported(CNN | NGRAMS, finish), EngineMetrics()
    engine = CompiledEngine(model, compiled_engine.compiled_network(model), "", info)
    scores = engine.run(np.array([2, 3, 2, 3], np.int32), np.array([0, 2]), np.array([2, 1]), metrics)
    assert scores["score"].tolist() == [5 - 7 + 5 / 2 + 3 + 100 * 70, 5 + 5 + 5 + 1 + 100 * 10]
    assert (metrics.batches, metrics.tokens, metrics.slots) == (1, 3, 3)
