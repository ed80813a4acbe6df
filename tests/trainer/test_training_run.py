"""The run behind the command: what it warns of, and that its parts fit together is tested in test_task."""

import pytest

from beam_pipelines.commands import entry
from trainer import training_run


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
