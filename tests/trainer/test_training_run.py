"""What a run is put together of; that the parts fit together is tested in test_task."""

import types

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import entry
from tests.helpers.commands import metrics
from trainer import data, training_run
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


def test_what_is_fitted_follows_from_the_settings(monkeypatch):
    monkeypatch.setattr(data, "scores", lambda prepared, split: np.array({"train": [0.0, 5, 10]}[split]))
    prepared = types.SimpleNamespace(scale=Scale(0, 10))
    spec = training_run.model_spec(settings(model="lstm", learn_vectors="missing", warm_start="w"), prepared)
    assert (spec.architecture, spec.learn_missing, spec.warm_start, spec.prepared) == (Lstm, True, "w", prepared)
    assert spec.head.about()["points"] == [0, 0.5, 1]
    spec = training_run.model_spec(settings(preset="notebook"), prepared)
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
    assert list(of_run)[:10] == [
        "train",
        "validation",
        "test",
        "trainer_settings",
        "interval",
        "head",
        "verdict",
        "best_epoch",
        "history",
        "export",
    ]
    assert of_run["command"] == "trainer.task"
    assert (of_run["trainer_settings"]["epochs"], of_run["best_epoch"], len(of_run["history"])) == (1, 1, 1)
    assert of_run["export"].startswith("export/reviews/")
    assert of_run["interval"]["share"] == 0.8
    assert 0 < of_run["interval"]["calibration_rows"] < of_run["validation"]["rows"]
