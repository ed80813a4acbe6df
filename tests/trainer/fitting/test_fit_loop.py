"""Several devices, half precision: each in a process of its own, since both are set for all of it."""

import json
import pathlib
import subprocess
import sys

import pytest

from beam_pipelines.errors import UserError
from tests.helpers.commands import metrics
from tests.helpers.exports import serve, version
from trainer import data

TWO_DEVICES = """
import sys
import tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
from trainer import task
sys.exit(task.main(sys.argv[1:]))
"""


def train_on_two_devices(prepared: pathlib.Path, output: pathlib.Path, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", TWO_DEVICES, f"--data={prepared}", f"--output={output}", *flags]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--model=cnn"], ["--model=lstm"], ["--preset=notebook"]])
def test_mirrored_over_two_devices(prepared, tmp_path, flags):
    """It learns, resumes from nothing left over, and exports what one device can run."""
    ended = train_on_two_devices(prepared, tmp_path / "out", "--epochs=8", "--batch_size=6", *flags)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = metrics(tmp_path / "out")
    assert len(found["history"]) >= 1
    losses = [epoch["loss"] for epoch in found["history"]]
    assert losses[-1] < losses[0]
    ended = subprocess.run(
        [sys.executable, "-m", "serving.check", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_two_devices_need_a_review_each(prepared, tmp_path):
    with pytest.raises(UserError, match=r"--batch_size 1 must be between 2 \(the GPUs\) and 50 \(the reviews\)"):
        data.steps(50, 1, replicas=2)
    with pytest.raises(UserError, match="--batch_size 64 must be between"):
        data.steps(50, 64, replicas=2)
    assert [data.steps(50, 16), data.steps(50, 16, replicas=2)] == [4, 3]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_mixed_precision_exports_a_float32_model(prepared, tmp_path, model):
    flags = [f"--data={prepared}", f"--output={tmp_path}/out", f"--model={model}", "--epochs=2", "--mixed_precision"]
    ended = subprocess.run([sys.executable, "-m", "trainer.task", *flags], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    scores = serve(version(tmp_path / "out"), ["excellent and brilliant", "a dull song"])["score"]
    assert len(set(scores)) == 2
    assert metrics(tmp_path / "out")["test"]["mae"] < 45
    assert json.loads((tmp_path / "out/manifest.json").read_text())["settings"]["mixed_precision"]
