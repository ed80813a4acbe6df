"""The folded form says what the model says, from tables and without them, and the export holds nothing twice."""

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn
from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from tests.helpers.exports import version
from tests.helpers.models import SCORES, VOCABULARY, fitted
from trainer import data, export
from trainer.architectures import build, cnn, lstm
from trainer.settings import TrainerSettings


def random_ids(*, longest: int = 40) -> tf.RaggedTensor:
    """Reviews of 1 to `longest` tokens, some of a single one, int64 [batch, time]."""
    random = np.random.default_rng(8)
    lengths = np.concatenate([[1, 1, 2, longest], random.integers(1, longest + 1, 30)])
    return tf.RaggedTensor.from_row_lengths(random.integers(1, VOCABULARY, lengths.sum()), lengths)


def said(model, rows: cnn.Rows, ids: tf.RaggedTensor) -> np.ndarray:
    return cnn.finish(model, *rows.pool(ids)).numpy()


def pooled_by(network, ids: tf.RaggedTensor) -> tuple[np.ndarray, ...]:
    return network.pool(ids.flat_values.numpy(), ids.row_starts().numpy(), ids.row_lengths().numpy())


@pytest.mark.parametrize("preset", ["default", "notebook"])
@pytest.mark.parametrize("in_tables", [True, False])
def test_what_is_pooled_of_rows_is_what_the_model_says(preset, in_tables, monkeypatch):
    """Of reviews side by side without padding; no window reads the next review."""
    if not in_tables:
        monkeypatch.setattr(cnn, "LARGEST_TABLES_BYTES", 0)
    model, ids = fitted(preset, "cnn"), random_ids()
    rows = cnn.Rows(model)
    assert rows.in_tables == in_tables
    assert said(model, rows, ids) == pytest.approx(model(ids.to_tensor()).numpy(), abs=1e-5)
    assert said(model, rows, ids[:0]).shape == (0, model.output_shape[-1])


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_a_bulk_job_pools_the_same_of_the_folded_table(preset):
    model, ids = fitted(preset, "cnn"), random_ids()
    rows = cnn.Rows(model)
    folded = {name: values.numpy() for name, values in rows.fold().items()}
    for pooled, values in zip(pooled_by(CompiledCnn(**folded), ids), rows.pool(ids), strict=True):
        assert pooled == pytest.approx(values.numpy(), abs=1e-5)


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_what_a_bulk_job_pools_of_a_folded_lstm_is_what_the_model_says(preset):
    model, ids = fitted(preset, "lstm"), random_ids()
    folded = {name: values.numpy() for name, values in lstm.fold(model).items()}
    outputs = lstm.finish(model, *pooled_by(CompiledLstm(**folded), ids))
    assert outputs.numpy() == pytest.approx(model(ids.to_tensor()).numpy(), abs=1e-5)


def test_rounding_does_not_add_up_along_thousands_of_equal_tokens():
    rows = cnn.Rows(fitted("default", "cnn"))
    once, often = (rows.pool(tf.ragged.constant([[7] * times], dtype=tf.int64))[-1].numpy() for times in (1, 4096))
    assert often == pytest.approx(4096 * once, rel=1e-6)


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_what_is_served_is_what_the_model_says(preset, prepared):
    """Of text without tokens, of one token, and of text that is cut after 200."""
    reviews = data.PreparedReviews.load(str(prepared))
    settings = TrainerSettings(data="d", output="o", model="cnn", preset=preset)
    head = build.head_for(settings, SCORES)
    model = build.build(settings, reviews.vectors(), reviews.first_trained_id, head)
    random = np.random.default_rng(9)
    model.set_weights([weight + random.uniform(-0.05, 0.1, weight.shape) for weight in model.get_weights()])
    if preset == "notebook":
        # Its output is a score: most would be cut off at an end of the scale.
        last = model.get_layer("score")
        last.set_weights([0.05 * last.kernel.numpy(), np.array([0.5])])
    scorer = export.ReviewScorer(reviews.transform_graph, model, head, 0.1, reviews.scale)
    words = reviews.vocabulary()
    texts = ["", "excellent", "zzz", "excellent boring " * 300, "boring " * 200]
    texts += [" ".join(random.choice(words, size)) for size in random.integers(1, 150, 20)]
    encoded, served = scorer.encode(tf.constant(texts)), scorer.serve(tf.constant(texts))
    ids = tf.RaggedTensor.from_row_lengths(encoded["ids"], encoded["row_lengths"]).to_tensor()
    assert ids.shape == (25, 200)
    share = head.score(model(ids)).numpy()
    assert len(np.unique(share)) > 10
    assert served["score"].numpy() == pytest.approx(reviews.scale.from_unit(share), abs=1e-3)
    padded = scorer.score_ids(tf.pad(ids, [[0, 0], [0, 9]]))
    for name, values in padded.items():
        assert values.numpy() == pytest.approx(served[name].numpy(), abs=1e-3)


def test_an_export_holds_each_weight_once_and_no_vectors_that_its_tables_replace(trained):
    variables = tf.train.list_variables(str(version(trained) / "variables" / "variables"))
    weights = tf.saved_model.load(str(version(trained))).weights
    tables = [name for name, _ in variables if name.startswith("_rows/")]
    assert len(variables) - 1 == len(weights) + len(tables)  # One lists the others.
    assert (export.FROZEN_VECTORS in weights) != bool(tables)
    if any("convolution" in name for name in weights):
        assert tables
