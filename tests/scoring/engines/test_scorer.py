"""The two engines of the bulk job give the same scores, and the job proves it before it starts."""

import json
import shutil
import types

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.engines import compiled_cnn, compiled_engine, saved_model_engine
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.score_rows import RowOptions, score_rows
from beam_pipelines.scoring.summary import statistics
from beam_pipelines.text import compiled_tokenizer
from tests.helpers.exports import change_weights, version
from tests.helpers.texts import TEXTS, WITHIN


@pytest.fixture
def copy(cnn, tmp_path):
    return shutil.copytree(version(cnn), tmp_path / "20200101000000")


def test_engines_agree(trained, rows):
    """On short and long, known and unknown, empty and endless texts."""
    export = exports.find(str(trained))
    texts = pa.array(TEXTS + [row["text"] for row in rows])
    auto, saved_model = Scorer(export), Scorer(export, "saved_model")
    assert auto.engine == "compiled"
    assert saved_model.engine == "saved_model"
    found = auto.score(texts, EngineMetrics())
    for name, values in saved_model.score(texts, EngineMetrics()).items():
        assert found[name] == pytest.approx(values, abs=WITHIN)


def test_it_counts_what_it_does(cnn):
    """Two reviews of 200 tokens fill their places, the third and the empty one do not."""
    texts = pa.array(["excellent " * 200, "boring " * 300, "a zzz", "", "zzz zz"])
    scorer_of = {engine: Scorer(exports.find(str(cnn)), engine) for engine in ("saved_model", "compiled")}
    for engine, one in scorer_of.items():
        metrics = EngineMetrics()
        one.score(texts, metrics)
        assert (metrics.batches, metrics.tokens) == (1, 200 + 200 + 2 + 1 + 2)
        assert metrics.slots == (5 * 200 if engine == "saved_model" else metrics.tokens)
        assert set(metrics.stopwatch.seconds) == {"tokenise", "score"}
        assert statistics.count_unknown(metrics.unknown) == {"zzz": 2, "a": 1, "zz": 1}


def test_a_text_that_recurs_is_scored_once(cnn):
    """Each row gets its score, and counts with its tokens, as if it were alone."""
    texts = ["excellent zzz", "boring", "excellent zzz", "", "excellent zzz", ""]
    for engine in ("saved_model", "compiled"):
        scorer_of_all = Scorer(exports.find(str(cnn)), engine)
        metrics = EngineMetrics()
        found = scorer_of_all.score(pa.array(texts), metrics)
        for row, text in enumerate(texts):
            alone = scorer_of_all.score(pa.array([text]), EngineMetrics())
            assert all(found[name][row] == pytest.approx(values[0], abs=WITHIN) for name, values in alone.items())
        assert metrics.tokens == 2 + 1 + 1
        assert statistics.count_unknown(metrics.unknown) == {"zzz": 3}
        told = scorer_of_all.explain(pa.array(texts), found["tokens"], EngineMetrics())
        assert told["reasons"][0] == told["reasons"][2] == told["reasons"][4] != []
        assert told["reasons"][3] == told["reasons"][5] == []


def test_what_is_not_read_is_not_explained(cnn, monkeypatch):
    """The signature gets the 200 tokens that the model reads, and a text of many bytes alone; in any order of rows."""
    scorer, given = Scorer(exports.find(str(cnn)), "saved_model"), []
    texts = pa.array(["excellent " * 300, "x" * 300_000, "boring isn't", "excellent " * 200])
    expected = scorer.explain(texts.take(pa.array([3, 1, 2])), np.array([200, 1, 3]), EngineMetrics())["reasons"]
    explain = scorer._model.signatures["explain"]

    def record(text):
        given.append(text.numpy().tolist())
        return explain(text=text)

    monkeypatch.setattr(scorer, "_model", types.SimpleNamespace(signatures={"explain": record}))
    found = scorer.explain(texts, np.array([300, 1, 3, 200]), EngineMetrics())["reasons"]
    assert found == [expected[0], expected[1], expected[2], expected[0]]
    assert given[0] == [b"x" * 300_000]
    assert set(given[1]) == {b"boring isn't", b"excellent " * 199 + b"excellent", b"excellent " * 200}


def test_a_compiled_engine_that_is_off_is_not_used(cnn, monkeypatch):
    export = exports.find(str(cnn))
    right = compiled_cnn.CompiledCnn.pool
    monkeypatch.setattr(
        compiled_cnn.CompiledCnn,
        "pool",
        lambda self, *given: [values + 1 for values in right(self, *given)],
    )
    assert Scorer(export).engine == "saved_model"
    with pytest.raises(UserError, match="scores the fixed texts .* otherwise than when the model was exported"):
        Scorer(export, "compiled")


@pytest.mark.parametrize("name", ["score", "score_low", "score_high"])
def test_an_engine_that_gives_nan_is_off(cnn, monkeypatch, name):
    right = compiled_engine.CompiledEngine.run

    def run(self, *given):
        scores = right(self, *given)
        return {**scores, name: np.where(np.arange(len(scores[name])) == 2, np.float32("nan"), scores[name])}

    monkeypatch.setattr(compiled_engine.CompiledEngine, "run", run)
    with pytest.raises(UserError, match="scores the fixed texts nan otherwise"):
        Scorer(exports.find(str(cnn)), "compiled")


@pytest.mark.parametrize("folded", [None, {"table": tf.zeros([3, 2])}])
def test_a_model_without_a_compiled_form_is_scored_by_the_saved_model(cnn, monkeypatch, caplog, folded):
    """One without a folded form, and one whose arrays no compiled network takes."""
    loaded = tf.saved_model.load(version(cnn))
    parts = {"encode": loaded.encode, "score_ids": loaded.score_ids} | ({"fold": lambda: folded} if folded else {})
    monkeypatch.setattr(tf.saved_model, "load", lambda folder: types.SimpleNamespace(**parts))
    assert Scorer(exports.find(str(cnn))).engine == "saved_model"
    assert "the compiled engine has no form of this architecture; using the SavedModel" in caplog.text
    with pytest.raises(UserError, match="the compiled engine has no form of this architecture"):
        Scorer(exports.find(str(cnn)), "compiled")


def test_a_version_that_was_renamed_is_refused(copy):
    copy.rename(copy.parent / "mine")
    with pytest.raises(UserError, match="the name of a version's folder is its number"):
        exports.find(str(copy.parent / "mine"))


def test_a_model_that_scores_otherwise_than_when_exported_is_refused(copy):
    extra = copy / "assets.extra" / "reviews.json"
    about = json.loads(extra.read_text())
    about["fixed_texts"][3]["score"] += 0.01
    extra.write_text(json.dumps(about))
    with pytest.raises(UserError, match="otherwise than when the model was exported"):
        Scorer(exports.find(str(copy)))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("variables/variables.data-00000-of-00001", "cut"),
        ("variables/variables.data-00000-of-00001", "changed"),
        ("variables/variables.index", "cut"),
        ("saved_model.pb", "cut"),
        ("assets/vocabulary.txt", "gone"),
    ],
)
def test_a_damaged_file_of_a_model_is_named(copy, name, how):
    data = (copy / name).read_bytes()
    middle = len(data) // 2
    changed = data[:middle] + bytes(byte ^ 255 for byte in data[middle : middle + 100]) + data[middle + 100 :]
    (copy / name).unlink()
    if how != "gone":
        (copy / name).write_bytes(data[:middle] if how == "cut" else changed)
    with pytest.raises(UserError, match=f"{copy} cannot be loaded: {name} is not the file that was exported; copy or"):
        Scorer(exports.find(str(copy)))


def test_a_whole_model_that_cannot_be_loaded_tells_the_error(copy, monkeypatch):
    def fail(folder: str):
        raise MemoryError("no room\nfor it")

    monkeypatch.setattr(tf.saved_model, "load", fail)
    with pytest.raises(UserError, match=f"{copy} cannot be loaded: MemoryError: no room\n"):
        Scorer(exports.find(str(copy)))


@pytest.mark.parametrize("engine", ["compiled", "saved_model"])
def test_a_word_whose_vector_is_not_finite_costs_its_reviews_alone(copy, engine):
    """As of an export that an earlier version made of such vectors; no fixed text has the word."""
    vocabulary = (copy / "assets/vocabulary.txt").read_text().splitlines()
    row = vocabulary.index("drums") + 2

    def damage(name: str, weights: np.ndarray) -> None:
        if weights.shape[:1] == (len(vocabulary) + 2,):
            weights[row] = np.nan

    change_weights(copy, damage)
    texts = pa.array(["the band was boring", "the drums were boring", "excellent", "DRUMS", "drum"])
    scorer = Scorer(exports.find(str(copy)), engine)
    found = score_rows(scorer, pa.record_batch({"text": texts}), (), RowOptions(text_column="text"))
    assert found.reasons == {1: "scoring_failed", 3: "scoring_failed"}
    assert np.isfinite([found.results[name] for name in exports.SCORES]).all()
    whole = scorer.score(texts.take(pa.array([0, 2, 4])), EngineMetrics())
    assert found.results["score"] == pytest.approx(whole["score"], abs=WITHIN)


def test_a_compiled_tokeniser_that_is_off_is_not_used(cnn, monkeypatch):
    """One that finds other tokens than the export's, even if no score shows it."""
    monkeypatch.setattr(compiled_tokenizer, "_LOWER_CASE", compiled_tokenizer._AS_IT_IS)
    assert Scorer(exports.find(str(cnn))).engine == "saved_model"
    with pytest.raises(UserError, match="the fixed texts .*when the model was exported"):
        Scorer(exports.find(str(cnn)), "compiled")


@pytest.mark.parametrize("seed", range(5))
def test_batches_hold_every_review_once_within_their_limits(seed):
    lengths = np.random.default_rng(seed).integers(1, 5000, 700)
    found = list(saved_model_engine.batches(lengths, 8192))
    assert sorted(np.concatenate(found).tolist()) == list(range(700))
    for rows in found:
        assert len(rows) <= saved_model_engine.BATCH_REVIEWS
        assert len(rows) * lengths[rows].max() <= 8192
