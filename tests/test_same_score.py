"""The score of a review is the same wherever and beside whatever it is scored."""

import dataclasses
import json
import pathlib

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf

from beam_pipelines import score
from beam_pipelines.artifacts import exports
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.scorer import Scorer
from tests.helpers.commands import metrics
from tests.helpers.exports import serve, version
from tests.helpers.texts import TEXTS, WITHIN
from trainer import data
from trainer.architectures.distribution_head import Branch
from trainer.architectures.interval_reach import IntervalReach
from trainer.architectures.ngrams import WithNgrams
from trainer.fitting import fit_loop, ngram_cross_fit, run_state
from trainer.judging import evaluation
from trainer.settings import TrainerSettings
from trainer.training_run import model_spec


def scores_alone(folder: pathlib.Path) -> np.ndarray:
    return np.concatenate([serve(folder, [text])["score"] for text in TEXTS])


def test_in_any_batch_and_order_beside_a_very_long_one(trained):
    folder = version(trained)
    expected = scores_alone(folder)
    random = np.random.default_rng(0)
    for size in (2, 5, len(TEXTS)):
        places = random.permutation(len(TEXTS))[:size]
        assert serve(folder, [TEXTS[place] for place in places])["score"] == pytest.approx(expected[places], abs=WITHIN)
    longest = TEXTS[-1]
    for place, text in enumerate(TEXTS):
        assert serve(folder, [longest, text])["score"][1] == pytest.approx(expected[place], abs=WITHIN)


def test_in_the_bulk_job(trained, tmp_path):
    archive = tmp_path / "texts.jsonl"
    archive.write_text("".join(json.dumps({"place": place, "text": text}) + "\n" for place, text in enumerate(TEXTS)))
    flags = f"--input {archive} --model {trained} --output {tmp_path}/out --text_column text --id_column place"
    assert score.main([*flags.split(), "--max_rejected_share=1"]) == 0
    found = pd.read_parquet(tmp_path / "out/scores")
    assert found["place"].astype(int).tolist() == list(range(2, len(TEXTS)))  # Empty texts are rejected.
    assert found["score"].to_numpy() == pytest.approx(scores_alone(version(trained))[2:], abs=WITHIN)
    assert found["tokens"].iloc[-1] == 20_000
    assert found["truncated"].iloc[-1]


def test_however_it_is_typed(trained):
    """A curly apostrophe, no-break and wide spaces, dashes, an ellipsis and an emoji at a word change nothing."""
    plain = ['It isn\'t "excellent" - boring... with a DULL voice! \U0001f600'] * 4
    typed = [
        "It isn\u2019t \u201cexcellent\u201d\u2014boring\u2026 with a DULL voice! \U0001f600",
        plain[0].replace(" ", "\u00a0"),
        plain[0].replace(" ", "\u3000").replace("!", "\uff01"),
        plain[0].replace("boring", "bor\u00ading").replace(" \U0001f600", "\U0001f600\ufe0f"),
    ]
    expected, found = serve(version(trained), plain), serve(version(trained), typed)
    bulk = Scorer(exports.find(str(trained))).score(pa.array(typed), EngineMetrics())
    for name in ("score", "tokens", "known_share"):
        assert found[name] == pytest.approx(expected[name], abs=WITHIN)
        assert bulk[name] == pytest.approx(expected[name], abs=WITHIN)
    assert found["tokens"].tolist() == [11] * 4


def test_in_the_bulk_scorer_of_texts_the_job_rejects(trained):
    found = Scorer(exports.find(str(trained))).score(pa.array(TEXTS), EngineMetrics())
    assert found["score"] == pytest.approx(scores_alone(version(trained)), abs=WITHIN)


def test_in_the_trainers_evaluation(rows, prepared, trained):
    """The model that was fitted, on the prepared ids, against the export on the text."""
    settings = TrainerSettings(**json.loads((trained / "manifest.json").read_text())["settings"])
    reviews = data.PreparedReviews.load(str(prepared))
    found = metrics(trained)
    spec = model_spec(settings, reviews, found["folds"])
    head, model = spec.head, fit_loop.start(spec, settings.fit_options)
    run_state.load(trained / "checkpoints", model.model)
    model.model.load_weights(run_state.weights_path(trained / "checkpoints", found["best_epoch"]))
    if settings.ngrams == "on":
        model = WithNgrams(model, ngram_cross_fit.fit(spec, found["folds"]).ngrams)
    selection = data.Selection.whole("test")
    split = evaluation.score_split(evaluation.predictor(model.outputs_of_padded), reviews, selection)
    reach = IntervalReach(tuple(found["interval"]["positions"]), tuple(found["interval"]["reaches"]))
    if found["head"]["kind"] == "distribution":
        branches = tuple(Branch(**branch) for branch in found["head"]["branches"])
        head = dataclasses.replace(head, branches=branches)
    scored = evaluation.predictions(head, split.outputs, reach, reviews.scale)
    texts = {row["id"]: row["text"] for row in rows}
    served = serve(version(trained), [texts[name.decode()] for name in split.names])
    assert len(split.names) > 50
    for name, values in (("score", scored.score), ("score_low", scored.low), ("score_high", scored.high)):
        assert served[name] == pytest.approx(values, abs=WITHIN)
    assert metrics(trained)["test"]["mae"] == pytest.approx(np.abs(split.truths - served["score"]).mean(), abs=WITHIN)
    keras.backend.clear_session()


def test_the_halves_of_the_export_make_the_whole(trained):
    halves = tf.saved_model.load(str(version(trained)))
    encoded = halves.encode(tf.constant(TEXTS))
    ragged = tf.RaggedTensor.from_row_lengths(encoded["ids"], encoded["row_lengths"])
    assert (encoded["row_lengths"].numpy() >= 1).all()
    found = halves.score_ids(ragged.to_tensor())["score"].numpy()
    assert found == pytest.approx(scores_alone(version(trained)), abs=WITHIN)
