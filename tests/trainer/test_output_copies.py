"""The mirrors of a run's files. Vertex AI's folders are local ones here, gs:// paths on the service.

--output on an object store is tested with the three commands, in tests/files/test_object_stores.py.
"""

import json
import os
import shutil

import pytest

from beam_pipelines.files import storage
from tests.helpers.commands import kill_after_epoch, metrics, start, train, weights
from tests.helpers.exports import serve, version
from trainer import output_copies


@pytest.fixture
def copied(monkeypatch) -> list[str]:
    """The names of the files that are written to another folder, as they are."""
    names, write = [], storage.write_bytes
    monkeypatch.setattr(storage, "write_bytes", lambda *given: (names.append(given[1]), write(*given)))
    return names


def test_what_names_or_completes_others_comes_last_and_nothing_twice(tmp_path, monkeypatch, copied):
    monkeypatch.setenv(output_copies.CHECKPOINTS, str(tmp_path / "kept"))
    monkeypatch.setenv(output_copies.MODEL, str(tmp_path / "model"))
    folder = tmp_path / "run"
    for name in ("manifest.json", "checkpoints/state.json", "checkpoints/z.h5", "other", "v/saved_model.pb", "v/z/a"):
        storage.write_bytes(str(folder), name, b"first")
    copied.clear()
    run = output_copies.OutputCopies(folder, str(folder))
    run.save()
    assert copied == ["checkpoints/z.h5", "manifest.json", "checkpoints/state.json"]
    copied.clear()
    os.remove(folder / "checkpoints/z.h5")
    storage.write_bytes(str(folder), "checkpoints/state.json", b"second")
    copied.clear()
    run.save()
    assert copied == ["checkpoints/state.json"]
    assert storage.listing(str(tmp_path / "kept")) == ["checkpoints/state.json", "manifest.json"]
    run.publish("v")
    assert copied[1:] == ["z/a", "saved_model.pb"]


@pytest.mark.slow
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
