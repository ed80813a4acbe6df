"""Runs the commands as a user would, and reads what the trainer writes."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import h5py
import pytest


def train(prepared: pathlib.Path, output: pathlib.Path, *flags: str) -> pathlib.Path:
    """Trains, without folds unless flags ask for them: each is a fit of its own."""
    from trainer import task

    assert task.main([f"--data={prepared}", f"--output={output}", "--folds=0", *flags]) == 0
    return output


def run_score(archive, model: pathlib.Path, output: pathlib.Path, *flags: str) -> dict:
    """Runs the job and returns its summary."""
    from beam_pipelines import score

    arguments = ["--input", str(archive), "--model", str(model), "--output", str(output), "--text_column", "text"]
    assert score.main([*arguments, *flags]) == 0
    return json.loads((output / "summary.json").read_text())


def run_preprocess(folder: pathlib.Path, archive, *flags: str) -> dict:
    """Runs the job, which writes to `out` in a folder, and returns its statistics."""
    from beam_pipelines import preprocess

    output = folder / "out"
    arguments = ["--input", str(archive), "--output", str(output), "--text_column", "text", *flags]
    assert preprocess.main(arguments) == 0
    return json.loads((output / "statistics.json").read_text())


def run_command(module: str, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Runs `python -m module` as a user would, in a process of its own."""
    return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, **options)


def metrics(output: pathlib.Path) -> dict:
    return json.loads((output / "metrics.json").read_text())


def weights(output: pathlib.Path) -> dict:
    """The final weights, by their name in the file."""
    best = metrics(output)["best_epoch"]
    arrays = {}
    with h5py.File(output / "checkpoints" / f"epoch-{best:04d}.weights.h5") as file:
        file.visititems(lambda name, item: arrays.update({name: item[()].tolist()}) if hasattr(item, "shape") else None)
    return arrays


def start(prepared: pathlib.Path, output: pathlib.Path, *flags: str, stderr: int = subprocess.DEVNULL):
    """Starts `train` in a process of its own."""
    given = [f"--data={prepared}", f"--output={output}", "--folds=0", *flags]
    command = [sys.executable, "-m", "trainer.task", *given]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)


def kill_after_epoch(process: subprocess.Popen, checkpoints: pathlib.Path, epoch: int) -> None:
    """Kills a run, in the middle of whatever it does, once the epoch is saved."""
    state = checkpoints / "state.json"
    while process.poll() is None:
        if state.exists() and json.loads(state.read_text())["epoch"] >= epoch:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return
        time.sleep(0.01)
    pytest.fail("the run ended before it could be killed")
