"""Vertex AI's folders, here local ones; on the service they are gs:// paths."""

import json
import os
import shutil

import pytest

from tests.conftest import train
from tests.trainer.test_export import serve, version
from tests.trainer.test_task import kill_after_epoch, metrics, start, weights


def test_model_checkpoints_and_logs_are_copied(prepared, tmp_path, monkeypatch):
    for name in ("AIP_MODEL_DIR", "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    output = train(prepared, tmp_path / "out", "--epochs=2")
    texts = ["excellent", "a dull song"]
    exported = serve(version(output), texts)["score"]
    assert (serve(tmp_path / "AIP_MODEL_DIR", texts)["score"] == exported).all()
    assert json.loads((tmp_path / "AIP_CHECKPOINT_DIR/checkpoints/state.json").read_text())["epoch"] == 2
    assert list((tmp_path / "AIP_TENSORBOARD_LOG_DIR").glob("events.*"))


@pytest.mark.slow
def test_a_run_goes_on_on_another_machine(prepared, tmp_path, monkeypatch):
    """Killed, its output lost: the copied checkpoints take it to the same weights."""
    flags = ["--epochs=4", "--seed=5"]
    whole = train(prepared, tmp_path / "whole", *flags)
    monkeypatch.setenv("AIP_CHECKPOINT_DIR", str(tmp_path / "kept"))
    killed = tmp_path / "killed"
    process = start(prepared, killed, *flags)
    kill_after_epoch(process, tmp_path / "kept/checkpoints", 2)
    shutil.rmtree(killed)
    assert start(prepared, killed, *flags).wait() == 0
    assert len(metrics(killed)["history"]) == 4
    assert weights(killed) == weights(whole)
    assert len(list((tmp_path / "kept/checkpoints").glob("*.weights.h5"))) <= 2
    assert not os.path.exists(tmp_path / "kept/.tmp")
