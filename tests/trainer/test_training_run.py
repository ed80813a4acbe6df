"""What a run is put together of; that the parts fit together is tested in test_task."""

import types

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import entry
from tests.helpers.commands import metrics
from trainer import training_run
from trainer.architectures.cnn import NotebookCnn
from trainer.architectures.heads import PointHead
from trainer.architectures.lstm import Lstm
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


def test_how_it_is_fitted_follows_from_the_settings():
    options = settings().fit_options
    assert (options.cosine, options.balanced, options.mixed_precision) == (True, False, False)
    given = {"epochs": 3, "batch_size": 5, "learning_rate": 0.5, "patience": 7, "seed": 9}
    options = settings(**given, schedule="constant", sample_weights="balanced", mixed_precision=True).fit_options
    assert {name: getattr(options, name) for name in given} == given
    assert (options.cosine, options.balanced, options.mixed_precision) == (False, True, True)


def test_metrics_have_what_was_used_and_where_it_lies(cnn):
    of_run = metrics(cnn)
    assert list(of_run)[:12] == [
        "train",
        "validation",
        "test",
        "trainer_settings",
        "interval",
        "head",
        "verdict",
        "folds",
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
