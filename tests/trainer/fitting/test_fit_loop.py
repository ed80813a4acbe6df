"""The fit of one epoch after the other, on several devices and in half precision too.

The latter each in a process of its own, since they are set for all of it.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError
from tests.helpers.commands import metrics, train
from tests.helpers.exports import serve, version
from tests.helpers.splits import scored_split
from trainer import data
from trainer.architectures.heads import PointHead
from trainer.fitting import fit_loop

TWO_DEVICES = """
import sys
import tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
from trainer import task
sys.exit(task.main(sys.argv[1:]))
"""


def train_on_two_devices(prepared: pathlib.Path, output: pathlib.Path, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", TWO_DEVICES, f"--data={prepared}", f"--output={output}", "--folds=0", *flags]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--model=cnn", "--folds=2"], ["--model=lstm"], ["--preset=notebook"]])
def test_mirrored_over_two_devices(prepared, tmp_path, flags):
    """It learns, resumes from nothing left over, and exports what one device can run."""
    ended = train_on_two_devices(prepared, tmp_path / "out", "--epochs=4", "--batch_size=6", *flags)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = metrics(tmp_path / "out")
    assert len(found["history"]) >= 1
    losses = [epoch["loss"] for epoch in found["history"]]
    assert losses[-1] < losses[0]
    ended = subprocess.run(
        [sys.executable, "-m", "serving.check", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_a_loss_that_is_not_finite_names_what_may_help(prepared, tmp_path):
    with pytest.raises(UserError, match="the loss of epoch 1 is no finite number; try a lower --learning_rate"):
        train(prepared, tmp_path / "out", "--preset=notebook", "--epochs=1", "--batch_size=8", "--learning_rate=1e30")
    large = shutil.copytree(prepared, tmp_path / "large")
    np.save(large / "vectors.npy", np.load(large / "vectors.npy") * np.float32(1e30))
    with pytest.raises(UserError, match=r"no finite number; the vectors hold numbers as large as \d\S*e\+30: prepare"):
        train(large, tmp_path / "out", "--epochs=1")


def test_two_devices_need_a_review_each(prepared, tmp_path):
    with pytest.raises(UserError, match=r"--batch_size 1 must be between 2 \(the GPUs\) and 50 \(the reviews\)"):
        data.steps(50, 1, replicas=2)
    with pytest.raises(UserError, match="--batch_size 64 must be between"):
        data.steps(50, 64, replicas=2)
    assert [data.steps(50, 16), data.steps(50, 16, replicas=2)] == [4, 3]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_mixed_precision_exports_a_float32_model(prepared, tmp_path, model):
    folders = [f"--data={prepared}", f"--output={tmp_path}/out"]
    flags = [*folders, f"--model={model}", "--epochs=2", "--folds=0", "--mixed_precision"]
    ended = subprocess.run([sys.executable, "-m", "trainer.task", *flags], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    scores = serve(version(tmp_path / "out"), ["excellent and brilliant", "a dull song"])["score"]
    assert len(set(scores)) == 2
    assert metrics(tmp_path / "out")["test"]["mae"] < 45
    assert json.loads((tmp_path / "out/manifest.json").read_text())["settings"]["mixed_precision"]


def error_on(split) -> tuple[float | None, float]:
    """The validation error of a model whose output is the score."""
    spec = types.SimpleNamespace(is_fold=False, head=PointHead(), prepared=types.SimpleNamespace(scale=Scale(0, 10)))
    return fit_loop.validation_error(split, spec)


def test_the_validation_error_is_that_of_the_half_that_does_not_calibrate():
    """Gaps of 1 and 3 tenths, of a scale from 0 to 10."""
    split = scored_split([5, 5, 0, 0], [0.6, 0.2, 0.9, 0.9], [2, 4, 1, 3])
    error, deviation = error_on(split)
    assert error == pytest.approx(0.2)
    assert deviation == pytest.approx(0.1 / 2**0.5)


def test_without_reviews_that_do_not_calibrate_there_is_no_validation_error():
    split = scored_split([5, 5], [0.6, 0.2], [1, 3])
    assert error_on(split) == (None, 0.0)


def test_the_time_left_is_told_within_a_long_epoch_and_after_it(monkeypatch, caplog):
    caplog.set_level("INFO")
    clock = iter([0.0, *[5.0], *[50.0] * 3, *[100.0] * 3, *[130.0] * 9])
    monkeypatch.setattr(fit_loop.time, "monotonic", lambda: next(clock))
    remaining = fit_loop.Remaining(3)
    remaining.set_params({"steps": 4})
    remaining.on_train_batch_end(0)  # After 5 s: too soon for a line.
    remaining.on_train_batch_end(1)  # Half an epoch took 50 s, and two and a half are left.
    remaining.on_epoch_end(0)
    assert [record.message for record in caplog.records] == ["step 2 of 4; at most 4 min left"]
    assert str(remaining) == "at most 3 min left"
