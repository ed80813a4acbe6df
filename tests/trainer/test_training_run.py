"""What a run is put together of; that the parts fit together is tested in test_task."""

import types

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import entry
from tests.helpers.commands import metrics, train
from trainer import training_run
from trainer.architectures.cnn import NotebookCnn
from trainer.architectures.heads import PointHead
from trainer.architectures.lstm import Lstm
from trainer.fitting.ngram_fit import STRENGTHS
from trainer.settings import TrainerSettings


@pytest.mark.parametrize(
    ("device", "chosen", "told"), [("nvidia", None, True), ("nvidia", "", False), ("absent", None, False)]
)
def test_a_gpu_that_tensorflow_cannot_use_is_told(tmp_path, monkeypatch, caplog, device, chosen, told):
    (tmp_path / "nvidia").touch()
    monkeypatch.setattr(entry, "NVIDIA_DEVICE", str(tmp_path / device))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    training_run.warn_of_idle_gpu()
    assert ("has an NVIDIA GPU that TensorFlow cannot use" in caplog.text) == told


def settings(**given) -> TrainerSettings:
    return TrainerSettings(data="d", output="o", **given)


def test_what_is_fitted_follows_from_the_settings():
    scores = {("train",): np.array([0.0, 5, 10]), ("train", "validation"): np.array([0.0, 5, 7, 10])}
    prepared = types.SimpleNamespace(
        scale=Scale(0, 10),
        scores=lambda selection: scores[selection.splits],
        statistics=types.SimpleNamespace(unrated=None),
    )
    given = settings(model="lstm", learn_vectors="missing", warm_start="w")
    spec = training_run.model_spec(given, prepared, folds=0)
    assert (spec.architecture, spec.learn_missing, spec.warm_start, spec.prepared) == (Lstm, True, "w", prepared)
    assert (spec.learned.splits, spec.held_out.splits) == (("train",), ("validation",))
    assert spec.head.about()["points"] == [0, 0.5, 1]
    in_folds = training_run.model_spec(given, prepared, folds=2)
    assert (in_folds.learned.splits, in_folds.held_out) == (("train", "validation"), None)
    assert in_folds.head.about()["points"] == [0, 0.5, 0.7, 1]
    spec = training_run.model_spec(settings(preset="notebook", ngrams="off"), prepared, folds=0)
    assert (spec.architecture, spec.learn_missing, spec.warm_start) == (NotebookCnn, False, None)
    assert isinstance(spec.head, PointHead)


def rated(rows: int, groups: int = 100) -> types.SimpleNamespace:
    """Prepared reviews, so many that are learned from, in groups that stay together."""

    def count(selection) -> int:
        if not selection.folds:
            return rows
        return int(selection.holds(np.arange(groups) * 10**12).sum())

    return types.SimpleNamespace(rows=count)


@pytest.mark.parametrize(
    ("wanted", "rows", "folds"), [(None, 20_000, 5), (None, 20_001, 0), (0, 100, 0), (3, 100, 3), (3, 50_000, 3)]
)
def test_there_are_five_folds_but_for_many_reviews_or_where_the_flag_says_otherwise(wanted, rows, folds, caplog):
    assert training_run.number_of_folds(settings(folds=wanted), rated(rows)) == folds
    assert caplog.text == ""


def test_fewer_folds_than_wanted_are_told(caplog):
    assert training_run.number_of_folds(settings(), rated(100, groups=3)) == 3
    assert "too few reviews for 5 folds: going on with 3" in caplog.text
    assert training_run.number_of_folds(settings(folds=4), rated(100, groups=1)) == 0
    assert "too few reviews for 4 folds: going on with 0" in caplog.text


def test_how_it_is_fitted_follows_from_the_settings():
    options = settings().fit_options
    assert (options.cosine, options.balanced, options.mixed_precision) == (True, False, False)
    given = {"epochs": 3, "batch_size": 5, "learning_rate": 0.5, "patience": 7, "seed": 9}
    options = settings(**given, schedule="constant", sample_weights="balanced", mixed_precision=True).fit_options
    assert {name: getattr(options, name) for name in given} == given
    assert (options.cosine, options.balanced, options.mixed_precision) == (False, True, True)


def test_metrics_have_what_was_used_and_where_it_lies(cnn):
    of_run = metrics(cnn)
    assert list(of_run)[:14] == [
        "train",
        "validation",
        "test",
        "trainer_settings",
        "interval",
        "head",
        "verdict",
        "folds",
        "unrated_reviews",
        "taught_reviews",
        "ngram_strength",
        "best_epoch",
        "history",
        "export",
    ]
    assert of_run["command"] == "trainer.task"
    assert (of_run["trainer_settings"]["epochs"], of_run["best_epoch"], len(of_run["history"])) == (1, 1, 1)
    assert of_run["export"].startswith("export/reviews/")
    assert of_run["interval"]["share"] == 0.8
    assert 0 < of_run["interval"]["calibration_rows"] < of_run["validation"]["rows"]
    assert (of_run["folds"], of_run["ngram_strength"] in STRENGTHS) == (0, True)
    assert_two_branches(of_run)


def assert_two_branches(of_run: dict) -> None:
    assert [set(branch) for branch in of_run["head"]["branches"]] == [{"weight", "temperature"}] * 2
    assert sum(branch["weight"] for branch in of_run["head"]["branches"]) == 1


def test_metrics_of_folds_are_those_of_reviews_that_no_model_saw(in_folds):
    of_run = metrics(in_folds)
    assert (of_run["folds"], of_run["ngram_strength"] in STRENGTHS) == (2, True)
    assert_two_branches(of_run)
    rows = of_run["train"]["rows"]
    assert rows + of_run["test"]["rows"] == 400
    assert of_run["validation"]["rows"] == of_run["interval"]["calibration_rows"] == rows
    assert of_run["validation"]["tfidf_logistic"]["rows"] == rows
    assert {len(figures) for figures in of_run["history"]} == {5}
    with np.load(in_folds / "checkpoints/folds/fold-1.npz") as fold:
        assert of_run["best_epoch"] <= len(fold["losses"]) == 2


def test_a_run_without_ngrams_has_one_branch(prepared, tmp_path):
    of_run = metrics(train(prepared, tmp_path / "out", "--epochs=1", "--ngrams=off"))
    assert of_run["ngram_strength"] is None
    assert [branch["weight"] for branch in of_run["head"]["branches"]] == [1]
